import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ChildProgram } from '../helpers/child-program.ts';
import { runProgram } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const SOURCES = [process.execPath, '--conditions=recado:source'];
const hasPython = spawnSync('python3', ['--version']).status === 0;

const THERMOMETERS = [
  { file: 'thermometer.ts', id: 'thermometer-1', words: SOURCES, skip: false },
  {
    file: 'thermometer.py',
    id: 'thermometer-py',
    words: ['python3'],
    skip: !hasPython && 'there is no python3',
  },
] as const;

function example(file: string): string {
  return join(ROOT, 'examples', file);
}

function startDevice(t: TestContext, words: readonly string[], hubPort: number): ChildProgram {
  const device = new ChildProgram([...words, `127.0.0.1:${hubPort}`], { name: 'the example', cwd: ROOT });
  t.after(() => device.stop());
  return device;
}

function isOnline(hub: TestHub, id: string): Promise<unknown> {
  return until(`${id} is online and has reported`, async () => {
    const { status, body } = await hub.call('GET', `/api/v1/devices/${id}/telemetry`);
    return status === 200 && body.readings.length === 2;
  });
}

describe('the examples of devices', () => {
  for (const { file, id, words, skip } of THERMOMETERS) {
    it(`examples/${file} reports, and does what it is told`, { skip }, async (t) => {
      const hub = await startTestHub(t);
      const device = startDevice(t, [...words, example(file)], hub.tcpPort);
      await isOnline(hub, id);

      const answer = await hub.call('POST', `/api/v1/devices/${id}/commands/setTarget`, { input: 19 });
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.body.output, { before: 21, now: 19 });
      await until('the new target is reported', async () => {
        const { body } = await hub.call('GET', `/api/v1/devices/${id}/telemetry`);
        return body.readings.some((each: { value: unknown }) => each.value === 19);
      });
      const tooHot = await hub.call('POST', `/api/v1/devices/${id}/commands/setTarget`, { input: 99 });
      assert.equal(tooHot.status, 422);
      const { body } = await hub.call('GET', `/api/v1/devices/${id}`);
      assert.equal(body.presence.sequence, 1, 'it was online all the time');
      assert.equal(device.hasExited, false, device.errorText);
    });
  }

  for (const { file, words, skip } of THERMOMETERS) {
    it(`examples/${file} answers a ping`, { skip }, async (t) => {
      const received: unknown[] = [];
      const hub = createServer((socket) => {
        t.after(() => socket.destroy());
        createInterface(socket).on('line', (line) => {
          received.push(JSON.parse(line));
          if (received.length === 1) {
            socket.write(
              '{"ok":true,"id":"x","session":"s","keepAliveMs":15000,"udpKey":"AAAA"}\n{"ping":7}\n',
            );
          }
        });
      }).listen(0, '127.0.0.1');
      t.after(() => hub.close());
      await once(hub, 'listening');
      startDevice(t, [...words, example(file)], (hub.address() as AddressInfo).port);
      await until('the pong', () => received.some((message) => isDeepStrictEqual(message, { pong: 7 })));
    });
  }

  it(
    'examples/thermometer.py waits for a hub that is away',
    { skip: !hasPython && 'there is no python3' },
    async (t) => {
      const device = startDevice(t, ['python3', example('thermometer.py')], 1);
      await device.waitForLine(/refused; the next try is in 5 s$/);
      assert.equal(device.hasExited, false);
      device.signal('SIGINT');
      assert.equal(await device.exit(), 0);
      assert.equal(device.errorText, '');
    },
  );
});

describe('examples/client.ts', () => {
  it('lists, invokes, reads, and tells a problem', async (t) => {
    const hub = await startTestHub(t);
    startDevice(t, [...SOURCES, example('thermometer.ts')], hub.tcpPort);
    await isOnline(hub, 'thermometer-1');
    const { end, output, errors } = await runProgram([...SOURCES, example('client.ts'), hub.url], {
      cwd: ROOT,
    });
    assert.equal(errors, '');
    assert.equal(end, 0);
    assert.match(
      output,
      /^thermometer-1: Thermometer on the shelf\nsetTarget answered \{"before":21,"now":19\}\n/,
    );
    assert.match(output, /^temperature is [\d.]+ °C$/m);
    assert.match(output, /^INPUT_INVALID: /m);
  });

  it('says what is the matter when there is no such device', async (t) => {
    const hub = await startTestHub(t);
    const { end, output } = await runProgram([...SOURCES, example('client.ts'), hub.url], { cwd: ROOT });
    assert.equal(end, 0);
    assert.match(output, /^DEVICE_UNKNOWN: /);
  });
});
