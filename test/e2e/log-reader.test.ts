import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { findFreePorts, recadoWords } from '../helpers/hub-process.ts';
import { until } from '../helpers/until.ts';

it('a hub whose log nobody reads starts, serves and stops as every other', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'recado-log-'));
  t.after(() => rm(folder, { recursive: true }));
  const { writer } = openFullPipe(t, path.join(folder, 'log'));
  const ports = await findFreePorts();
  const [program = '', ...words] = recadoWords(
    'hub',
    '--http-port',
    String(ports.http),
    '--log-level',
    'debug',
  );
  const others = ['--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];
  const hub = spawn(program, [...words, ...others], { cwd: folder, stdio: ['ignore', 'ignore', writer] });
  t.after(() => hub.kill('SIGKILL'));
  const ended = once(hub, 'exit');

  await until('the hub answers', () =>
    fetch(`http://127.0.0.1:${ports.http}/healthz`).catch(() => undefined),
  );
  hub.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

it('its reader who was slow gets every line, the last one too', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'recado-log-'));
  t.after(() => rm(folder, { recursive: true }));
  const { reader, writer } = openFullPipe(t, path.join(folder, 'log'));
  const [program = '', ...words] = recadoWords(
    'hub',
    '--http-port',
    '0',
    '--tcp-port',
    '0',
    '--udp-port',
    '0',
  );
  const hub = spawn(program, [...words, '--mqtt-port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', writer, 'ipc'],
  });
  t.after(() => hub.kill('SIGKILL'));
  const ended = once(hub, 'exit');
  await once(hub, 'message');
  hub.kill('SIGTERM');

  let text = '';
  await until('the last line', () => {
    text += readAll(reader);
    return text.includes('"stopped"');
  });
  assert.match(text, /"msg":"the hub is ready"/);
  assert.deepEqual(await ended, [0, null]);
});

/** A pipe that takes no byte more until it is read. */
function openFullPipe(t: TestContext, file: string): { reader: number; writer: number } {
  execFileSync('mkfifo', [file]);
  // Each is opened for itself: a program that is given one end makes it wait, or not wait, as it likes.
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const filler = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  const writer = openSync(file, constants.O_WRONLY);
  for (const end of [reader, filler, writer]) t.after(() => closeSync(end));
  const bytes = Buffer.alloc(4096, ' ');
  for (;;) {
    try {
      writeSync(filler, bytes);
    } catch {
      return { reader, writer };
    }
  }
}

function readAll(pipe: number): string {
  const bytes = Buffer.alloc(65_536);
  let text = '';
  for (;;) {
    try {
      text += bytes.toString('utf8', 0, readSync(pipe, bytes));
    } catch {
      return text;
    }
  }
}
