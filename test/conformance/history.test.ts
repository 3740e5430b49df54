import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { createDevice, type Device } from '../../src/device/index.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const NOON = '2026-11-22T12:00:00.000Z';
const PATH = '/api/v1/devices/pump/telemetry/bar';
const RANGE = 'from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z';

const after = (ms: number): Date => new Date(Date.parse(NOON) + ms);
const written = (hub: TestHub): number => hub.server.hub.history?.counters.readingsKept ?? 0;

async function online(t: TestContext, hub: TestHub, onError?: (error: unknown) => void): Promise<Device> {
  const options = onError === undefined ? {} : { onError };
  const device = createDevice({ id: 'pump', hub: `127.0.0.1:${hub.tcpPort}`, ...options });
  t.after(() => device.stop());
  await device.start();
  return device;
}

function quick(config: MutableConfig): void {
  config.telemetry.flushMs = 10;
}

test('what a device reported is told as JSON, as CSV, and by stretches', async (t) => {
  const hub = await startTestHub(t, quick);
  const device = await online(t, hub);
  device.report({ bar: 1, name: 'a text', lit: true }, { at: after(0) });
  device.report({ bar: 2.5 }, { at: after(1500) });
  device.report({ bar: 4 }, { at: after(60_000) });
  await until('they are kept', () => written(hub) === 4);
  const { body } = await hub.call('GET', `${PATH}?${RANGE}`);
  assert.deepEqual(body, {
    deviceId: 'pump',
    metric: 'bar',
    from: '2026-11-22T00:00:00.000Z',
    to: '2026-11-23T00:00:00.000Z',
    every: null,
    fn: null,
    resolution: null,
    values: [
      { time: NOON, value: 1 },
      { time: '2026-11-22T12:00:01.500Z', value: 2.5 },
      { time: '2026-11-22T12:01:00.000Z', value: 4 },
    ],
    nextFrom: null,
  });
  const csv = await hub.call('GET', `${PATH}?${RANGE}&every=1m&fn=max`, undefined, { accept: 'text/csv' });
  assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8; header=present');
  assert.equal(csv.text, `time,value\r\n${NOON},2.5\r\n2026-11-22T12:01:00.000Z,4\r\n`);
  const lit = await hub.call('GET', `${PATH.replace('bar', 'lit')}?${RANGE}&format=csv`);
  assert.equal(lit.text, `time,value\r\n${NOON},1\r\n`);
  const page = await hub.call('GET', `${PATH}?${RANGE}&limit=2`);
  assert.equal(page.body.values.length, 2);
  assert.equal(page.body.nextFrom, '2026-11-22T12:01:00.000Z');
  const link = page.headers.get('link') ?? '';
  assert.match(link, /^<\?[^>]+>; rel="next"$/);
  const rest = await hub.call('GET', PATH + link.slice(1, link.indexOf('>')));
  assert.deepEqual(
    [rest.body.values, rest.headers.get('link')],
    [[{ time: after(60_000).toISOString(), value: 4 }], null],
  );
  const client = createClient({ url: hub.url });
  const range = { from: after(-1000), to: after(60_000) };
  const { values, fn } = await client.devices.history('pump', 'bar', { ...range, every: '1h', fn: 'count' });
  assert.deepEqual([values, fn], [[{ time: NOON, value: 2 }], 'count']);
});

test('several metrics are told at once, page by page', async (t) => {
  const hub = await startTestHub(t, quick);
  const device = await online(t, hub);
  device.report({ bar: 1, 'a,b%': 10 }, { at: after(0) });
  device.report({ bar: 2 }, { at: after(1000) });
  device.report({ bar: 3, 'a,b%': 30 }, { at: after(2000) });
  await until('they are kept', () => written(hub) === 5);
  const path = PATH.slice(0, -'/bar'.length);
  const many = `${path}?${RANGE}&metrics=bar,${encodeURIComponent(encodeURIComponent('a,b%'))},none`;
  const { body } = await hub.call('GET', many);
  assert.deepEqual(
    body.series.map(({ metric, values }: { metric: string; values: { value: number }[] }) => [
      metric,
      ...values.map(({ value }) => value),
    ]),
    [['bar', 1, 2, 3], ['a,b%', 10, 30], ['none']],
  );
  assert.equal(body.nextFrom, null);
  const second = after(1000).toISOString();
  const third = after(2000).toISOString();
  const csv = await hub.call('GET', `${many}&format=csv`);
  assert.equal(csv.text, `time,bar,"a,b%",none\r\n${NOON},1,10,\r\n${second},2,,\r\n${third},3,30,\r\n`);
  const client = createClient({ url: hub.url });
  const range = { from: after(-1000), to: after(60_000), limit: 1 };
  const told: unknown[] = [];
  for (let from: Date | undefined = range.from; from !== undefined;) {
    const page: Awaited<ReturnType<typeof client.devices.histories>> = await client.devices.histories(
      'pump',
      ['bar', 'a,b%'],
      { ...range, from },
    );
    told.push(...page.series.flatMap(({ values }, index) => values.map(({ value }) => [index, value])));
    from = page.nextFrom === null ? undefined : new Date(page.nextFrom);
  }
  assert.deepEqual(told, [
    [0, 1],
    [1, 10],
    [0, 2],
    [0, 3],
    [1, 30],
  ]);
  for (const [query, status] of [
    ['', 200],
    ['?metrics=', 400],
    ['?metrics=a,,b', 400],
    ['?metrics=%25', 400],
    ['?from=2026-11-22T00:00:00Z', 400],
    [`?metrics=${Array.from({ length: 33 }, (_, index) => index).join(',')}`, 400],
    ['?metrics=a,b&limit=50001', 400],
    ['?metrics=a&limit=100000', 200],
  ] as const)
    assert.equal((await hub.call('GET', path + query)).status, status, query);
});

test('questions that cannot be are refused', async (t) => {
  const hub = await startTestHub(t, quick);
  for (const query of [
    'from=yesterday',
    'to=2026-13-01T00:00:00Z',
    'every=1y',
    'every=0s',
    'fn=max',
    'every=1m&fn=median',
    'limit=0',
    'limit=100001',
    'format=xml',
    'from=2026-11-23T00:00:00Z&to=2026-11-22T00:00:00Z',
    `${RANGE}&every=1ms`,
  ]) {
    const { status, body } = await hub.call('GET', `${PATH}?${query}`);
    assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], query);
  }
  const unknown = await hub.call('GET', PATH);
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'DEVICE_UNKNOWN']);
  await online(t, hub);
  assert.deepEqual((await hub.call('GET', PATH)).body.values, []);
  const off = await startTestHub(t, (config) => {
    config.telemetry.enabled = false;
  });
  assert.equal((await off.call('GET', PATH)).body.code, 'ROUTE_UNKNOWN');
});

test('history outlives the hub, with what came last before it stopped', async (t) => {
  const folder = new TestFolder(t).path;
  const lasting = (config: MutableConfig): void => {
    config.inMemory = false;
    config.dataDir = folder;
  };
  const first = await startTestHub(t, lasting);
  const device = await online(t, first);
  device.report({ bar: 7 }, { at: after(0) });
  await until('it came', () => (first.server.hub.devices.get('pump')?.telemetry.size ?? 0) === 1);
  await device.stop();
  await first.server.close();
  const second = await startTestHub(t, lasting);
  const { values } = (await second.call('GET', `${PATH}?${RANGE}`)).body;
  assert.deepEqual(values, [{ time: NOON, value: 7 }]);
});

test('names of metrics that no file can keep apart cost the others nothing', async (t) => {
  const folder = new TestFolder(t).path;
  const hub = await startTestHub(t, (config) => {
    quick(config);
    config.inMemory = false;
    config.dataDir = folder;
  });
  const told: string[] = [];
  const device = await online(t, hub, (error) => told.push(String(error)));
  device.report({ '\ud800': 1, '\ud801': 2, bar: 3 }, { at: after(0) });
  const odd = ['a b/c?d', 'é', 'a\u0000b', '..', '💧'];
  device.report(Object.fromEntries(odd.map((name) => [name, 4])), { at: after(0) });
  await until('they are kept', () => written(hub) === 1 + odd.length);
  assert.deepEqual((await hub.call('GET', `${PATH}?${RANGE}`)).body.values, [{ time: NOON, value: 3 }]);
  for (const name of odd.filter((each) => each !== '..')) {
    const path = PATH.replace('bar', encodeURIComponent(name));
    assert.deepEqual(
      (await hub.call('GET', `${path}?${RANGE}`)).body.values,
      [{ time: NOON, value: 4 }],
      name,
    );
  }
  assert.equal(hub.server.hub.history?.counters.readingsLost, 0);
  await until('the device was told', () => told.length > 0);
  assert.match(told[0]!, /half a character.*READING_REFUSED/);
});
