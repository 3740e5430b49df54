import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { Slice } from '../../src/mqtt/transport/slice.ts';
import { Written, type TransportAcceptor } from '../../src/mqtt/transport/transport.ts';
import {
  RecordingAcceptor,
  type ConnectionScript,
  type RecordedConnection,
} from './mqtt-recording-acceptor.ts';
import { until } from './until.ts';

/** A kind of transport that is open, and how a client reaches it. */
export type OpenTransport = {
  /** The client's end: bytes both ways. */
  connect(): Promise<Duplex>;
  close(): Promise<void>;
};

export type TransportKind = {
  readonly name: string;
  open(acceptor: TransportAcceptor): Promise<OpenTransport>;
  /** False where the client's end cannot vanish without a word. */
  readonly canReset: boolean;
};

const LINGER_MS = 60_000;
const MEBIBYTE = 1_048_576;

type Pair = { readonly client: Duplex; readonly server: RecordedConnection };
type Opened = {
  readonly acceptor: RecordingAcceptor;
  pair: () => Promise<Pair>;
  connect: () => Promise<Duplex>;
};

/** Everything that the broker relies on, for one kind of transport. */
export function describeTransport(kind: TransportKind): void {
  describeBytes(kind);
  describeBackpressure(kind);
  describeEnds(kind);
}

async function openKind(t: TestContext, kind: TransportKind, script: ConnectionScript = {}): Promise<Opened> {
  const acceptor = new RecordingAcceptor(script);
  const open = await kind.open(acceptor);
  const clients: Duplex[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    acceptor.destroyAll();
    await open.close();
  });
  const connect = async (): Promise<Duplex> => {
    const client = await open.connect();
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  const pair = async (): Promise<Pair> => {
    const index = acceptor.connections.length;
    const client = await connect();
    return { client, server: await acceptor.connection(index) };
  };
  return { acceptor, pair, connect };
}

function numbered(bytes: number): Buffer {
  const all = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) all.writeUInt32BE(at, at);
  return all;
}

/** Reads everything from now on. */
function collect(client: Duplex): { text(): string; bytes(): Buffer } {
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  const bytes = (): Buffer => Buffer.concat(chunks);
  return { bytes, text: () => bytes().toString('latin1') };
}

/** Writes until as much waits as should wait. */
function fill(server: RecordedConnection): Buffer[] {
  const written: Buffer[] = [];
  for (let chunk = 0; chunk < 64; chunk++) {
    const bytes = numbered(MEBIBYTE).fill(chunk, 0, 4);
    written.push(bytes);
    if (server.write(bytes) === Written.BLOCKED) return written;
  }
  throw new Error('64 MiB went away without a reader');
}

function describeBytes(kind: TransportKind): void {
  test(`${kind.name}: bytes go both ways, whole and in order`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    const answers = collect(client);
    const sent = numbered(300_000);
    for (let from = 0; from < sent.length; from += 7001) client.write(sent.subarray(from, from + 7001));
    await until('everything arrived', () => server.received.length === sent.length);
    assert.ok(server.received.equals(sent));
    for (let from = 0; from < sent.length; from += 701) server.write(sent.subarray(from, from + 701));
    await until('everything came back', () => answers.bytes().length === sent.length);
    assert.ok(answers.bytes().equals(sent));
  });

  test(`${kind.name}: a buffer that was TAKEN may be used again`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    const answers = collect(client);
    let buffer = Buffer.alloc(8);
    let expected = '';
    for (let count = 0; count < 500; count++) {
      const text = String(count).padStart(8, ' ');
      buffer.write(text, 'latin1');
      expected += text;
      const written = server.write(buffer);
      if (written === Written.TAKEN) assert.equal(server.bufferedBytes, 0);
      else buffer = Buffer.alloc(8);
      if (count % 100 === 99) await until('what waited has gone', () => server.bufferedBytes === 0);
    }
    await until('everything came', () => answers.text().length === expected.length);
    assert.equal(answers.text(), expected);
  });

  test(`${kind.name}: connections do not mix`, async (t) => {
    const { pair } = await openKind(t, kind, {
      onBytes: (connection, bytes) => connection.write(Buffer.from(bytes)),
    });
    const pairs = [await pair(), await pair(), await pair()];
    const echoes = pairs.map(({ client }) => collect(client));
    for (let round = 0; round < 50; round++)
      for (const [who, { client }] of pairs.entries()) client.write(Buffer.from(`${who}`));
    for (const [who, echo] of echoes.entries()) {
      await until('the echo is whole', () => echo.text().length === 50);
      assert.equal(echo.text(), `${who}`.repeat(50));
    }
  });
}

function describeBackpressure(kind: TransportKind): void {
  test(`${kind.name}: a slow reader blocks the writer, and everything arrives when it reads`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    const written = fill(server);
    assert.ok(server.bufferedBytes > 0);
    assert.equal(server.write(Buffer.from('more')), Written.BLOCKED);
    assert.equal(server.drainedCount, 0);
    const expected = Buffer.concat([...written, Buffer.from('more')]);
    const answers = collect(client);
    await until('everything came', () => answers.bytes().length === expected.length);
    assert.ok(answers.bytes().equals(expected));
    await until('onDrained was called', () => server.drainedCount === 1);
    assert.equal(server.bufferedBytes, 0);
  });

  test(`${kind.name}: it tells of a little that it keeps, and when it has gone; and then ends in order`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    let expectedBytes = 0;
    const write = (): Written => {
      expectedBytes += 8192;
      return server.write(numbered(8192));
    };
    while (server.keptCount === 0) {
      write();
      await new Promise(setImmediate);
    }
    assert.equal(server.drainedCount, 0);
    const answers = collect(client);
    await until('what was kept has gone', () => server.drainedCount === 1);
    client.pause();
    while (write() === Written.TAKEN);
    server.end(LINGER_MS);
    client.resume();
    await once(client, 'end');
    assert.equal(answers.bytes().length, expectedBytes);
  });

  test(`${kind.name}: slices go in order; what the system took within a turn drains nothing`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    const answers = collect(client);
    const bytes = numbered(200_000);
    const slices = [0, 1, 2, 3].map((at) => new Slice(bytes, at * 50_000, (at + 1) * 50_000, undefined));
    let blockedCount = 0;
    for (let round = 0; round < 10; round++) {
      if (server.writeSlices(slices, round % 2, 4) === Written.BLOCKED) blockedCount++;
      await until('all of it has gone', () => server.bufferedBytes === 0);
    }
    await until('it has told so', () => server.drainedCount === blockedCount + server.keptCount);
    const sent = Array.from({ length: 10 }, (_, round) => bytes.subarray((round % 2) * 50_000));
    const expected = Buffer.concat(sent);
    await until('all came', () => answers.bytes().length === expected.length);
    assert.ok(answers.bytes().equals(expected));
  });

  test(`${kind.name}: it blocks and drains again and again, also from within onDrained`, async (t) => {
    let rounds = 0;
    let expectedBytes = 0;
    const fillAgain = (connection: RecordedConnection): void => {
      rounds++;
      for (const bytes of fill(connection)) expectedBytes += bytes.length;
    };
    const { pair } = await openKind(t, kind, {
      onDrained: (connection) => void (rounds < 3 && fillAgain(connection)),
    });
    const { client, server } = await pair();
    fillAgain(server);
    let arrivedBytes = 0;
    client.on('data', (chunk: Buffer) => (arrivedBytes += chunk.length));
    await until('all rounds came', () => rounds === 3 && arrivedBytes === expectedBytes, 30_000);
    await until('the last one drained', () => server.drainedCount === 3);
  });

  test(`${kind.name}: nothing arrives while it is paused`, async (t) => {
    let isPausing = true;
    const { pair, connect, acceptor } = await openKind(t, kind, {
      onAccept: (transport) => void (isPausing && transport.pause()),
    });
    const { client, server } = await pair();
    isPausing = false;
    await new Promise((resolve) => void client.write('later', resolve));
    // What another client sends afterwards has arrived: so would this have.
    const other = await connect();
    other.write('now');
    await (await acceptor.connection(1)).untilText('now');
    assert.equal(server.text, '');
    server.resume();
    await server.untilText('later');
    server.pause();
    server.resume();
    client.write(', and on');
    await server.untilText('later, and on');
  });
}

function describeEnds(kind: TransportKind): void {
  test(`${kind.name}: when the client ends, the connection is over once`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    collect(client);
    client.end('bye');
    await server.untilClosed();
    assert.equal(server.text, 'bye');
    assert.equal(server.closeError, undefined);
    assert.equal(server.write(Buffer.from('late')), Written.TAKEN);
    server.end(0);
    server.destroy();
  });

  if (kind.canReset) {
    test(`${kind.name}: a client that vanishes while it is written to closes the connection once`, async (t) => {
      const { pair } = await openKind(t, kind);
      const { client, server } = await pair();
      fill(server);
      client.destroy();
      await server.untilClosed();
      assert.equal(server.write(Buffer.from('late')), Written.TAKEN);
    });
  }

  test(`${kind.name}: end sends what waits, then closes`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { client, server } = await pair();
    const written = Buffer.concat(fill(server));
    server.end(LINGER_MS);
    assert.equal(server.write(Buffer.from('late')), Written.TAKEN);
    server.end(LINGER_MS);
    const answers = collect(client);
    await once(client, 'end');
    assert.ok(answers.bytes().equals(written));
    await server.untilClosed();
    assert.equal(server.drainedCount, 0);
  });

  test(`${kind.name}: what arrives after end is thrown away, also when it was paused`, async (t) => {
    const { pair } = await openKind(t, kind, { onAccept: (transport) => transport.pause() });
    const { client, server } = await pair();
    collect(client);
    client.write('unread');
    server.end(LINGER_MS);
    await server.untilClosed();
    assert.equal(server.text, '');
    assert.equal(server.closeError, undefined);
  });

  test(`${kind.name}: end does not wait longer than lingerMs for a client that does not read`, async (t) => {
    const { pair } = await openKind(t, kind);
    const { server } = await pair();
    fill(server);
    server.end(20);
    await server.untilClosed();
  });

  test(`${kind.name}: after destroy within onBytes nothing arrives any more`, async (t) => {
    const { pair } = await openKind(t, kind, {
      onBytes(connection) {
        connection.destroy();
        assert.equal(connection.closedCount, 0);
        assert.equal(connection.write(Buffer.from('late')), Written.TAKEN);
      },
    });
    const { client, server } = await pair();
    const answers = collect(client);
    for (let count = 0; count < 50; count++) client.write('x'.repeat(1000));
    await server.untilClosed();
    assert.equal(server.chunks.length, 1);
    assert.equal(answers.text(), '');
  });

  test(`${kind.name}: a refused connection is closed`, async (t) => {
    const { connect, acceptor } = await openKind(t, kind, { onAccept: () => false });
    const client = await connect();
    client.resume();
    await until('the client sees the end', () => client.readableEnded || client.closed);
    assert.equal(acceptor.connections.length, 0);
  });
}
