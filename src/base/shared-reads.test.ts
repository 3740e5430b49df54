import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { SHARED_READ_BYTES, shareReads } from './shared-reads.ts';

type Accepted = { given: Socket; used: Socket; received: Buffer[]; calls: string[] };
type Served = { port: number; accepted: Accepted[] };

async function serve(t: TestContext, prepare: (socket: Socket) => void = () => {}): Promise<Served> {
  const accepted: Accepted[] = [];
  const server = createServer({ pauseOnConnect: true }, (given) => {
    prepare(given);
    const received: Buffer[] = [];
    const calls: string[] = [];
    const used = shareReads(given, {
      take: (bytes, length) => {
        calls.push('take');
        received.push(Buffer.from(bytes.subarray(0, length)));
      },
      room: () => void calls.push('room'),
    });
    accepted.push({ given, used, received, calls });
    used.on('error', () => {});
    used.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const { used } of accepted) used.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, accepted };
}

for (const [name, prepare] of [
  ['through the shared buffer', () => {}],
  ['by data events where there is no handle to move', (socket: Socket) => hideHandle(socket)],
] as const) {
  test(`bytes of many connections arrive whole and in order, ${name}`, async (t) => {
    const { port, accepted } = await serve(t, prepare);
    const clients = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const client = connect(port, '127.0.0.1');
        await once(client, 'connect');
        return client;
      }),
    );
    const sent = clients.map((_, who) => Buffer.alloc(SHARED_READ_BYTES * 3, `${who}`));
    for (let from = 0; from < SHARED_READ_BYTES * 3; from += 10_000) {
      for (const [who, client] of clients.entries())
        client.write(sent[who]?.subarray(from, from + 10_000) ?? '');
    }
    for (const client of clients) client.end();
    await Promise.all(clients.map((client) => once(client.resume(), 'close')));
    const received = accepted.map((item) => Buffer.concat(item.received).toString('latin1'));
    assert.deepEqual(
      received.toSorted(),
      sent.map((bytes) => bytes.toString('latin1')),
    );
  });
}

test('this Node lets the handle move, so the costly way is not taken unnoticed', async (t) => {
  const { port, accepted } = await serve(t);
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.write('x');
  while (accepted[0]?.received.length !== 1) await new Promise((resolve) => void setImmediate(resolve));
  assert.notEqual(accepted[0].used, accepted[0].given);
  assert.equal(accepted[0].used.remotePort, client.localPort);
});

test('the taker is asked for room after each read by data events too: there it lets go of blocks', async (t) => {
  const { port, accepted } = await serve(t, hideHandle);
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.write('x');
  while (accepted[0]?.received.length !== 1) await new Promise((resolve) => void setImmediate(resolve));
  assert.deepEqual(accepted[0].calls, ['take', 'room']);
});

/** Makes a socket look as if its handle were out of reach. */
function hideHandle(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: object };
  let reads = 0;
  Object.defineProperty(socket, '_handle', {
    get: () => (reads++ === 0 ? undefined : handle),
    set: () => {},
    configurable: true,
  });
}
