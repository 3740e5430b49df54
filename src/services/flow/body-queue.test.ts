import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BodyQueue } from './body-queue.ts';

const BYTES = 16_384;

function pieceOf(value: number): Uint8Array {
  return new Uint8Array(BYTES).fill(value);
}

function sendAll(queue: BodyQueue, atMost: number): Uint8Array {
  const sent: Uint8Array[] = [];
  while (queue.bytes > 0) {
    const taken = queue.take(atMost);
    sent.push(Buffer.concat(taken));
    queue.free(taken);
  }
  return Buffer.concat(sent);
}

describe('BodyQueue', () => {
  for (const atMost of [BYTES, BYTES / 2 + 1, 5 * BYTES]) {
    it(`frees what was given, and nothing before it was sent, ${atMost} bytes at a time`, () => {
      const queue = new BodyQueue();
      const lent = [pieceOf(1), pieceOf(2)];
      const given = [pieceOf(3), pieceOf(4), pieceOf(5)];
      for (const piece of lent) queue.lend(piece);
      for (const piece of given) queue.give(piece);
      const expected = Buffer.concat([...lent, ...given]);
      assert.deepEqual(sendAll(queue, atMost), expected);
      assert.deepEqual(
        [...lent, ...given].map(({ length }) => length),
        [BYTES, BYTES, 0, 0, 0],
      );
    });
  }

  it('frees no memory that other bytes lie in', () => {
    const queue = new BodyQueue();
    const all = new Uint8Array(2 * BYTES).fill(7);
    queue.give(all.subarray(0, BYTES));
    queue.give(all.subarray(BYTES));
    assert.equal(sendAll(queue, 3 * BYTES).length, 2 * BYTES);
    assert.equal(all.length, 2 * BYTES);
  });
});
