import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { HubSocket } from '../../src/device/hub-socket.ts';
import { systemClock } from '../../src/base/clock.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { startFakeHub } from '../helpers/fake-socket-hub.ts';
import { HANG_MS, until } from '../helpers/until.ts';

test('a hub that asks and reads nothing is not read either, until it does', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    for (const each of [socket, peer]) each.destroy();
    server.close();
  });
  const maxWaitingBytes = 1_000_000;
  const hub = new HubSocket(socket, systemClock, maxWaitingBytes);
  const answer = 'x'.repeat(1_000_000);
  hub.read(() => hub.write(answer));
  peer.pause();
  await until('it is not read', () => {
    peer.write('ask');
    return socket.isPaused();
  });
  assert.ok(hub.waitingBytes > maxWaitingBytes && hub.waitingBytes <= maxWaitingBytes + answer.length);
  peer.resume();
  await until('it is read again', () => !socket.isPaused());
});

test('handlers that nobody waits for count as long as they run', async () => {
  const hub = await startFakeHub();
  const running: (() => void)[] = [];
  const device = createDevice({
    id: 'd',
    hub: hub.address,
    commands: { stay: { run: () => new Promise<void>((resolve) => running.push(resolve)) } },
    helloTimeoutMs: HANG_MS,
    maxCommandsInFlight: 3,
  });
  cleanUpWith(() => device.stop());
  void device.start();
  const connection = await hub.accept();
  await connection.takeLine();
  connection.sendLine({ ok: true, id: 'd', keepAliveMs: 15_000 });
  const ask = (cmd: string): void => connection.sendLine({ cmd, name: 'stay', deadlineMs: 60_000 });
  for (const cmd of ['1', '2', '3']) {
    ask(cmd);
    connection.sendLine({ cancel: cmd });
  }
  ask('4');
  const refused = (await connection.takeLine()) as { re: string; error: { code: string } };
  assert.deepEqual([refused.re, refused.error.code, running.length], ['4', 'TOO_MANY_COMMANDS', 3]);
  running[0]?.();
  await new Promise(setImmediate);
  ask('5');
  await until('the place is free again', () => running.length === 4);
});
