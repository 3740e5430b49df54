import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { DeviceEvent } from '../../src/devices/events.ts';
import { createDevice } from '../../src/device/index.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const by = { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] } as const;
const events = { doorbell: { title: 'Doorbell', data: by }, tick: {} } as const;

async function hello(t: TestContext, hub: TestHub, description: object = { events }): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(line({ recado: 2, id: 'door', description }));
  assert.equal((await device.nextObject())['ok'], true);
  return device;
}

/** What the hub tells of events from now on. */
function follow({ server }: TestHub): () => (DeviceEvent & { kind: 'event' })[] {
  const told: (DeviceEvent & { kind: 'event' })[] = [];
  const interest = { devices: undefined, kinds: new Set(['event'] as const) };
  const reader = server.hub.feed.open(interest, { wake: () => {} });
  return () => {
    for (let event = reader?.next(); event !== undefined; event = reader?.next())
      if (event.kind === 'event') told.push(event);
    return told;
  };
}

async function warning(device: WireDevice): Promise<string> {
  const { warning: told } = await device.nextObject();
  assert.equal(told.code, 'EVENT_REFUSED');
  return told.message;
}

test('an event of the description is told, with its data and its time', async (t) => {
  const hub = await startTestHub(t);
  const device = await hello(t, hub);
  const told = follow(hub);
  const before = Date.now();
  device.send(line({ event: 'doorbell', data: { by: 'Ana' }, at: '2026-11-22T10:00:00.000Z' }));
  device.send(line({ event: 'tick' }));
  device.send(line({ event: 'tick', data: [1, null] }));
  await until('three', () => told().length === 3);
  const [doorbell, tick, ticked] = told();
  const time = Date.parse('2026-11-22T10:00:00.000Z');
  const expected = { kind: 'event', deviceId: 'door', time, name: 'doorbell', data: '{"by":"Ana"}' };
  assert.deepEqual(doorbell, expected);
  assert.equal(tick?.data, undefined);
  assert.ok(tick !== undefined && tick.time >= before && tick.time <= Date.now());
  assert.equal(ticked?.data, '[1,null]');
  assert.equal(hub.counters['eventsTaken'], 3);
  const detail = (await hub.call('GET', '/api/v1/devices/door')).body;
  assert.deepEqual(detail.events, [{ name: 'doorbell', title: 'Doorbell', data: by }, { name: 'tick' }]);
});

test('an event that breaks a rule reaches nobody, and the device is told once', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.devices.maxEventBytes = 256;
  });
  const device = await hello(t, hub);
  const told = follow(hub);
  const send = (event: string, rest: object = {}): void => device.send(line({ event, ...rest }));
  send('alarm');
  assert.equal(await warning(device), 'alarm is no event of its description; the event was left out.');
  send('alarm');
  send('doorbell', { data: { by: 5 } });
  const misfit = 'doorbell has data that does not fit: /by must be string; the event was left out.';
  assert.equal(await warning(device), misfit);
  send('doorbell');
  assert.match(await warning(device), /^doorbell has data that does not fit: it must be object; /);
  send('tick', { data: 'x'.repeat(255) });
  const large = 'tick has data of more than 256 bytes; the event was left out.';
  assert.equal(await warning(device), large);
  send('tick', { data: 'x'.repeat(254), at: 'yesterday' });
  assert.match(await warning(device), /^tick has an "at" that is no time of RFC 3339/);
  assert.deepEqual(
    told().map(({ name, data }) => [name, data?.length]),
    [['tick', 256]],
  );
  assert.equal(hub.counters['eventsRefused'], 5);
});

test('a device that tells more than anybody could follow is held back, and may go on later', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.devices.maxEventsPerSecond = 5;
  });
  const device = await hello(t, hub);
  const told = follow(hub);
  for (let count = 0; count < 20; count++) device.send(line({ event: 'tick', data: count }));
  const text = 'tick comes more often than 5 events a second; the event was left out.';
  assert.equal(await warning(device), text);
  await until('all have come', () => told().length + (hub.counters['eventsRefused'] ?? 0) === 20);
  const first = told().length;
  assert.ok(first >= 5 && first < 20, `${first} were taken`);
  await until('it may go on', () => {
    device.send(line({ event: 'tick' }));
    return told().length > first;
  });
});

test('a description whose events cannot be is refused, with the place', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  const wrong = { 'no name': {}, a: { data: { $ref: '#' } }, b: 5 };
  device.send(line({ recado: 2, id: 'door', description: { events: wrong } }));
  const { ok, error } = await device.nextObject();
  assert.equal(ok, false);
  assert.equal(error.code, 'DESCRIPTION_INVALID');
  for (const place of ['/events/no name is no name of an event', '/events/a/data/$ref', '/events/b must be'])
    assert.ok(error.message.includes(place), error.message);
});

test('recado/device: emit tells an event, and keeps it while the hub cannot be reached', async (t) => {
  const hub = await startTestHub(t);
  const errors: string[] = [];
  const device = createDevice({
    id: 'door',
    hub: `127.0.0.1:${hub.tcpPort}`,
    events,
    onError: (error) => void errors.push(String((error as Error).cause ?? error)),
  });
  t.after(() => device.stop());
  const told = follow(hub);
  const at = new Date('2026-11-22T10:00:00.000Z');
  assert.equal(device.emit('doorbell', { by: 'Ana' }, { at }), 'queued');
  assert.equal(device.emit('tick'), 'queued');
  await device.start();
  await until('both', () => told().length === 2);
  assert.deepEqual(
    told().map(({ name, data }) => ({ name, data })),
    [
      { name: 'doorbell', data: '{"by":"Ana"}' },
      { name: 'tick', data: undefined },
    ],
  );
  assert.equal(told()[0]?.time, at.getTime());
  assert.equal(device.emit('tick', 5), 'sent');
  await until('the third', () => told()[2]?.data === '5');
  assert.equal(device.emit('tick', 5n), 'dropped');
  assert.equal(device.emit('nothing' as 'tick'), 'dropped');
  // @ts-expect-error - the schema says that it comes with data
  device.emit('doorbell');
  await until('told what is wrong', () => errors.length === 3);
  assert.match(errors[0] ?? '', /BigInt/);
  assert.match(errors[1] ?? '', /no such event/);
  assert.match(errors[2] ?? '', /doorbell has data that does not fit: it must be object.*EVENT_REFUSED/);
});
