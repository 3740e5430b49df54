import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MessageQueue } from './message-queue.ts';
import { QueuedMessage } from './queued-message.ts';
import { StoredMessage } from './stored-message.ts';

function queuedUntil(expiresAtMs: number, sequence: number): QueuedMessage {
  const parts = { topicName: 't', qos: 1, retain: false, body: 't', topicEnd: 1, propertiesEnd: 1 } as const;
  const message = new StoredMessage({ ...parts, largePayload: undefined, messageExpiryAt: -1, expiresAtMs });
  return new QueuedMessage(message, 1, false, [], sequence, undefined);
}

/** Counts how often its messages are looked at. */
class WatchedQueue extends MessageQueue {
  looks = 0;

  override removeWhere(isOver: (queued: QueuedMessage) => boolean): QueuedMessage[] {
    this.looks++;
    return super.removeWhere(isOver);
  }
}

suite('messages of a queue that expire', () => {
  test('are taken out in their order, and those after them later', () => {
    const queue = new MessageQueue({ bytes: 0 });
    [30, 10, Infinity, 20, 10].forEach((expiresAtMs, index) => queue.push(queuedUntil(expiresAtMs, index)));
    const sequences = (nowMs: number): number[] => queue.removeExpired(nowMs).map(({ sequence }) => sequence);
    assert.deepEqual(sequences(9), []);
    assert.deepEqual(sequences(10), [1, 4]);
    assert.deepEqual(sequences(19), []);
    assert.deepEqual(sequences(30), [0, 3]);
    assert.equal(queue.count, 1);
  });

  test('are looked for only where there can be some: a full queue is asked by every message', () => {
    const queue = new WatchedQueue({ bytes: 0 });
    for (let index = 0; index < 100; index++) queue.push(queuedUntil(index === 50 ? 1000 : Infinity, index));
    for (let nowMs = 0; nowMs < 1000; nowMs++) queue.removeExpired(nowMs);
    assert.equal(queue.looks, 0);
    assert.equal(queue.removeExpired(1000).length, 1);
    assert.equal(queue.looks, 1);
    queue.removeExpired(1_000_000);
    assert.equal(queue.looks, 1);
  });

  test('what was sent already stays, and is not looked for', () => {
    const queue = new WatchedQueue({ bytes: 0 });
    const sent = queuedUntil(10, 0);
    sent.packetId = 7;
    queue.pushFirst(sent);
    queue.push(queuedUntil(Infinity, 1));
    assert.deepEqual(queue.removeExpired(100), []);
    assert.equal(queue.looks, 0);
  });
});
