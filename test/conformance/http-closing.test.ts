import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { answerCommand, joinPump, PUMP } from '../helpers/lasting-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const BEGUN = `POST ${PUMP}/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`;

/** A caller that has said so much, and all that it is answered. */
async function callerOf(
  t: TestContext,
  hub: TestHub,
  said: string,
): Promise<{ socket: Socket; heard(): string }> {
  const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  let heard = '';
  socket.on('data', (bytes) => (heard += String(bytes))).on('error', () => {});
  await once(socket, 'connect');
  socket.write(said);
  return { socket, heard: () => heard };
}

test('a server that closes waits for nobody who asks nothing, or does not say all', async (t) => {
  const hub = await startTestHub(t, (config) => (config.shutdownTimeoutMs = 3_600_000));
  await joinPump(t, hub.tcpPort);
  const silent = await callerOf(t, hub, '');
  const kept = await callerOf(t, hub, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const body = await callerOf(t, hub, BEGUN);
  await until('one was answered', () => kept.heard().startsWith('HTTP/1.1 200 '));
  const ends = [silent, kept, body].map(({ socket }) => once(socket, 'close'));
  assert.equal(await hub.server.close(), true);
  await Promise.all(ends);
  assert.equal(silent.heard(), '');
  assert.match(body.heard(), /^HTTP\/1\.1 503 [^]*HUB_STOPPING/);
});

test('and answers first who is waiting for an answer', async (t) => {
  const hub = await startTestHub(t);
  const pump = await joinPump(t, hub.tcpPort);
  const caller = await callerOf(t, hub, `POST ${PUMP}/stop HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const command = await pump.nextObject();
  const ended = once(caller.socket, 'close');
  const closing = hub.server.close();
  answerCommand(pump, command, 'done');
  assert.equal(await closing, true);
  await ended;
  assert.match(caller.heard(), /^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*done/i);
});
