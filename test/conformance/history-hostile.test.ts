import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const kept = (hub: TestHub): number => hub.server.hub.history?.counters.readingsKept ?? 0;

async function lastingHub(
  t: TestContext,
  change: (config: MutableConfig) => void = () => {},
): Promise<TestHub> {
  const { path } = new TestFolder(t);
  return startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = path;
    config.telemetry.flushMs = 10;
    change(config);
  });
}

async function framed(t: TestContext, hub: TestHub, id: string): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`{"recado":2,"id":"${id}"}\n`);
  await device.nextObject();
  return device;
}

function historyOf(hub: TestHub, id: string, metric: string, query = ''): ReturnType<TestHub['call']> {
  const whole = 'from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z';
  return hub.call('GET', `/api/v1/devices/${id}/telemetry/${encodeURIComponent(metric)}?${whole}${query}`);
}

test('names without end, long ones, texts, numbers that are none, and times of other ages', async (t) => {
  const hub = await lastingHub(t);
  const device = await framed(t, hub, 'evil');
  for (let name = 0; name < 2000; name += 10) {
    const values = Array.from({ length: 10 }, (_, index) => `"n${name + index}":1`);
    device.send(`{"telemetry":{${values.join(',')}}}\n`);
  }
  device.send(`{"telemetry":{"${'x'.repeat(60_000)}":1,"n1":"${'y'.repeat(60_000)}"}}\n`);
  device.send('{"telemetry":{"n1":1e999,"n2":null,"n3":[1],"n4":{"a":1}}}\n');
  for (const at of ['0001-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '275760-09-13T00:00:00Z'])
    device.send(`{"telemetry":{"n5":5},"at":"${at}"}\n`);
  device.send('{"telemetry":{"n6":6},"at":"9999-12-31T23:59:58.999Z"}\n');
  device.send('{"telemetry":{"n6":7},"at":"1970-01-01T00:00:00Z"}\n');
  device.send('{"telemetry":{"n6":-1.7976931348623157e308,"n7":5e-324}}\n');
  await until('what may be kept is', () => kept(hub) === 256 + 3 + 2 + 2);
  const { readingsRefused } = hub.counters as { readingsRefused: number };
  assert.equal(readingsRefused, 2000 - 256 + 2 + 4);
  const all = await historyOf(hub, 'evil', 'n6');
  assert.deepEqual([all.body.values[0].value, all.body.values.at(-1).value], [7, 6]);
  assert.equal(all.body.values.at(-1).time, '9999-12-31T23:59:58.999Z');
  assert.equal((await historyOf(hub, 'evil', 'n7')).body.values.at(-1).value, 5e-324);
  for (const fn of ['avg', 'sum', 'min', 'max'])
    for (const { value } of (await historyOf(hub, 'evil', 'n6', `&every=999999999d&fn=${fn}`)).body.values)
      assert.ok(Number.isFinite(value), fn);
  // Those with times of other ages got the time of the hub; of those in one millisecond the last one stays.
  const ofNow: { value: number; time: string }[] = (await historyOf(hub, 'evil', 'n5')).body.values;
  assert.equal(ofNow.at(-1)?.value, 5);
  for (const { time } of ofNow) assert.ok(Math.abs(Date.now() - Date.parse(time)) < 600_000, time);
  assert.equal(hub.server.hub.history?.counters.readingsLost, 0);
});

test('hundreds of questions at once are answered or refused, and who has left is not waited for', async (t) => {
  const hub = await lastingHub(t);
  const device = await framed(t, hub, 'pump');
  for (let second = 0; second < 600; second++)
    device.send(
      `{"telemetry":{"bar":${second}},"at":"${new Date(Date.UTC(2026, 10, 22, 10) + second * 1000).toISOString()}"}\n`,
    );
  await until('they are kept', () => kept(hub) === 600);
  const asked = await Promise.all(Array.from({ length: 200 }, () => historyOf(hub, 'pump', 'bar')));
  for (const { status, headers, body } of asked) {
    if (status === 200) assert.equal(body.values.length, 600);
    else assert.deepEqual([status, body.code, headers.get('retry-after')], [429, 'TOO_MANY_REQUESTS', '1']);
  }
  const line =
    'GET /api/v1/devices/pump/telemetry/bar?every=1m&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z HTTP/1.1\r\nHost: x\r\n\r\n';
  const leaving = connect(Number(new URL(hub.url).port), '127.0.0.1');
  await once(leaving, 'connect');
  leaving.write(line.repeat(200));
  leaving.destroy();
  const { status, body } = await historyOf(hub, 'pump', 'bar', '&every=1m&fn=count');
  assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID']);
  const day = 'from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z&every=1m&fn=count';
  const { body: minutes } = await hub.call('GET', `/api/v1/devices/pump/telemetry/bar?${day}`);
  assert.deepEqual([minutes.values.length, minutes.values[0].value], [10, 60]);
});
