import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Json } from '../helpers/json.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

async function hello(t: TestContext, hub: TestHub, { id, telemetry }: { id: string; telemetry: object }) {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(line({ recado: 2, id, description: { telemetry } }));
  return { device, answer: await device.nextObject() };
}

async function greenhouse(t: TestContext, hub: TestHub): Promise<WireDevice> {
  const telemetry = { temperature: { title: 'Temperature', unit: '°C', type: 'number' } };
  return (await hello(t, hub, { id: 'greenhouse-1', telemetry })).device;
}

test('telemetry on the connection, with its own time', async (t) => {
  const hub = await startTestHub(t);
  const device = await greenhouse(t, hub);
  device.send(
    line({
      telemetry: { temperature: 25.1, door: 'open', lit: true, bad: [1] },
      at: '2026-11-22T10:00:00.000Z',
    }),
  );
  const read = async () => (await hub.call('GET', '/api/v1/devices/greenhouse-1/telemetry')).body.readings;
  await until('readings', async () => (await read()).length === 3);
  assert.deepEqual(await read(), [
    { metric: 'temperature', value: 25.1, unit: '°C', time: '2026-11-22T10:00:00.000Z' },
    { metric: 'door', value: 'open', unit: null, time: '2026-11-22T10:00:00.000Z' },
    { metric: 'lit', value: true, unit: null, time: '2026-11-22T10:00:00.000Z' },
  ]);
  assert.equal(hub.counters['readingsRefused'], 1);
});

test('telemetry: what is not of its type, or no reading at all, is left out, and told once', async (t) => {
  const hub = await startTestHub(t);
  const metric = (type: string) => ({ type });
  const telemetry = { n: metric('number'), i: metric('integer'), s: metric('string'), b: metric('boolean') };
  const { device } = await hello(t, hub, { id: 'd1', telemetry });
  const good = { n: 1.5, i: 2, s: 'x', b: false, other: 'y' };
  for (const readings of [
    good,
    { n: '1.5' },
    { i: 2.5 },
    { s: 1 },
    { b: 'false' },
    { other: null },
    { n: '3' },
  ])
    device.send(line({ telemetry: readings }));
  const told: string[] = [];
  for (let count = 0; count < 5; count++) {
    const { warning } = await device.nextObject();
    assert.equal(warning.code, 'READING_REFUSED');
    told.push(warning.message);
  }
  const ofType = (type: string) =>
    `is not of the type ${type}, as its description says; the reading was left out.`;
  assert.deepEqual(told, [
    `n ${ofType('number')}`,
    `i ${ofType('integer')}`,
    `s ${ofType('string')}`,
    `b ${ofType('boolean')}`,
    'other is no finite number, text, true or false; the reading was left out.',
  ]);
  device.send(line({ ping: 1 }));
  assert.deepEqual(await device.nextObject(), { pong: 1 });
  assert.equal(hub.counters['readingsRefused'], 6);
  const { readings } = (await hub.call('GET', '/api/v1/devices/d1/telemetry')).body;
  assert.deepEqual(
    readings.map((each: Json) => [each.metric, each.value]),
    Object.entries(good),
  );
  const logged = hub.logged.filter(({ level }) => level === 'warn').map(({ text }) => text);
  assert.deepEqual(
    logged,
    told.map((text) => `device d1: ${text}`),
  );
});

test('telemetry: a device is told of sixteen faults, and then of none', async (t) => {
  const hub = await startTestHub(t);
  const device = await greenhouse(t, hub);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`m${number}`, null]));
  device.send(line({ telemetry: many }));
  for (let count = 1; count <= 16; count++) {
    const { warning } = await device.nextObject();
    assert.equal(warning.message.includes('only counted'), count === 16);
  }
  device.send(line({ ping: 1 }));
  assert.deepEqual(await device.nextObject(), { pong: 1 });
  assert.equal(hub.counters['readingsRefused'], 300);
  assert.equal(hub.logged.filter(({ level }) => level === 'warn').length, 16);
});

test('hello: a metric of a type that there is not is refused', async (t) => {
  const hub = await startTestHub(t);
  const telemetry = { temperature: { type: 'float' } };
  const { error } = (await hello(t, hub, { id: 'd1', telemetry })).answer;
  assert.equal(error.code, 'DESCRIPTION_INVALID');
  assert.match(
    error.message,
    /\/telemetry\/temperature\/type must be number or integer or string or boolean/,
  );
});

test('telemetry: a time that is no RFC 3339 is left to the hub', async (t) => {
  const hub = await startTestHub(t);
  const device = await greenhouse(t, hub);
  for (const at of ['3', '+275760-09-13T00:00:00Z', 'yesterday', '1950-01-01T00:00:00Z', 5]) {
    const before = new Date().toISOString();
    const value = String(at);
    device.send(line({ telemetry: { door: value }, at }));
    const read = async () =>
      (await hub.call('GET', '/api/v1/devices/greenhouse-1/telemetry')).body.readings[0];
    const reading = await until('the reading', async () =>
      (await read())?.value === value ? await read() : undefined,
    );
    assert.ok(reading.time >= before && reading.time < '3', `${value} became ${reading.time}`);
  }
  const { warning } = await device.nextObject();
  assert.match(
    warning.message,
    /^at is no time of RFC 3339 since 1970; the readings got the time of the hub\.$/,
  );
  assert.equal(hub.counters['readingTimesInvalid'], 5);
});
