import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findFreeTcpPort } from '../../helpers/free-ports.ts';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { describeTransport } from '../../helpers/mqtt-transport-contract.ts';
import { until } from '../../helpers/until.ts';
import { HALF_CLOSED_LINGER_MS } from '../../../src/mqtt/transport/duplex-transport.ts';
import { Written } from '../../../src/mqtt/transport/transport.ts';
import { listenTcp } from '../../../src/mqtt/transport/tcp.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };

describeTransport({
  name: 'tcp',
  canReset: true,
  async open(acceptor) {
    const listener = await listenTcp(acceptor, LOCAL);
    return {
      close: () => listener.close(),
      connect: async () => {
        const socket = connect(listener.port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    };
  },
});

test('tells who is at the other end, and where it listens', async (t) => {
  const acceptor = new RecordingAcceptor();
  const listener = await listenTcp(acceptor, { host: '::', port: 0 });
  t.after(() => listener.close());
  assert.equal(listener.url, `mqtt://[::]:${listener.port}`);
  const client = connect(listener.port, '127.0.0.1');
  await once(client, 'connect');
  t.after(() => client.destroy());
  const { peer } = await acceptor.connection();
  assert.deepEqual(peer, {
    transport: 'tcp',
    address: '127.0.0.1',
    port: client.localPort,
    certificate: undefined,
  });
});

test('a client that ends its side still gets what it is owed', async (t) => {
  const acceptor = new RecordingAcceptor({
    onBytes: (connection) => void setImmediate(() => connection.write(Buffer.from('answer'))),
  });
  const listener = await listenTcp(acceptor, LOCAL);
  t.after(() => listener.close());
  const client = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  client.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  client.end('question');
  await once(client, 'end');
  assert.equal(answer, 'answer');
  client.destroy();
  await (await acceptor.connection()).untilClosed();
});

test('a client that ended its side and does not read is not waited for any longer', async (t) => {
  const acceptor = new RecordingAcceptor();
  const listener = await listenTcp(acceptor, LOCAL);
  t.after(() => listener.close());
  const client = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => client.destroy());
  await once(client, 'connect');
  const server = await acceptor.connection();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  while (server.write(Buffer.alloc(1_048_576)) !== Written.BLOCKED);
  client.end();
  while (server.write(Buffer.alloc(1)) !== Written.TAKEN) await nextTurn();
  assert.ok(server.bufferedBytes > 0);
  await nextTurn();
  assert.equal(server.closedCount, 0);
  t.mock.timers.tick(HALF_CLOSED_LINGER_MS);
  while (server.closedCount === 0) await nextTurn();
});

test('a reset is told as the error that ended the connection', async (t) => {
  const acceptor = new RecordingAcceptor();
  const listener = await listenTcp(acceptor, LOCAL);
  t.after(() => listener.close());
  const client = connect(listener.port, '127.0.0.1');
  await once(client, 'connect');
  const server = await acceptor.connection();
  client.resetAndDestroy();
  await server.untilClosed();
  assert.match(String(server.closeError), /ECONNRESET/);
});

test('a port that is taken is told with a code, and the system error as its cause', async (t) => {
  const listener = await listenTcp(new RecordingAcceptor(), LOCAL);
  t.after(() => listener.close());
  const again = listenTcp(new RecordingAcceptor(), { ...LOCAL, port: listener.port });
  await assert.rejects(again, (error: Error & { code: string; cause: NodeJS.ErrnoException }) => {
    assert.equal(error.code, 'PORT_IN_USE');
    assert.equal(error.cause.code, 'EADDRINUSE');
    return error.message.includes(String(listener.port));
  });
  const elsewhere = listenTcp(new RecordingAcceptor(), { host: '192.0.2.1', port: 0 });
  await assert.rejects(elsewhere, { code: 'LISTEN_FAILED' });
});

test('close frees the port at once and leaves connections to the acceptor', async (t) => {
  const acceptor = new RecordingAcceptor();
  const listener = await listenTcp(acceptor, { ...LOCAL, port: await findFreeTcpPort() });
  const client = connect(listener.port, '127.0.0.1');
  t.after(() => client.destroy());
  await once(client, 'connect');
  const server = await acceptor.connection();
  await listener.close();
  const next = await listenTcp(new RecordingAcceptor(), { ...LOCAL, port: listener.port });
  await next.close();
  client.write('still here');
  await server.untilText('still here');
  assert.equal(server.closedCount, 0);
  server.destroy();
  await until('the client sees the end', () => client.resume().closed);
});
