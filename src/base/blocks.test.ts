import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BlockPool } from './blocks.ts';

const SMALLEST = 131_072;

describe('BlockPool', () => {
  it('gives blocks of powers of two, large enough', () => {
    const pool = new BlockPool();
    const sizes = [1, SMALLEST, SMALLEST + 1, 3_000_000].map((bytes) => pool.take(bytes).buffer.length);
    assert.deepEqual(sizes, [SMALLEST, SMALLEST, 2 * SMALLEST, 4_194_304]);
  });

  it('gives a block again when nobody needs it any more, and not before', () => {
    const pool = new BlockPool();
    const block = pool.take(1);
    block.hold();
    assert.ok(block.isShared);
    block.release();
    assert.ok(!block.isShared);
    assert.notEqual(pool.take(1), block);
    block.release();
    assert.equal(pool.freeBytes, SMALLEST);
    assert.equal(pool.take(1), block);
    assert.ok(!block.isShared);
  });

  it('keeps a bounded number free, none that is huge, and none for ever', () => {
    const pool = new BlockPool();
    for (const block of Array.from({ length: 100 }, () => pool.take(1))) block.release();
    const { freeBytes } = pool;
    assert.ok(freeBytes > SMALLEST && freeBytes <= 4_194_304);
    pool.take(2_000_000).release();
    assert.equal(pool.freeBytes, freeBytes);
    for (let count = 0; count < 100; count++) pool.trim();
    assert.equal(pool.freeBytes, 0);
  });
});
