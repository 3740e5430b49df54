import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createClient, type Client, type Scope } from '../../src/client/index.ts';
import { EventStreamReader } from '../helpers/event-stream.ts';
import { comeIn, listen, say, urlOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';
const NOT_AUTHORIZED = 0x87;

type Rig = {
  readonly hub: TestHub;
  readonly admin: Client;
  /** A token, and a client with it. */
  readonly make: (
    role: 'viewer' | 'operator' | 'device',
    ...scopes: Scope[]
  ) => Promise<{ token: string; client: Client }>;
};

async function open(t: TestContext): Promise<Rig> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
  });
  const admin = createClient({ url: hub.url, token: ROOT });
  return {
    hub,
    admin,
    make: async (role, ...scopes) => {
      const { token } = await admin.tokens.create({ name: role, roles: [role], scopes });
      return { token, client: createClient({ url: hub.url, token }) };
    },
  };
}

async function bring(t: TestContext, hub: TestHub, id: string, token?: string): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  const commands = { blink: { kind: 'action' } };
  device.send(`${JSON.stringify({ recado: 2, id, token, description: { commands } })}\n`);
  await until('an answer to the hello', () => device.text.includes('\n'));
  return device;
}

const idsOf = async (client: Client): Promise<string[]> =>
  (await client.devices.list()).devices.map(({ deviceId }) => deviceId);

describe('a scope by tag', () => {
  it('is for the devices that have it now, however they are asked for', async (t) => {
    const { hub, admin, make } = await open(t);
    for (const id of ['a', 'b']) await bring(t, hub, id);
    await admin.devices.change('a', { tags: ['hall', 'lights'] });
    const { client } = await make('operator', { tags: ['hall'] });
    assert.deepEqual(await idsOf(client), ['a']);
    await assert.rejects(client.devices.get('b'), { code: 'FORBIDDEN' });
    await assert.rejects(client.devices.invoke('b', 'blink', { timeoutMs: 20 }), { code: 'FORBIDDEN' });
    await assert.rejects(client.devices.invoke('a', 'blink', { timeoutMs: 20 }), { code: 'ANSWER_TIMEOUT' });
    await admin.devices.change('b', { tags: ['hall'] });
    await admin.devices.change('a', { tags: ['lights'] });
    assert.deepEqual(await idsOf(client), ['b']);
    assert.deepEqual((await client.invocations.list()).invocations, []);
    await assert.rejects(client.devices.change('b', { tags: ['hall', 'x'] }), { code: 'FORBIDDEN' });
  });

  it('holds at once for streams that are open, also for one of a device by its name', async (t) => {
    const { hub, admin, make } = await open(t);
    const device = await bring(t, hub, 'a');
    await bring(t, hub, 'b');
    await admin.devices.change('a', { tags: ['hall'] });
    const { token } = await make('viewer', { tags: ['hall'] });
    const headers = { authorization: `Bearer ${token}` };
    const all = await EventStreamReader.open(t, hub.url, { headers });
    const one = await EventStreamReader.open(t, hub.url, { headers, query: '?device=a' });
    const report = (value: number): void => device.send(`${JSON.stringify({ telemetry: { x: value } })}\n`);
    report(1);
    await all.told(1);
    await one.told(1);
    await admin.devices.change('a', { tags: [] });
    report(2);
    await until('the hub has the reading', async () => {
      const { readings } = await admin.devices.telemetry('a');
      return readings[0]?.value === 2;
    });
    await admin.devices.change('a', { tags: ['hall'] });
    report(3);
    const values = ({ blocks }: EventStreamReader): unknown[] =>
      blocks.filter(({ event }) => event === 'reading').map(({ data }) => data.value);
    for (const stream of [all, one]) {
      await until('the next reading', () => values(stream).length === 2);
      assert.deepEqual(values(stream), [1, 3]);
    }
  });

  it('that a device comes by ends its connection when it has the tag no more', async (t) => {
    const { hub, admin, make } = await open(t);
    const { token } = await make('device', { tags: ['hall'] });
    const stranger = await bring(t, hub, 'a', token);
    assert.match(stranger.text, /FORBIDDEN/);
    const known = await make('device', { devices: ['a'] });
    (await bring(t, hub, 'a', known.token)).socket.destroy();
    await until('it is gone', async () => (await admin.devices.get('a')).presence.status === 'offline');
    await admin.devices.change('a', { tags: ['hall'] });
    const device = await bring(t, hub, 'a', token);
    assert.match(device.text, /"ok":true/);
    await admin.devices.change('a', { title: 'Lamp' });
    assert.equal((await admin.devices.get('a')).presence.status, 'online');
    await admin.devices.change('a', { tags: [] });
    await until('it has been ended', () => device.isClosed);
  });

  it('by which a command was accepted is asked again while it waits', async (t) => {
    const { hub, admin, make } = await open(t);
    (await bring(t, hub, 'a')).socket.destroy();
    await until('it is gone', async () => (await admin.devices.get('a')).presence.status === 'offline');
    await admin.devices.change('a', { tags: ['hall'] });
    const { client } = await make('operator', { tags: ['hall'] });
    const { invocation } = await client.devices.start('a', 'blink', { queueForMs: 60_000 });
    await admin.devices.change('a', { tags: [] });
    await until(
      'it is cancelled',
      async () => (await admin.invocations.get(invocation.id)).state === 'cancelled',
    );
  });
});

describe('a scope by topic', () => {
  it('permits to publish, to subscribe and to receive there, and nowhere else', async (t) => {
    const { hub, make } = await open(t);
    const url = urlOf(hub.server, 'mqtt');
    const { token } = await make(
      'operator',
      { verbs: ['command'], topics: ['house/+/set'] },
      { verbs: ['read'], topics: ['house/#'] },
    );
    const everybody = await comeIn(t, url, { username: 'x', password: (await make('operator')).token });
    const heard = await listen(everybody, 'house/#', 'garden/#');
    const lights = await comeIn(t, url, { username: 'x', password: token });
    const got = await listen(lights, 'house/+/state', '$share/all/house/#');
    for (const filter of ['#', '+/x', 'garden', '$SYS/#', '$share/all/#'])
      await assert.rejects(lights.subscribeAsync(filter), /Not authorized/i, filter);
    await say(lights, 'house/lamp/set', 'on');
    await assert.rejects(say(lights, 'house/lamp/state', 'on'), { code: NOT_AUTHORIZED });
    await assert.rejects(say(lights, 'garden/set', 'on'), { code: NOT_AUTHORIZED });
    await say(everybody, 'house/lamp/state', 'is on');
    await until('they have come', () => heard.length === 2 && got.length >= 2);
    assert.deepEqual(heard, ['house/lamp/set on', 'house/lamp/state is on']);
    assert.equal(
      (await hub.call('GET', '/api/v1/devices', undefined, { authorization: `Bearer ${token}` })).body.total,
      0,
    );
  });

  it('is for a person too, and another one holds at once', async (t) => {
    const { hub, admin } = await open(t);
    const url = urlOf(hub.server, 'mqtt');
    const ann = { name: 'ann', password: 'correct horse battery' };
    await admin.users.create({ ...ann, roles: ['operator'], scopes: [{ topics: ['a/#'] }] });
    const come = { username: ann.name, password: ann.password };
    const before = await comeIn(t, url, come);
    await say(before, 'a/b', '1');
    await admin.users.change('ann', { scopes: [{ topics: ['b/#'] }] });
    await until('it has been ended', () => !before.connected);
    const after = await comeIn(t, url, come);
    await assert.rejects(say(after, 'a/b', '2'), { code: NOT_AUTHORIZED });
    await say(after, 'b/c', '3');
  });
});
