import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Device } from '../../src/devices/device.ts';
import { writeMetrics } from '../../src/api/device-metrics.ts';
import { streamInTurns } from '../../src/api/send-in-turns.ts';
import { findFreeTcpPort } from '../helpers/free-ports.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${ROOT}` };
const HAS_PROMETHEUS = ['prometheus', 'promtool'].every(
  (name) => spawnSync(name, ['--version']).status === 0,
);
const skip = HAS_PROMETHEUS ? false : 'there is no Prometheus here';

function startHub(t: TestContext, maxMetricAgeMs = 300_000): Promise<TestHub> {
  return startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
    config.telemetry.maxMetricAgeMs = maxMetricAgeMs;
  });
}

/** A device that has reported, each value with its own unit where it has one. */
async function bringDevice(
  t: TestContext,
  hub: TestHub,
  id: string,
  { values, units = {}, time }: { values: object; units?: Record<string, string>; time?: string },
): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  const telemetry = Object.fromEntries(Object.entries(units).map(([name, unit]) => [name, { unit }]));
  device.send(`${JSON.stringify({ recado: 2, id, description: { telemetry } })}\n`);
  device.send(`${JSON.stringify({ telemetry: values, ...(time !== undefined && { at: time }) })}\n`);
  await until('its readings', () => (hub.server.hub.devices.get(id)?.telemetry.size ?? 0) > 0);
  return device;
}

const read = async (hub: TestHub, headers: Record<string, string> = ADMIN): Promise<string[]> => {
  const { status, text, headers: told } = await hub.call('GET', '/metrics/devices', undefined, headers);
  assert.equal(status, 200);
  assert.equal(told.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
};

describe('the metrics of devices', () => {
  it('are the latest numbers, true and false as 1 and 0, and no texts', async (t) => {
    const hub = await startHub(t);
    const values = { temperature: 21.5, lit: true, open: false, mode: 'eco', huge: 1e300 };
    const device = await bringDevice(t, hub, 'lamp', { values, units: { temperature: '°C' } });
    assert.deepEqual(await read(hub), [
      'recado_device_online{device="lamp",gateway="socket"} 1',
      'recado_device_reading{device="lamp",metric="temperature",unit="°C"} 21.5',
      'recado_device_reading{device="lamp",metric="lit"} 1',
      'recado_device_reading{device="lamp",metric="open"} 0',
      'recado_device_reading{device="lamp",metric="huge"} 1e+300',
    ]);
    device.socket.end();
    await until('that it is away', async () => (await read(hub))[0]?.endsWith(' 0'));
    assert.equal((await read(hub)).length, 5);
  });

  it('are not those of long ago', async (t) => {
    const hub = await startHub(t, 60_000);
    await bringDevice(t, hub, 'old', {
      values: { a: 1 },
      time: new Date(Date.now() - 120_000).toISOString(),
    });
    await bringDevice(t, hub, 'new', { values: { a: 2 } });
    const readings = (await read(hub)).filter((line) => line.startsWith('recado_device_reading'));
    assert.deepEqual(readings, ['recado_device_reading{device="new",metric="a"} 2']);
  });

  it('are those that the caller may read', async (t) => {
    const hub = await startHub(t);
    for (const id of ['lamp', 'pump']) await bringDevice(t, hub, id, { values: { a: 1 } });
    const scopes = [{ devices: ['pump'] }];
    const wish = { name: 'prometheus', roles: ['viewer'], scopes };
    const { body } = await hub.call('POST', '/api/v1/tokens', wish, ADMIN);
    const lines = await read(hub, { authorization: `Bearer ${body.token}` });
    assert.deepEqual(
      lines.map((line) => /device="(\w+)"/.exec(line)![1]),
      ['pump', 'pump'],
    );
    assert.equal((await hub.call('GET', '/metrics/devices')).status, 401);
  });

  it('of names that break lines and quotes stay one line each, for promtool too', { skip }, async (t) => {
    const hub = await startHub(t);
    const odd = ['a"b', 'a\\b', 'a\nb', 'a\\nb', '} 1\nfake{x="', 'größe 日本', 'x'.repeat(128), '\u2028'];
    const values = Object.fromEntries(odd.map((name, index) => [name, index]));
    await bringDevice(t, hub, 'lamp', { values, units: { [odd[0]!]: '"\\\n' } });
    const { text } = await hub.call('GET', '/metrics/devices', undefined, ADMIN);
    assert.equal(
      text.split('\n').filter((line) => line.startsWith('recado_device_reading{')).length,
      odd.length,
    );
    for (const path of ['/metrics/devices', '/metrics']) {
      const { text: input } = await hub.call('GET', path, undefined, ADMIN);
      const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input });
      assert.notEqual(status, 1, `${path}: ${String(stdout)}${String(stderr)}`);
      assert.doesNotMatch(String(stderr), /error while linting|parse/i);
    }
  });

  it('are made a part in each turn, as they are read, of ten thousand devices with ten each', async () => {
    const readings = Array.from({ length: 10 }, (_, index) => ({
      metric: `metric-${index}`,
      value: index,
      unit: undefined,
      time: 1,
    }));
    let walked = 0;
    const telemetry = { latest: () => readings };
    function* devices(): Generator<Device> {
      for (let index = 0; index < 10_000; index++) {
        walked++;
        const device = { id: `device-${index}`, gateway: 'x', presence: { status: 'online' }, telemetry };
        yield device as unknown as Device;
      }
    }
    const stream = streamInTurns(writeMetrics({ devices, since: 0 }));
    let lines = 0;
    let largest = 0;
    let before = 0;
    let most = 0;
    for await (const part of stream) {
      const text = String(part);
      largest = Math.max(largest, text.length);
      most = Math.max(most, walked - before);
      before = walked;
      lines += text.split('\n').length - 1;
      await new Promise(setImmediate);
    }
    assert.equal(lines, 110_000 + 4);
    assert.ok(largest < 70_000, `${largest} characters at once`);
    assert.ok(most <= 2048 * 2, `${most} devices at once`);
    // Who leaves ends it.
    const left = streamInTurns(writeMetrics({ devices, since: 0 }));
    walked = 0;
    await once(left, 'readable');
    left.destroy();
    await once(left, 'close');
    assert.ok(walked < 10_000);
  });

  it('and those of the hub are scraped by Prometheus', { skip, timeout: 120_000 }, async (t) => {
    const hub = await startHub(t);
    await bringDevice(t, hub, 'lamp', { values: { temperature: 21.5 }, units: { temperature: '°C' } });
    const folder = mkdtempSync(join(tmpdir(), 'recado-prometheus-'));
    const { host } = new URL(hub.url);
    const job = (name: string, path: string): object => ({
      job_name: name,
      metrics_path: path,
      scrape_interval: '1s',
      authorization: { credentials: ROOT },
      static_configs: [{ targets: [host] }],
    });
    // JSON is YAML too.
    const file = join(folder, 'prometheus.yml');
    writeFileSync(
      file,
      JSON.stringify({ scrape_configs: [job('hub', '/metrics'), job('devices', '/metrics/devices')] }),
    );
    const port = await findFreeTcpPort();
    const words = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`];
    const child = spawn('prometheus', [...words, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    t.after(async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const ask = async (query: string): Promise<string | undefined> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`;
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok !== true) return undefined;
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1];
    };
    const queries = {
      'up{job="devices"}': '1',
      'up{job="hub"}': '1',
      'recado_device_reading{device="lamp",metric="temperature",unit="°C"}': '21.5',
      recado_devices_online: '1',
    };
    for (const [query, value] of Object.entries(queries))
      await until(query, async () => (await ask(query)) === value);
  });
});
