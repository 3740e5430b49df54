import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createDevice, type Device } from '../../src/device/index.ts';
import { EventStreamReader } from '../helpers/event-stream.ts';
import type { Json } from '../helpers/json.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

async function online(t: TestContext, hub: TestHub, id: string): Promise<Device> {
  const device = createDevice({
    id,
    title: `The ${id}`,
    hub: `127.0.0.1:${hub.tcpPort}`,
    commands: { ask: { kind: 'read', run: () => 'yes' } },
    events: { bell: {} },
  });
  t.after(() => device.stop());
  assert.equal((await device.start()).status, 'online');
  return device;
}

test('all that happens at devices is told in its order, with its data', async (t) => {
  const hub = await startTestHub(t);
  const stream = await EventStreamReader.open(t, hub.url);
  assert.equal(stream.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(stream.response.headers['cache-control'], 'no-store');
  assert.equal(stream.response.headers['x-accel-buffering'], 'no');
  const device = await online(t, hub, 'pump');
  device.report({ bar: 1.5 }, { at: new Date('2026-11-22T10:00:00.250Z') });
  device.emit('bell', { by: 'Ana\nMaria' });
  await stream.told(4);
  await hub.call('POST', '/api/v1/devices/pump/commands/ask');
  await stream.told(6);
  await device.stop();
  await stream.told(7);
  await hub.call('DELETE', '/api/v1/devices/pump');
  assert.deepEqual(await stream.told(8), [
    'description pump',
    'presence pump online',
    'reading pump bar',
    'event pump bell',
    'invocation pump running',
    'invocation pump completed',
    'presence pump offline',
    'forgotten pump',
  ]);
  const [description, , reading, bell, , completed] = stream.blocks.map(({ data }) => data);
  assert.equal(description?.title, 'The pump');
  assert.equal(description?.commandCount, 1);
  const time = '2026-11-22T10:00:00.250Z';
  assert.deepEqual(reading, { deviceId: 'pump', metric: 'bar', value: 1.5, unit: null, time });
  assert.deepEqual(bell?.data, { by: 'Ana\nMaria' });
  assert.equal(completed?.code, null);
  assert.equal(typeof completed?.invocation.phases.answered, 'string');
});

test('filters leave out devices and kinds', async (t) => {
  const hub = await startTestHub(t);
  const one = await EventStreamReader.open(t, hub.url, { query: '?device=b,not-yet&kind=reading,presence' });
  const events = await EventStreamReader.open(t, hub.url, { query: '?kind=event' });
  const [a, b] = [await online(t, hub, 'a'), await online(t, hub, 'b')];
  for (const device of [a, b]) device.report({ bar: 1 });
  for (const device of [a, b]) device.emit('bell');
  assert.deepEqual(await events.told(2), ['event a bell', 'event b bell']);
  assert.deepEqual(await one.told(2), ['presence b online', 'reading b bar']);
  for (const query of ['?kind=telemetry', '?device=a,,b', '?device=a b', '?devices=a', '?kind=']) {
    const { status, body } = await hub.call('GET', `/api/v1/events${query}`);
    assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], query);
  }
  assert.equal((await hub.call('HEAD', '/api/v1/events')).status, 200);
});

test('devices are chosen as in the list, by what they are when it happens', async (t) => {
  const hub = await startTestHub(t);
  const [a, b] = [await online(t, hub, 'a'), await online(t, hub, 'b')];
  const give = (id: string, tags: string[]) => hub.call('PATCH', `/api/v1/devices/${id}`, { tags });
  await give('b', ['cellar']);
  const cellar = await EventStreamReader.open(t, hub.url, {
    query: '?tag=cellar&gateway=socket&kind=reading',
  });
  const named = await EventStreamReader.open(t, hub.url, { query: '?q=THE%20A&kind=reading' });
  const other = await EventStreamReader.open(t, hub.url, { query: '?tag=cellar&device=a&kind=reading' });
  for (const device of [a, b]) device.report({ bar: 1 });
  await cellar.told(1);
  await give('a', ['cellar']);
  await give('b', []);
  for (const device of [a, b]) device.report({ litres: 2 });
  assert.deepEqual(await cellar.told(2), ['reading b bar', 'reading a litres']);
  assert.deepEqual(await named.told(2), ['reading a bar', 'reading a litres']);
  assert.deepEqual(await other.told(1), ['reading a litres']);
  const list = async (query: string) =>
    (await hub.call('GET', `/api/v1/devices?${query}`)).body.devices.map(({ deviceId }: Json) => deviceId);
  assert.deepEqual(await list('device=b,ghost,a&tag=cellar'), ['a']);
  assert.equal((await hub.call('GET', '/api/v1/devices?device=a%20b')).status, 400);
});

test('a reader that comes back goes on where it was, or is told that it cannot', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.events.maxKeptEvents = 1024;
  });
  const device = await online(t, hub, 'a');
  const first = await EventStreamReader.open(t, hub.url, { query: '?kind=reading' });
  device.report({ one: 1 });
  await first.told(1);
  const headers = { 'last-event-id': first.lastId };
  first.close();
  device.report({ two: 2 });
  device.report({ three: 3 });
  const again = await EventStreamReader.open(t, hub.url, { query: '?kind=reading', headers });
  assert.deepEqual(await again.told(2), ['reading a two', 'reading a three']);
  for (let count = 0; count < 1100; count++) device.report({ many: count });
  await until('the last one', () => again.blocks.at(-1)?.data.value === 1099);
  const late = await EventStreamReader.open(t, hub.url, { query: '?kind=reading', headers });
  assert.deepEqual(await late.told(1), ['reset not-kept']);
  const foreign = { 'last-event-id': `0123456789ab-${first.lastId.split('-')[1]}` };
  const other = await EventStreamReader.open(t, hub.url, { headers: foreign });
  assert.deepEqual(await other.told(1), ['reset hub-restarted']);
  device.report({ after: 1 });
  assert.deepEqual((await late.told(2)).at(-1), 'reading a after');
  assert.deepEqual((await other.told(2)).at(-1), 'reading a after');
});

test('a reader that does not read is given no more than its share, and told what it missed', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.events.maxKeptEvents = 1024;
    config.events.maxKeptBytes = 1_000_000;
  });
  const device = await online(t, hub, 'a');
  const stream = await EventStreamReader.open(t, hub.url, { query: '?kind=reading' });
  stream.response.pause();
  const text = 'x'.repeat(1000);
  const count = 20_000;
  const { feed } = hub.server.hub;
  const before = feed.last;
  for (let number = 0; number < count; number++) {
    device.report({ text: `${text}${number}` });
    // What it has not sent would be kept and dropped by the device.
    if (number % 500 === 0) await until('the hub has them', () => feed.last - before >= number);
  }
  await until('all have come', () => feed.last - before === count);
  stream.response.resume();
  await until('the last one', () => stream.blocks.at(-1)?.data.value === `${text}${count - 1}`);
  const missed = stream.blocks
    .filter(({ event }) => event === 'missed')
    .map(({ data }) => Number(data.count));
  const read = stream.blocks.length - missed.length;
  assert.ok(missed.length > 0, 'it missed some');
  assert.equal(read + missed.reduce((sum, each) => sum + each, 0), count);
});

test('one caller has so many streams, and those that end make room', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.events.maxStreamsPerCaller = 2;
    config.http.tokens = ['a-token-of-sixteen-characters', 'another-of-sixteen-characters'];
    config.http.trustedNetworks = ['127.0.0.1'];
  });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const headers = bearer('a-token-of-sixteen-characters');
  const streams = [await EventStreamReader.open(t, hub.url, { headers })];
  streams.push(await EventStreamReader.open(t, hub.url, { headers }));
  const refused = await hub.call('GET', '/api/v1/events', undefined, headers);
  assert.deepEqual([refused.status, refused.body.code], [429, 'TOO_MANY_REQUESTS']);
  assert.ok(refused.headers.has('retry-after'));
  const other = bearer('another-of-sixteen-characters');
  assert.equal((await EventStreamReader.open(t, hub.url, { headers: other })).response.statusCode, 200);
  streams[0]?.close();
  await until('there is room', async () => {
    const stream = await EventStreamReader.open(t, hub.url, { headers });
    return stream.response.statusCode === 200;
  });
  const books = hub.server.hub.ledger.totals().find(({ kind }) => kind === 'event_stream');
  assert.equal(books?.count, 3);
});

test('a silent stream says that the hub is there, and how far it is', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.events.keepAliveMs = 50;
  });
  const stream = await EventStreamReader.open(t, hub.url, { query: '?kind=event' });
  const begun = stream.lastId;
  await online(t, hub, 'a');
  await until('it went on', () => stream.lastId !== begun && stream.comments.length > 1);
  assert.equal(stream.blocks.length, 0);
  const headers = { 'last-event-id': stream.lastId };
  const device = await online(t, hub, 'b');
  const again = await EventStreamReader.open(t, hub.url, { query: '?kind=event', headers });
  device.emit('bell');
  assert.deepEqual(await again.told(1), ['event b bell']);
  // Of other kinds nothing was kept: nobody had asked for them.
  const other = await EventStreamReader.open(t, hub.url, { headers });
  assert.deepEqual(await other.told(1), ['reset not-kept']);
});

test('who reads nothing at all loses its stream', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.events.keepAliveMs = 50;
    config.events.maxKeptBytes = 8_000_000;
  });
  const device = await online(t, hub, 'a');
  const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await once(socket, 'readable');
  const open = (): number =>
    hub.server.hub.ledger.totals().find(({ kind }) => kind === 'event_stream')?.count ?? 0;
  assert.equal(open(), 1);
  const text = 'x'.repeat(1024);
  await until('it is closed', () => {
    for (let count = 0; count < 500; count++) device.report({ text });
    return open() === 0;
  });
});

test('an account sees the devices that it may read, and no others', async (t) => {
  const hub = await startTestHub(t);
  const made = await hub.server.hub.accounts.tokens.create({
    name: 'reader',
    roles: ['viewer'],
    scopes: [{ devices: ['pump-*'] }],
    expiresAt: undefined,
  });
  assert.ok(made.ok);
  const headers = { authorization: `Bearer ${made.value.text}` };
  const stream = await EventStreamReader.open(t, hub.url, { headers, query: '?kind=reading,event' });
  const [pump, valve] = [await online(t, hub, 'pump-1'), await online(t, hub, 'valve')];
  valve.report({ bar: 1 });
  pump.report({ bar: 2 });
  valve.emit('bell');
  pump.emit('bell');
  assert.deepEqual(await stream.told(2), ['reading pump-1 bar', 'event pump-1 bell']);
  const refused = await hub.call('GET', '/api/v1/events?device=pump-1,valve', undefined, headers);
  assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN']);
  await hub.server.hub.accounts.tokens.revoke(made.value.record.id);
  await until('its stream ends with the token', () => stream.isClosed);
});

test('a hub that stops ends its streams', async (t) => {
  const hub = await startTestHub(t);
  const stream = await EventStreamReader.open(t, hub.url);
  assert.equal(await hub.server.close(), true);
  await until('it is closed', () => stream.isClosed);
  assert.equal(stream.response.complete, true);
});
