import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reconnectDelayMs } from './reconnect-delay.ts';

describe('the delay before another attempt', () => {
  const delays = (random: () => number): number[] =>
    [0, 1, 2, 3, 4, 1000].map((attempt) => reconnectDelayMs(attempt, { minMs: 100, maxMs: 1000, random }));

  it('doubles up to its maximum', () => {
    assert.deepEqual(
      delays(() => 1),
      [100, 200, 400, 800, 1000, 1000],
    );
  });

  it('is not cut where only the least one was given', () => {
    assert.equal(reconnectDelayMs(0, { minMs: 60_000, maxMs: 15_000, random: () => 1 }), 60_000);
  });

  it('is at least half of that', () => {
    assert.deepEqual(
      delays(() => 0),
      [50, 100, 200, 400, 500, 500],
    );
  });
});
