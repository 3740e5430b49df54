import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { LargestFirst } from './largest-first.ts';

const LINES = 50_000;
const MAX_LOOKS = 64;

describe('LargestFirst', () => {
  it('finds one of the largest, whatever has changed, and none below the least', () => {
    const change = fc.record({ line: fc.nat(99), bytes: fc.integer({ min: 0, max: 2 ** 40 }) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), fc.nat(2 ** 40), (changes, atLeast) => {
        const held = new Map<number, number>();
        const bytesOf = (line: number): number => held.get(line) ?? 0;
        const largest = new LargestFirst(0, bytesOf);
        for (const { line, bytes } of changes) {
          held.set(line, bytes);
          largest.set(line, bytes);
        }
        const most = Math.max(0, ...held.values());
        const found = largest.find(bytesOf, atLeast);
        assert.equal(found !== undefined, most > atLeast);
        if (found !== undefined) assert.ok(bytesOf(found) > atLeast && bytesOf(found) >= most / 2);
      }),
    );
  });

  it('looks at a few, however many there are and however alike, and next time at others', () => {
    const held = Array.from({ length: LINES }, () => 1000);
    const seen = new Set<number>();
    let looks = 0;
    const bytesOf = (line: number): number => {
      looks++;
      seen.add(line);
      return held[line]!;
    };
    const largest = new LargestFirst(LINES, (line) => held[line]!);
    for (let time = 1; time <= 3; time++) {
      assert.equal(largest.find(bytesOf, 1000), undefined);
      assert.deepEqual([looks, seen.size], [time * MAX_LOOKS, time * MAX_LOOKS]);
    }
    held[LINES - 1] = 100_000;
    largest.set(LINES - 1, 100_000);
    assert.equal(largest.find(bytesOf, 1000), LINES - 1);
    held[LINES - 1] = 0;
    largest.set(LINES - 1, 0);
    assert.equal(largest.find(bytesOf, 1000), undefined);
  });
});
