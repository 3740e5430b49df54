import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { KEPT_KINDS, KeptKind } from '../../../src/base/kept-kinds.ts';
import { Ledger } from '../../../src/base/ledger.ts';
import { listenUnix, type Broker } from '../../../src/mqtt/index.ts';
import { compareGrowth, itMeasures } from '../../helpers/measured-growth.ts';
import { bytesOf, connected, publishesOf, startBroker, willOf } from '../../helpers/mqtt-broker-rig.ts';
import { connectPacket, subscribePacket, turnEnd, type WireClient } from '../../helpers/mqtt-wire-client.ts';
import { until } from '../../helpers/until.ts';

const KIB = 1024;
/** From here on a stream says that it is full. */
const STREAM_BYTES = 64 * KIB;
const { fixedBytes: FIXED, perByte: PER_BYTE } = KEPT_KINDS[KeptKind.OUTBOX]!;

type Rig = { readonly broker: Broker; readonly ledger: Ledger; readonly sockets: readonly Socket[] };

/** Clients that subscribe to `a` and read nothing, over sockets of which the system keeps little. */
async function startStill(t: TestContext, count: number, ledger = new Ledger()): Promise<Rig> {
  const broker = await startBroker(t, { ledger });
  const folder = mkdtempSync(join(tmpdir(), 'slow-readers-'));
  const listener = await listenUnix(broker, { path: join(folder, 'broker') });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await listener.close();
    rmSync(folder, { recursive: true, force: true });
  });
  for (let index = 0; index < count; index++) {
    const socket = connect(join(folder, 'broker')).on('error', () => {});
    sockets.push(socket.pause());
    await once(socket, 'connect');
    socket.write(bytesOf(5, connectPacket(5, { clientId: `still ${index}` }), subscribePacket(['a'])));
  }
  await until('all subscribe', () => broker.counts.subscriptions === count);
  return { broker, ledger, sockets };
}

/** A message a turn, for as long as `goesOn`. */
async function publishWhile(broker: Broker, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    broker.publish({ topicName: 'a', payload: Buffer.alloc(KIB), qos: 0 });
    await new Promise(setImmediate);
  }
}

const waiting = (ledger: Ledger): { bytes: number; count: number } => ledger.totals()[KeptKind.OUTBOX]!;

describe('what waits in the sockets of clients that do not read', () => {
  it('is booked from its first bytes until it has gone', async (t) => {
    const { broker, ledger, sockets } = await startStill(t, 1);
    await publishWhile(broker, () => waiting(ledger).count === 0);
    assert.ok(waiting(ledger).bytes < FIXED + PER_BYTE * 4 * KIB, `${waiting(ledger).bytes} at first`);
    for (const socket of sockets) socket.resume();
    await until('it has gone', () => waiting(ledger).bytes === 0);
    assert.equal(broker.stats.dropped['outbox-full'], 0);
  });

  itMeasures('is most of what the process grows by, before any of them is full', async (t) => {
    const count = 150;
    const { broker, ledger } = await startStill(t, count);
    await compareGrowth(t, ledger, () =>
      publishWhile(broker, () => waiting(ledger).bytes < count * PER_BYTE * 16 * KIB),
    );
    assert.equal(waiting(ledger).count, count);
    assert.ok(waiting(ledger).bytes < count * PER_BYTE * STREAM_BYTES);
  });

  it('keeps to the limit of all, and costs one that reads nothing', async (t) => {
    const limitBytes = 256 * KIB;
    const { broker, ledger } = await startStill(
      t,
      20,
      new Ledger({ limits: { [KeptKind.OUTBOX]: limitBytes } }),
    );
    const reader = await connected(broker, 5, {}, { maxUnreadBytes: 1e9 });
    await reader.subscribe('a');
    let published = 0;
    let most = 0;
    await publishWhile(broker, () => {
      most = Math.max(most, waiting(ledger).bytes);
      return broker.stats.dropped['outbox-full'] < 2000 && ++published > 0;
    });
    assert.ok(most <= limitBytes, `${most} were booked`);
    assert.equal(publishesOf(await reader.all()).length, published);
  });

  it('makes room for a newcomer: of whoever has most waiting, connections are closed', async (t) => {
    const ledger = new Ledger({ limits: { [KeptKind.OUTBOX]: 512 * KIB } });
    const broker = await startBroker(t, { ledger });
    const slow = async (address: string, topicName: string): Promise<WireClient> => {
      const client = await connected(broker, 5, { clientId: topicName }, { address, maxUnreadBytes: 100 });
      await client.subscribe(topicName);
      return client;
    };
    const { dropped } = broker.stats;
    const holders: WireClient[] = [];
    // One address after the other, until all its clients get no more.
    for (const address of ['10.0.0.1', '10.0.0.2']) {
      for (let count = 0; count < 3; count++) holders.push(await slow(address, `${address}/${count}`));
      for (const before = dropped['outbox-full']; dropped['outbox-full'] === before; await turnEnd()) {
        for (let count = 0; count < 3; count++)
          broker.publish({ topicName: `${address}/${count}`, payload: Buffer.alloc(KIB) });
      }
    }
    assert.ok(waiting(ledger).bytes > (3 / 4) * 512 * KIB - 8 * KIB, `${waiting(ledger).bytes} wait`);
    const newcomer = await slow('10.0.1.1', 'news');
    const before = dropped['outbox-full'];
    for (let count = 0; count < 20; count++) {
      broker.publish({ topicName: 'news', payload: Buffer.alloc(KIB) });
      await turnEnd();
    }
    assert.equal(dropped['outbox-full'], before, 'all of it waits for the newcomer');
    const isOpen = holders.map(({ transport }) => !transport.isClosed);
    assert.deepEqual(isOpen, [true, true, false, true, true, true], 'the newest of whoever had most');
    assert.equal(publishesOf(await newcomer.all()).length, 20);
    for (const { transport } of [newcomer, ...holders]) transport.breakOff();
    await turnEnd();
    assert.deepEqual([waiting(ledger).bytes, waiting(ledger).count], [0, 0]);
  });

  it('makes room in the middle of a message: who is closed may be its publisher, and its Will goes the same way', async (t) => {
    const ledger = new Ledger({ limits: { [KeptKind.OUTBOX]: 256 * KIB } });
    const broker = await startBroker(t, { ledger });
    const { dropped } = broker.stats;
    const slow = async (address: string, clientId: string, fields: object = {}): Promise<WireClient> => {
      const client = await connected(broker, 5, { clientId, ...fields }, { address, maxUnreadBytes: 100 });
      await client.subscribe(clientId);
      return client;
    };
    const willMessage = willOf({ topicName: 'news', payload: Buffer.from('gone') });
    const publisher = await slow('10.0.0.1', 'hoard/1', { willMessage });
    const other = await slow('10.0.0.2', 'hoard/2');
    for (const topicName of ['hoard/1', 'hoard/2'])
      for (const before = dropped['outbox-full']; dropped['outbox-full'] === before; await turnEnd())
        broker.publish({ topicName, payload: Buffer.alloc(KIB) });
    const newcomer = await slow('10.0.1.1', 'news');
    for (let count = 0; count < 20; count++) {
      publisher.publish('news', 'x'.repeat(KIB));
      await turnEnd();
    }
    assert.deepEqual(
      [publisher, other].map(({ transport }) => transport.isClosed),
      [true, false],
    );
    const received = publishesOf(await newcomer.all()).map(({ payload }) => payload.length);
    assert.ok(received.length > 1 && received.includes(4), received.join());
    for (const { transport } of [newcomer, other]) transport.breakOff();
    await turnEnd();
    assert.deepEqual([waiting(ledger).bytes, waiting(ledger).count], [0, 0]);
  });
});
