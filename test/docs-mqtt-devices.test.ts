import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { PYTHON, whyNoPaho } from './helpers/paho.ts';
import { ChildProgram } from './helpers/child-program.ts';
import { readMarkdown } from './helpers/markdown.ts';
import { whyNoMosquitto } from './helpers/mosquitto.ts';
import { runProgram } from './helpers/run-program.ts';
import { readText, ROOT } from './helpers/source-files.ts';
import { startTestHub, type TestHub } from './helpers/start-test-hub.ts';
import { until } from './helpers/until.ts';

const page = 'docs/protocols/mqtt-devices.md';
const blocks = readMarkdown(readText(page))
  .codeBlocks.filter(({ language }) => language === 'sh')
  .map(({ lines }) => lines.join('\n'));

/** The same commands for a hub that listens elsewhere. */
function forHub(script: string, { mqttPort, url }: TestHub): string {
  return script
    .replaceAll(/mosquitto_(pub|sub) /g, `mosquitto_$1 -p ${mqttPort} `)
    .replaceAll('http://127.0.0.1:5070', url);
}

/** What it leaves running ends with the test. */
function runInGroup(t: TestContext, script: string): void {
  const child = spawn('bash', ['-c', `${script}\nwait`], { detached: true, stdio: 'ignore' });
  t.after(() => {
    if (child.pid !== undefined) process.kill(-child.pid);
  });
}

async function readingsOf(hub: TestHub, id: string): Promise<Record<string, unknown>> {
  const { body } = await hub.call('GET', `/api/v1/devices/${id}/telemetry`);
  const readings = (body.readings ?? []) as { metric: string; value: unknown }[];
  return Object.fromEntries(readings.map(({ metric, value }) => [metric, value]));
}

const statusOf = async (hub: TestHub, id: string): Promise<string | undefined> =>
  (await hub.call('GET', `/api/v1/devices/${id}`)).body.presence?.status;

describe(page, () => {
  it('shows a device at the shell that works', { skip: whyNoMosquitto() }, async (t) => {
    const hub = await startTestHub(t);
    const [device = '', application = ''] = blocks;
    runInGroup(t, forHub(device, hub));
    await until('it is online', async () => (await statusOf(hub, 'pump-1')) === 'online');
    await until('it has reported', async () => (await readingsOf(hub, 'pump-1'))['flow'] === 1.5);
    const { end, output, errors } = await runProgram(['bash', '-ec', forHub(application, hub)]);
    assert.equal(end, 0, errors);
    assert.match(output, /"title":"Pump"/);
    assert.match(output, /"output":\{"ran":3\}/);
    assert.match(output, /"metric":"flow","value":1.5,"unit":"l\/min"/);
    const [, forget = ''] = /`(mosquitto_pub [^`]+)`/.exec(readText(page)) ?? [];
    await runProgram(['bash', '-ec', forHub(forget, hub)]);
    await until('it is forgotten', async () => (await statusOf(hub, 'pump-1')) === undefined);
  });
});

describe('examples/thermometer_mqtt.py', () => {
  for (const version of ['3.1.1', '5']) {
    it(`is a device over MQTT ${version}`, { skip: whyNoPaho() }, async (t) => {
      const hub = await startTestHub(t);
      const words = [PYTHON, 'examples/thermometer_mqtt.py', `127.0.0.1:${hub.mqttPort}`, version];
      const program = new ChildProgram(words, { name: 'the example', cwd: ROOT });
      t.after(() => program.stop());
      const id = 'thermometer-mqtt';
      await until('it is online', async () => (await statusOf(hub, id)) === 'online');
      const call = { input: 19 };
      const { status, body } = await hub.call('POST', `/api/v1/devices/${id}/commands/setTarget`, call);
      assert.deepEqual([status, body.output], [200, { before: 21, now: 19 }]);
      await until('the new target is reported', async () => (await readingsOf(hub, id))['target'] === 19);
      await program.stop();
      await until('it is offline', async () => (await statusOf(hub, id)) === 'offline');
    });
  }
});
