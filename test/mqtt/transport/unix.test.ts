import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { describeTransport } from '../../helpers/mqtt-transport-contract.ts';
import { listenUnix } from '../../../src/mqtt/transport/unix.ts';

const folder = mkdtempSync(join(tmpdir(), 'recado-unix-'));
after(() => rmSync(folder, { recursive: true }));
let count = 0;

function freshPath(): string {
  count++;
  return join(folder, `${count}.sock`);
}

describeTransport({
  name: 'unix',
  canReset: true,
  async open(acceptor) {
    const path = freshPath();
    const listener = await listenUnix(acceptor, { path });
    return {
      close: () => listener.close(),
      connect: async () => {
        const socket = connect(path);
        await once(socket, 'connect');
        return socket;
      },
    };
  },
});

test('the socket file has the mode that was asked for, and goes with the listener', async () => {
  const path = freshPath();
  const acceptor = new RecordingAcceptor();
  const listener = await listenUnix(acceptor, { path, mode: 0o600 });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual([listener.url, listener.port], [`mqtt+unix:${path}`, 0]);
  const client = connect(path);
  const { peer } = await acceptor.connection();
  assert.deepEqual(peer, { transport: 'unix', address: '', port: 0, certificate: undefined });
  client.destroy();
  await listener.close();
  assert.equal(existsSync(path), false);
});

test('the mode does not depend on the umask, not even before anybody could change it', async () => {
  const path = freshPath();
  const before = process.umask(0);
  const seen: number[] = [];
  try {
    const opened = listenUnix(new RecordingAcceptor(), { path, mode: 0o620 });
    seen.push(statSync(path).mode & 0o777);
    const listener = await opened;
    seen.push(statSync(path).mode & 0o777);
    await listener.close();
    assert.equal(process.umask(0), 0, 'the umask is as it was');
  } finally {
    process.umask(before);
  }
  assert.deepEqual(seen, [0o620, 0o620]);
});

test('a path that is too long is told so', async () => {
  const path = join(folder, 'x'.repeat(150));
  await assert.rejects(listenUnix(new RecordingAcceptor(), { path }), {
    code: 'LISTEN_FAILED',
    message: /its path has \d+ bytes, more than sockets may have/,
  });
});

test('the file of a process that was killed is replaced', async () => {
  const path = freshPath();
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('open'))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(existsSync(path), true);
  const listener = await listenUnix(new RecordingAcceptor(), { path });
  const client = connect(path);
  await once(client, 'connect');
  client.destroy();
  await listener.close();
});

test('the socket of a process that listens is left alone', async () => {
  const path = freshPath();
  const acceptor = new RecordingAcceptor();
  const listener = await listenUnix(acceptor, { path });
  await assert.rejects(listenUnix(new RecordingAcceptor(), { path }), { code: 'PORT_IN_USE' });
  const client = connect(path);
  client.write('x');
  // The first connection was the look whether somebody listens.
  await (await acceptor.connection(1)).untilText('x');
  client.destroy();
  await listener.close();
});

test('a file that is no socket is left alone', async () => {
  const path = freshPath();
  writeFileSync(path, 'precious');
  await assert.rejects(listenUnix(new RecordingAcceptor(), { path }), { code: 'PORT_IN_USE' });
  assert.equal(readFileSync(path, 'utf8'), 'precious');
});

test('a folder that is not there is told', async () => {
  const path = join(folder, 'missing', 'x.sock');
  await assert.rejects(listenUnix(new RecordingAcceptor(), { path }), { code: 'LISTEN_FAILED' });
});
