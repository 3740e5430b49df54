import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

test('the bound doubles up to the maximum, and begins anew after a reset', () => {
  const backoff = new Backoff({ minMs: 500, maxMs: 30_000, random: () => 1 });
  const bounds = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(bounds, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  backoff.reset();
  assert.equal(backoff.next(), 500);
});

test('the jitter is full: from nothing up to the bound', () => {
  const numbers = [0, 0.5, 0.999];
  const backoff = new Backoff({ minMs: 1000, maxMs: 30_000, random: () => numbers.shift() ?? 0 });
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [0, 1000, 3996]);
});

test('the longest wait is at least the maximum, however often it failed', () => {
  const low = new Backoff({ minMs: 500, maxMs: 30_000, random: () => 0 });
  const high = new Backoff({ minMs: 500, maxMs: 30_000, random: () => 1 });
  assert.deepEqual([low.longest(), high.longest()], [30_000, 45_000]);
  for (let round = 0; round < 2000; round++) assert.ok(high.next() <= 30_000);
});
