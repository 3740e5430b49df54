import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { StreamTickets, type StreamTicket } from '../../src/api/stream-tickets.ts';
import { TRUSTED_NETWORK } from '../../src/accounts/principal.ts';
import { KEPT_KINDS, KeptKind } from '../../src/base/kept-kinds.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { createClient } from '../../src/client/index.ts';
import { EventStreamReader } from '../helpers/event-stream.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { startTestHub, type Answer, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ADMIN = { authorization: 'Bearer a-token-of-the-configuration' };

function startHub(t: TestContext): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.http.tokens = ['a-token-of-the-configuration'];
    config.http.trustedNetworks = [];
  });
}

type Token = { readonly id: string; readonly headers: Record<string, string> };

async function makeToken(hub: TestHub, rights: object): Promise<Token> {
  const wish = { name: 'a page', roles: ['viewer'], ...rights };
  const { body } = await hub.call('POST', '/api/v1/tokens', wish, ADMIN);
  return { id: body.id, headers: { authorization: `Bearer ${body.token}` } };
}

const ask = (hub: TestHub, wish: object, headers: Record<string, string>): Promise<Answer> =>
  hub.call('POST', '/api/v1/tickets', wish, headers);

async function ticketOf(hub: TestHub, wish: object, headers: Record<string, string>): Promise<string> {
  const { status, body, headers: answered } = await ask(hub, wish, headers);
  assert.equal(status, 201);
  assert.equal(answered.get('cache-control'), 'no-store');
  assert.match(body.ticket, /^[\w-]{43}$/);
  return body.ticket;
}

const open = (t: TestContext, hub: TestHub, ticket: string, more = ''): Promise<EventStreamReader> =>
  EventStreamReader.open(t, hub.url, { query: `?ticket=${ticket}${more}` });

async function statusOf(t: TestContext, hub: TestHub, ticket: string, more = ''): Promise<number> {
  const stream = await open(t, hub, ticket, more);
  stream.close();
  return stream.response.statusCode!;
}

/** Devices that come, and are told of by who follows them. */
async function bringDevices(t: TestContext, hub: TestHub, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    const device = await WireDevice.connect(t, hub.tcpPort);
    device.send(`${JSON.stringify({ recado: 2, id, description: { commands: {} } })}\n`);
    await until('an answer to the hello', () => device.text.includes('\n'));
  }
}

describe('a ticket', () => {
  it('opens one stream, of what was asked for, and no second one', async (t) => {
    const hub = await startHub(t);
    const { headers } = await makeToken(hub, {});
    const ticket = await ticketOf(hub, { device: 'b', kind: 'presence' }, headers);
    const stream = await open(t, hub, ticket);
    assert.equal(stream.response.statusCode, 200);
    assert.equal(await statusOf(t, hub, ticket), 401);
    await bringDevices(t, hub, 'a', 'b');
    assert.deepEqual(await stream.told(1), ['presence b online']);
    stream.close();
    assert.equal(await statusOf(t, hub, ticket), 401);
  });

  it('goes on after an event', async (t) => {
    const hub = await startHub(t);
    await bringDevices(t, hub, 'a');
    const all = await open(t, hub, await ticketOf(hub, { lastEventId: 'another-1' }, ADMIN));
    assert.deepEqual(await all.told(1), ['reset hub-restarted']);
    const { lastId } = all;
    await bringDevices(t, hub, 'b');
    await all.told(3);
    const later = await open(t, hub, await ticketOf(hub, { lastEventId: lastId }, ADMIN));
    assert.deepEqual(await later.told(2), ['description b', 'presence b online']);
  });

  it('is for no more than its account may, and for no more than was asked', async (t) => {
    const hub = await startHub(t);
    const { headers } = await makeToken(hub, { scopes: [{ devices: ['a'] }] });
    assert.equal((await ask(hub, { device: 'b' }, headers)).status, 403);
    const stream = await open(t, hub, await ticketOf(hub, {}, headers));
    const narrow = await ticketOf(hub, { device: 'a' }, ADMIN);
    assert.equal(await statusOf(t, hub, narrow, '&device=b'), 400);
    assert.equal(await statusOf(t, hub, narrow), 401, 'it was used up by that');
    await bringDevices(t, hub, 'b', 'a');
    assert.deepEqual(await stream.told(2), ['description a', 'presence a online']);
  });

  it('opens nothing else, and is not made better by a token', async (t) => {
    const hub = await startHub(t);
    const ticket = await ticketOf(hub, {}, ADMIN);
    for (const [method, path] of [
      ['GET', '/api/v1/devices'],
      ['GET', '/api/v1/tokens'],
      ['POST', '/api/v1/tickets'],
      ['GET', '/openapi.json'],
    ] as const) {
      const body = method === 'POST' ? {} : undefined;
      const { status } = await hub.call(method, `${path}?ticket=${ticket}`, body);
      assert.equal(status, 401, path);
    }
    const shown = await hub.call('GET', '/api/v1/session', undefined, {
      authorization: `Bearer ${ticket}`,
    });
    assert.equal(shown.status, 401);
    for (const wrong of ['', 'x', `${ticket}A`, `${ticket}&ticket=${ticket}`]) {
      const { status } = await hub.call('GET', `/api/v1/events?ticket=${wrong}`, undefined, ADMIN);
      assert.equal(status, 401, wrong);
    }
    assert.equal(await statusOf(t, hub, ticket), 200, 'nothing of that has used it');
  });

  it('ends with its account, and with the sign-in that asked for it', async (t) => {
    const hub = await startHub(t);
    const { id, headers } = await makeToken(hub, {});
    const [unused, used] = [await ticketOf(hub, {}, headers), await ticketOf(hub, {}, headers)];
    const stream = await open(t, hub, used);
    await hub.call('DELETE', `/api/v1/tokens/${id}`, undefined, ADMIN);
    assert.equal(await statusOf(t, hub, unused), 401);
    await until('the stream has ended', () => stream.isClosed);

    const ann = { name: 'ann', password: 'a long enough one' };
    await hub.call('POST', '/api/v1/users', { ...ann, roles: ['viewer'] }, ADMIN);
    const signedIn = await hub.call('POST', '/api/v1/session', ann);
    const cookie = signedIn.headers.get('set-cookie')!.split(';', 1)[0]!;
    const hers = await ticketOf(hub, {}, { cookie });
    await hub.call('DELETE', '/api/v1/session', undefined, { cookie });
    assert.equal(await statusOf(t, hub, hers), 401);
  });

  it('of who is trusted for an address is good from there alone', async (t) => {
    const hub = await startTestHub(t, (config) => (config.http.trustedProxies = ['127.0.0.1']));
    const near = { 'x-forwarded-for': '127.0.0.2' };
    const ticket = await ticketOf(hub, {}, near);
    const query = `?ticket=${ticket}`;
    const far = { 'x-forwarded-for': '203.0.113.9' };
    const stolen = await EventStreamReader.open(t, hub.url, { query, headers: far });
    assert.equal(stolen.response.statusCode, 401);
    const query2 = `?ticket=${await ticketOf(hub, {}, near)}`;
    const own = await EventStreamReader.open(t, hub.url, { query: query2, headers: near });
    assert.equal(own.response.statusCode, 200);
  });

  it('is in no log, no audit and no answer', async (t) => {
    const hub = await startHub(t);
    const { headers } = await makeToken(hub, {});
    const ticket = await ticketOf(hub, {}, headers);
    const first = await open(t, hub, ticket);
    const second = await hub.call('GET', `/api/v1/events?ticket=${ticket}`);
    const posted = await hub.call('GET', `/api/v1/tokens?ticket=${ticket}`);
    await until('the audit has it', async () =>
      (await hub.call('GET', '/api/v1/audit', undefined, ADMIN)).text.includes('createTicket'),
    );
    first.close();
    const { text: audit } = await hub.call('GET', '/api/v1/audit', undefined, ADMIN);
    const { text: metrics } = await hub.call('GET', '/metrics', undefined, ADMIN);
    const said = [audit, metrics, second.text, posted.text, JSON.stringify(hub.logged)];
    assert.ok(said.every((text) => !text.includes(ticket)));
  });

  it('is asked for by a client', async (t) => {
    const hub = await startHub(t);
    const client = createClient({ url: hub.url, token: 'a-token-of-the-configuration' });
    const { ticket, expiresInSeconds } = await client.ticket({ devices: ['b', 'c'], kinds: ['presence'] });
    assert.equal(expiresInSeconds, 30);
    const stream = await open(t, hub, ticket);
    await bringDevices(t, hub, 'a', 'b', 'c');
    assert.deepEqual(await stream.told(2), ['presence b online', 'presence c online']);
  });
});

describe('what tickets cost', () => {
  const ticket: StreamTicket = {
    principal: TRUSTED_NETWORK,
    caller: 'somebody',
    opens: { interest: { devices: undefined, kinds: undefined }, lastEventId: undefined },
  };

  const booked = (ledger: Ledger): number =>
    ledger.totals().find(({ kind }) => kind === KEPT_KINDS[KeptKind.STREAM_TICKET]!.name)!.bytes;

  it('is given back when one is used or too old, and none is good for longer', () => {
    const [ledger, clock] = [new Ledger(), new ManualClock()];
    const tickets = new StreamTickets({ ledger, clock });
    const [used, old] = [tickets.give(ticket, 0)!, tickets.give(ticket, 100)!];
    clock.advance(29_999);
    const young = tickets.give(ticket, 0)!;
    assert.equal(tickets.take(used), ticket);
    clock.advance(1);
    assert.equal(tickets.take(old), undefined);
    assert.equal(tickets.take(young), ticket);
    assert.equal(booked(ledger), 0);
    tickets.give(ticket, 0);
    clock.advance(30_000);
    assert.equal(booked(ledger), 0);
  });

  it('has a limit, which one caller does not use up for others', () => {
    const ledger = new Ledger({ limits: { [KeptKind.STREAM_TICKET]: 1_000_000 } });
    const tickets = new StreamTickets({ ledger, clock: new ManualClock() });
    let given = 0;
    while (tickets.give(ticket, 8192) !== undefined) assert.ok(++given < 1000);
    assert.ok(booked(ledger) <= 1_000_000);
    assert.notEqual(tickets.give({ ...ticket, caller: 'another' }, 0), undefined);
    tickets.close();
    assert.equal(booked(ledger), 0);
  });
});
