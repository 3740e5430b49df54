import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import type { BusCounters, OutgoingMessage, PublishReceipt } from '../../src/bus/bus.ts';
import { BusOutbox, type OutboxLimits, type Sender } from '../../src/bus/bus-outbox.ts';

const LIMITS: OutboxLimits = { timeoutMs: 1000, maxInflight: 2, maxQueuedMessages: 3, maxQueuedBytes: 10 };

function createOutbox(limits: Partial<OutboxLimits> = {}): {
  outbox: BusOutbox;
  clock: ManualClock;
  counters: BusCounters;
} {
  const clock = new ManualClock();
  const counters = { published: 0, received: 0, unclaimed: 0, refusedFull: 0, givenUp: 0, reconnected: 0 };
  return {
    outbox: new BusOutbox({ limits: { ...LIMITS, ...limits }, clock, counters, label: 'mqtt://x' }),
    clock,
    counters,
  };
}

/** A connection that answers when it is told to. */
class FakeSender implements Sender {
  receiveMaximum = 65_535;
  isBlocked = false;
  bufferedBytes = 0;
  readonly sent: string[] = [];
  readonly answers: ((receipt: PublishReceipt) => void)[] = [];

  findFault(): undefined {}

  publish(message: OutgoingMessage): Promise<PublishReceipt> {
    this.sent.push(message.topicName);
    return new Promise((resolve) => this.answers.push(resolve));
  }
}

const message = (topicName: string, qos: 0 | 1 | 2 = 1, bytes = 1): OutgoingMessage => ({
  topicName,
  qos,
  payload: new Uint8Array(bytes),
});
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('the outbox', () => {
  it('sends in order, with so many unacknowledged as may be', async () => {
    const { outbox } = createOutbox();
    const sender = new FakeSender();
    outbox.attach(sender);
    const all = ['a', 'b', 'c', 'd'].map((topicName) => outbox.add(message(topicName), {}));
    assert.deepEqual(sender.sent, ['a', 'b']);
    sender.answers[0]?.({ matched: true });
    await settle();
    assert.deepEqual(sender.sent, ['a', 'b', 'c']);
    for (const at of [1, 2, 3]) {
      sender.answers[at]?.({ matched: false });
      await settle();
    }
    assert.deepEqual(
      (await Promise.all(all)).map(({ matched }) => matched),
      [true, false, false, false],
    );
  });

  it('holds QoS 0 back while the socket is full, and in its place', () => {
    const { outbox } = createOutbox();
    const sender = new FakeSender();
    sender.isBlocked = true;
    outbox.attach(sender);
    for (const [topicName, qos] of [
      ['a', 1],
      ['b', 0],
      ['c', 1],
    ] as const)
      void outbox.add(message(topicName, qos), {});
    assert.deepEqual([sender.sent, outbox.queuedMessages], [[], 3]);
    sender.isBlocked = false;
    outbox.pump();
    assert.deepEqual(sender.sent, ['a', 'b', 'c']);
  });

  it('takes so many messages and bytes as may wait', async () => {
    const { outbox, counters } = createOutbox();
    // Larger than all that may wait, but alone.
    void outbox.add(message('large', 1, 11), {}).catch(() => {});
    await assert.rejects(outbox.add(message('b', 1, 1), {}), {
      code: 'TOO_MANY_MESSAGES',
      message: /1 messages \(11 bytes\)/,
    });
    const sender = new FakeSender();
    outbox.attach(sender);
    outbox.detach(new Error('lost'));
    await assert.rejects(outbox.add(message('c', 1, 1), {}), { code: 'TOO_MANY_MESSAGES' });
    assert.equal(counters.refusedFull, 2);

    const { outbox: other } = createOutbox();
    for (const topicName of ['a', 'b', 'c']) void other.add(message(topicName, 1, 0), {}).catch(() => {});
    await assert.rejects(other.add(message('d', 1, 0), {}), {
      code: 'TOO_MANY_MESSAGES',
      message: /3 messages \(0 bytes\)/,
    });
  });

  it('gives up in time, and makes room', async () => {
    const { outbox, clock, counters } = createOutbox();
    const waiting = outbox.add(message('a', 1, 10), {});
    const rejected = assert.rejects(waiting, {
      code: 'BROKER_OFFLINE',
      message: /was not connected for 1000 ms/,
    });
    clock.advance(1000);
    await rejected;
    assert.deepEqual([outbox.queuedMessages, clock.pending, counters.givenUp], [0, 0, 1]);
    const sender = new FakeSender();
    outbox.attach(sender);
    const sent = assert.rejects(outbox.add(message('b', 1, 10), { timeoutMs: 5 }), {
      code: 'BROKER_TIMEOUT',
    });
    clock.advance(5);
    await sent;
    assert.deepEqual(sender.sent, ['b']);
  });

  it('sends what was given up no more, and lets its place go when it is acknowledged', async () => {
    const { outbox, clock } = createOutbox({ maxInflight: 1 });
    const first = new FakeSender();
    outbox.attach(first);
    const givenUp = assert.rejects(outbox.add(message('a'), { timeoutMs: 1 }), { code: 'BROKER_TIMEOUT' });
    const kept = outbox.add(message('b'), {});
    clock.advance(1);
    await givenUp;
    assert.deepEqual(first.sent, ['a']);
    outbox.detach(new Error('lost'));
    const second = new FakeSender();
    outbox.attach(second);
    assert.deepEqual(second.sent, ['b']);
    // An answer of the connection before does not count.
    first.answers[0]?.({ matched: true });
    second.answers[0]?.({ matched: false });
    assert.deepEqual(await kept, { matched: false });
  });

  it('sends at once what nobody acknowledges, or not at all', () => {
    const { outbox, counters } = createOutbox({ maxInflight: 1 });
    const send = (topicName: string): string => {
      const sent = outbox.sendNow({ topicName, payload: new Uint8Array(1) });
      return sent.ok ? 'sent' : sent.failure.code;
    };
    assert.equal(send('a'), 'BROKER_OFFLINE');
    const sender = new FakeSender();
    outbox.attach(sender);
    for (const topicName of ['b', 'c']) void outbox.add(message(topicName), {}).catch(() => {});
    assert.equal(send('d'), 'sent');
    assert.deepEqual(sender.sent, ['b', 'd']);
    sender.bufferedBytes = LIMITS.maxQueuedBytes;
    assert.equal(send('e'), 'TOO_MANY_MESSAGES');
    assert.equal(counters.refusedFull, 1);
    outbox.close();
  });

  it('leaves no listener at a signal', async () => {
    const { outbox } = createOutbox();
    const sender = new FakeSender();
    outbox.attach(sender);
    const { signal } = new AbortController();
    const sent = outbox.add(message('a'), { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    sender.answers[0]?.({ matched: true });
    await sent;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});
