import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { findFreePorts, recadoWords } from '../helpers/hub-process.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

/** Takes no byte: a disk without space. */
const FULL = '/dev/full';
const TOLD = 'recado: the standard output cannot be written: no space is left on the device\n';

function run(redirection: string, ...words: readonly string[]): Promise<ProgramEnd> {
  return runProgram(['sh', '-c', `exec "$@" ${redirection}`, 'sh', ...recadoWords(...words)], {
    timeoutMs: 120_000,
  });
}

async function hubWithDevice(t: TestContext): Promise<string> {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE1'));
  return hub.url;
}

describe('a disk without space', () => {
  it('is told once by a command whose output is lost, which ends with 1', async (t) => {
    const url = await hubWithDevice(t);
    for (const words of [
      ['--version'],
      ['check', '--print'],
      ['devices', '--url', url],
      ['watch', '--url', url],
      ['manage', '--plain', url],
    ])
      assert.deepEqual(await run(`> ${FULL}`, ...words), { end: 1, output: '', errors: TOLD }, words[0]);
  });

  it('changes no exit code where only a message is lost', async (t) => {
    const url = await hubWithDevice(t);
    for (const [end, ...words] of [
      [2, 'devices', '--nonsense'],
      [2, 'check', '/nowhere.yaml'],
      [5, 'call', 'nobody', '--url', url],
      [0, 'devices', '--search', 'nobody', '--url', url],
    ] as const)
      assert.deepEqual(await run(`2> ${FULL}`, ...words), { end, output: '', errors: '' }, words.join(' '));
  });

  it('ends no hub: what its log lost is counted', async (t) => {
    const { http } = await findFreePorts();
    const [program = '', ...words] = recadoWords('hub', '--http-port', String(http));
    const others = ['--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];
    const hub = spawn(program, [...words, ...others], { stdio: ['ignore', 'ignore', openSync(FULL, 'w')] });
    t.after(() => hub.kill('SIGKILL'));
    const ended = once(hub, 'exit');
    const metrics = await until('the hub answers', () =>
      fetch(`http://127.0.0.1:${http}/metrics`)
        .then((answer) => answer.text())
        .catch(() => undefined),
    );
    assert.match(metrics, /^recado_log_lines_lost_total [1-9]\d*$/m);
    hub.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });
});
