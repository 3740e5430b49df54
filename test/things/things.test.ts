import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, it, type TestContext } from 'node:test';
import { Ajv } from 'ajv';
import { EventStreamReader } from '../helpers/event-stream.ts';
import type { Json } from '../helpers/json.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';

const ADMIN = { authorization: 'Bearer a-token-of-the-configuration' };
const SCHEMA = createRequire(import.meta.url).resolve(
  'wot-thing-description-types/schema/td-json-schema-validation.json',
);

/** The schema that the W3C's working group publishes; formats are named there, and not all of them known to Ajv. */
async function validator(): Promise<(description: unknown) => void> {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(JSON.parse(await readFile(SCHEMA, 'utf8')) as object);
  return (description) => assert.ok(validate(description), ajv.errorsText(validate.errors));
}

const DESCRIPTION = {
  title: 'The pump',
  model: 'P1',
  commands: {
    state: { kind: 'read', output: { type: ['string', 'null'], enum: ['on', 'off', null] } },
    bar: { kind: 'read' },
    find: { kind: 'read', input: { type: 'string' } },
    turn: {
      kind: 'write',
      idempotent: true,
      input: { type: 'object', properties: { to: { enum: ['on'] } } },
    },
  },
  telemetry: { bar: { unit: 'bar', type: 'number' }, 'a/b%': {}, '..': {} },
  events: { bell: { title: 'Bell' } },
};

async function bring(t: TestContext, hub: TestHub, id: string, description: object): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify({ recado: 2, id, description })}\n`);
  await until('an answer to the hello', () => device.text.includes('\n'));
  assert.doesNotMatch(device.text, /"code"/);
  return device;
}

const startClosedHub = (t: TestContext): Promise<TestHub> =>
  startTestHub(t, (config) => {
    config.http.tokens = ['a-token-of-the-configuration'];
    config.http.trustedNetworks = [];
  });

async function makeToken(hub: TestHub, rights: object): Promise<Record<string, string>> {
  const wish = { name: 'a page', roles: ['viewer'], ...rights };
  const { body } = await hub.call('POST', '/api/v1/tokens', wish, ADMIN);
  return { authorization: `Bearer ${body.token}` };
}

describe('Thing Descriptions', () => {
  it('are what the standard has, also of a device with odd names', async (t) => {
    const hub = await startTestHub(t);
    const validate = await validator();
    const device = await bring(t, hub, 'pump', DESCRIPTION);
    await bring(t, hub, 'empty', { commands: {} });
    device.send('{"telemetry":{"bar":1.5}}\n');
    await until('the reading', () => hub.server.hub.devices.get('pump')?.telemetry.get('bar') !== undefined);
    const { status, headers, body: pump } = await hub.call('GET', '/things/pump');
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^application\/td\+json\b/);
    for (const path of ['/things/pump', '/things/empty', '/.well-known/wot'])
      validate((await hub.call('GET', path)).body);
    assert.equal(pump.id, 'urn:recado:device:pump');
    assert.deepEqual(pump.security, 'none');
    assert.deepEqual(Object.keys(pump.properties), ['bar', 'a/b%', 'state']);
    assert.deepEqual(Object.keys(pump.actions), ['bar', 'find', 'turn']);
    assert.deepEqual(Object.keys(pump.events), ['bell']);
    const { type, unit, readOnly, observable } = pump.properties.bar;
    assert.deepEqual([type, unit, readOnly, observable], ['number', 'bar', true, true]);
    const { safe, idempotent, synchronous } = pump.actions.turn;
    assert.deepEqual([safe, idempotent, synchronous], [false, true, true]);
    // Every address in it is there.
    for (const { forms } of Object.values<Json>({ ...pump.properties, ...pump.actions, ...pump.events }))
      for (const { href } of forms)
        assert.equal((await hub.call('OPTIONS', href)).status === 404, false, href);
    assert.deepEqual((await hub.call('GET', '/things/pump/properties/bar')).body, 1.5);
    const odd = await hub.call('GET', '/things/pump/properties/a%2Fb%25');
    assert.deepEqual([odd.status, odd.body.code], [404, 'METRIC_UNKNOWN']);
    const none = await hub.call('GET', '/things/pump/events/other');
    assert.deepEqual([none.status, none.body.code], [404, 'EVENT_UNKNOWN']);
    assert.equal((await hub.call('GET', '/things/other')).body.code, 'DEVICE_UNKNOWN');
  });

  it('are listed by pages, as an array or a collection', async (t) => {
    const hub = await startTestHub(t);
    for (const id of ['b', 'a', 'c']) await bring(t, hub, id, { commands: {} });
    const ids = ({ body }: { body: Json }): string[] => body.map(({ id }: Json) => id.at(-1));
    const first = await hub.call('GET', '/things?limit=2');
    assert.deepEqual(ids(first), ['a', 'b']);
    assert.match(first.headers.get('content-type') ?? '', /^application\/ld\+json\b/);
    const link = first.headers.get('link') ?? '';
    assert.equal(link, `</things?offset=2&limit=2>; rel="next", <${hub.url}/things>; rel="canonical"`);
    const last = await hub.call('GET', '/things?offset=2&limit=2');
    assert.deepEqual(ids(last), ['c']);
    assert.doesNotMatch(last.headers.get('link') ?? '', /next/);
    assert.deepEqual(ids(await hub.call('GET', '/things?offset=9')), []);
    const { body } = await hub.call('GET', '/things?format=collection&limit=1');
    assert.deepEqual([body['@type'], body.total, body.members.length], ['ThingCollection', 3, 1]);
    assert.equal(body.next, '/things?offset=1&limit=1&format=collection');
  });

  it('say what the caller may see and do, and nothing else', async (t) => {
    const hub = await startClosedHub(t);
    await bring(t, hub, 'pump', DESCRIPTION);
    await bring(t, hub, 'lamp', { commands: {} });
    const viewer = await makeToken(hub, {});
    const { body } = await hub.call('GET', '/things/pump', undefined, viewer);
    assert.deepEqual(Object.keys(body.properties), ['bar', 'a/b%']);
    assert.equal(body.actions, undefined);
    assert.equal(body.securityDefinitions.token.scheme, 'bearer');
    const one = await makeToken(hub, { scopes: [{ devices: ['lamp'] }] });
    const list = await hub.call('GET', '/things', undefined, one);
    assert.deepEqual(
      list.body.map(({ id }: Json) => id),
      ['urn:recado:device:lamp'],
    );
    assert.equal((await hub.call('GET', '/things')).status, 401);
    assert.equal((await hub.call('GET', '/events')).status, 401);
    assert.equal((await hub.call('GET', '/.well-known/wot')).status, 200);
    const act = await hub.call('POST', '/things/pump/actions/turn', {}, viewer);
    assert.equal(act.status, 403);
  });

  it('lead to streams that take a ticket for what it is for, and once', async (t) => {
    const hub = await startClosedHub(t);
    await bring(t, hub, 'pump', DESCRIPTION);
    const ticketFor = async (wish: object): Promise<string> =>
      (await hub.call('POST', '/api/v1/tickets', wish, ADMIN)).body.ticket;
    const observe = '/things/pump/properties/bar/observe';
    const ticket = await ticketFor({ device: 'pump', kind: 'reading' });
    const elsewhere = await hub.call('GET', `/things/pump?ticket=${ticket}`);
    assert.equal(elsewhere.status, 401);
    const stream = await EventStreamReader.open(t, hub.url, { path: observe, query: `?ticket=${ticket}` });
    assert.equal(stream.response.statusCode, 200);
    assert.equal((await hub.call('GET', `${observe}?ticket=${ticket}`)).status, 401);
    const other = await ticketFor({ device: 'lamp', kind: 'reading' });
    assert.equal((await hub.call('GET', `${observe}?ticket=${other}`)).status, 400);
  });

  it('tell by events of their directory which come, change and go', async (t) => {
    const hub = await startTestHub(t);
    const all = await EventStreamReader.open(t, hub.url, { path: '/events' });
    const gone = await EventStreamReader.open(t, hub.url, { path: '/events/thing_deleted' });
    await bring(t, hub, 'pump', { commands: {} });
    const device = await bring(t, hub, 'pump', { title: 'New', commands: {} });
    await until('it changed', () => all.blocks.length >= 2);
    device.socket.destroy();
    await until('it is gone', () => hub.server.hub.devices.get('pump')?.presence.status === 'offline');
    assert.equal((await hub.call('DELETE', '/api/v1/devices/pump')).status, 204);
    await until('it was forgotten', () => all.blocks.length >= 3 && gone.blocks.length === 1);
    assert.deepEqual(
      all.blocks.map(({ event, data }) => [event, data?.id]),
      ['thing_created', 'thing_updated', 'thing_deleted'].map((type) => [type, 'urn:recado:device:pump']),
    );
    assert.match(all.lastId, /-\d+$/);
  });
});
