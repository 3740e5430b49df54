import assert from 'node:assert/strict';
import { Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { describeTransport } from '../../helpers/mqtt-transport-contract.ts';
import { acceptStream } from '../../../src/mqtt/transport/stream.ts';

describeTransport({
  name: 'stream',
  // Nothing tells one end of a pair that the other was destroyed.
  canReset: false,
  open: (acceptor) =>
    Promise.resolve({
      close: () => Promise.resolve(),
      connect: () => {
        const [client, server] = duplexPair();
        server.on('close', () => client.destroy());
        client.on('end', () => client.end());
        acceptStream(acceptor, server);
        return Promise.resolve(client);
      },
    }),
});

test('an answer that a stream brings from within a write arrives after it', async () => {
  const [client, server] = duplexPair();
  // The pair emits `data` at one end while the other is in its write: so would the answer to the answer.
  client.on('data', () => client.write('answer'));
  const acceptor = new RecordingAcceptor();
  assert.equal(acceptStream(acceptor, server), true);
  const connection = await acceptor.connection();
  connection.write(Buffer.from('question'));
  assert.equal(connection.text, '');
  await connection.untilText('answer');
  connection.destroy();
  await connection.untilClosed();
});

test('the embedding program says who the peer is', async () => {
  const [, server] = duplexPair();
  const acceptor = new RecordingAcceptor();
  const peer = { transport: 'stream', address: '10.0.0.7', port: 7, certificate: undefined } as const;
  acceptStream(acceptor, server, peer);
  assert.equal((await acceptor.connection()).peer, peer);
  server.destroy();
});

test('an error of the stream is told as what ended the connection', async () => {
  const [, server] = duplexPair();
  const acceptor = new RecordingAcceptor();
  acceptStream(acceptor, server);
  server.destroy(new Error('unplugged'));
  const connection = await acceptor.connection();
  await connection.untilClosed();
  assert.equal(connection.closeError?.message, 'unplugged');
});

test('a stream that is over, or does not carry bytes, is not taken', () => {
  const acceptor = new RecordingAcceptor();
  const over = new Duplex({ read() {}, write() {} });
  over.destroy();
  assert.equal(acceptStream(acceptor, over), false);
  const objects = new Duplex({ objectMode: true, read() {}, write() {} });
  assert.throws(() => acceptStream(acceptor, objects), TypeError);
  const texts = new Duplex({ encoding: 'utf8', read() {}, write() {} });
  assert.throws(() => acceptStream(acceptor, texts), TypeError);
  assert.equal(acceptor.connections.length, 0);
});
