import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keepMessage } from '../../helpers/stored-messages.ts';
import { MessageQueue } from '../../../src/mqtt/session/message-queue.ts';
import { QueuedMessage } from '../../../src/mqtt/session/queued-message.ts';

const queuedOf = (sequence: number, payloadBytes = 0): QueuedMessage => {
  const message = keepMessage({ topicName: 't', payload: Buffer.alloc(payloadBytes) });
  return new QueuedMessage(message, 1, false, [], sequence, undefined);
};

const sequencesOf = (messages: Iterable<QueuedMessage>): number[] =>
  Array.from(messages, ({ sequence }) => sequence);

describe('MessageQueue', () => {
  it('is first in, first out, over many times its size', () => {
    const queue = new MessageQueue({ bytes: 0 });
    let given = 0;
    let taken = 0;
    for (let round = 1; round <= 40; round++) {
      for (let count = 0; count < round; count++) queue.push(queuedOf(given++));
      for (let count = 0; count < round - 1; count++) assert.equal(queue.shift()?.sequence, taken++);
      assert.equal(queue.first?.sequence, taken);
      assert.equal(queue.count, given - taken);
    }
    assert.deepEqual(
      sequencesOf(queue),
      Array.from({ length: 40 }, (_, index) => taken + index),
    );
  });

  it('that is empty has no first, and gives nothing', () => {
    const queue = new MessageQueue({ bytes: 0 });
    assert.deepEqual(
      [queue.first, queue.shift(), queue.count, queue.bytes, [...queue]],
      [undefined, undefined, 0, 0, []],
    );
    queue.push(queuedOf(1));
    queue.shift();
    assert.deepEqual(
      [queue.first, queue.shift(), queue.count, queue.bytes, [...queue]],
      [undefined, undefined, 0, 0, []],
    );
  });

  it('takes messages in front, also when it is empty or full', () => {
    const queue = new MessageQueue({ bytes: 0 });
    for (let sequence = 8; sequence >= 1; sequence--) queue.pushFirst(queuedOf(sequence));
    queue.pushFirst(queuedOf(0));
    queue.push(queuedOf(9));
    assert.deepEqual(sequencesOf(queue), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('counts the bytes of what is in it', () => {
    const queue = new MessageQueue({ bytes: 0 });
    const sizes = [10, 100, 1000].map((size, index) => {
      const queued = queuedOf(index, size);
      queue.push(queued);
      return queued.message.sizeBytes;
    });
    assert.equal(queue.bytes, sizes[0]! + sizes[1]! + sizes[2]!);
    assert.equal(sizes[1]! - sizes[0]!, 90);
    queue.removeWhere(({ sequence }) => sequence === 1);
    assert.equal(queue.bytes, sizes[0]! + sizes[2]!);
    queue.shift();
    assert.equal(queue.bytes, sizes[2]);
  });

  it('gives what is removed in its order, and keeps the order of the rest', () => {
    const queue = new MessageQueue({ bytes: 0 });
    for (let sequence = 1; sequence <= 20; sequence++) queue.push(queuedOf(sequence));
    assert.deepEqual(
      sequencesOf(queue.removeWhere(({ sequence }) => sequence % 3 === 0)),
      [3, 6, 9, 12, 15, 18],
    );
    assert.deepEqual(sequencesOf(queue), [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20]);
    assert.equal(queue.removeWhere(() => false).length, 0);
    assert.equal(queue.removeWhere(() => true).length, 14);
    assert.equal(queue.count, 0);
  });

  it('does what an array does', () => {
    const anyStep = fc.oneof(
      { arbitrary: fc.constant('push' as const), weight: 4 },
      { arbitrary: fc.constant('pushFirst' as const), weight: 2 },
      { arbitrary: fc.constant('shift' as const), weight: 3 },
      { arbitrary: fc.integer({ min: 2, max: 4 }), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 120 }), (steps) => {
        const total = { bytes: 0 };
        const [queue, other] = [new MessageQueue(total), new MessageQueue(total)];
        other.push(queuedOf(0));
        const otherBytes = other.bytes;
        let expected: QueuedMessage[] = [];
        for (const [index, step] of steps.entries()) {
          const queued = queuedOf(index, index % 7);
          if (step === 'push') {
            queue.push(queued);
            expected.push(queued);
          } else if (step === 'pushFirst') {
            queue.pushFirst(queued);
            expected.unshift(queued);
          } else if (step === 'shift') assert.equal(queue.shift(), expected.shift());
          else {
            const isOver = ({ sequence }: QueuedMessage): boolean => sequence % step === 0;
            assert.deepEqual(sequencesOf(queue.removeWhere(isOver)), sequencesOf(expected.filter(isOver)));
            expected = expected.filter((each) => !isOver(each));
          }
          assert.deepEqual(sequencesOf(queue), sequencesOf(expected));
          assert.equal(queue.first, expected[0]);
          assert.equal(queue.count, expected.length);
          assert.equal(
            queue.bytes,
            expected.reduce((sum, { message }) => sum + message.sizeBytes, 0),
          );
          assert.equal(total.bytes, queue.bytes + otherBytes);
        }
        queue.clear();
        assert.deepEqual([queue.count, queue.bytes, total.bytes, queue.first], [0, 0, otherBytes, undefined]);
        queue.push(queuedOf(1));
        assert.equal(queue.shift()?.sequence, 1);
      }),
    );
  });
});
