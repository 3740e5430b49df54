import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FlowTable } from './flow-table.ts';

describe('FlowTable', () => {
  it('finds what a map finds, whatever comes and goes', () => {
    // Many meet in one slot: the numbers are few, or a power of two apart.
    const number = fc.oneof(
      fc.nat(20),
      fc.nat(40).map((count) => count * 64 + 1),
      fc.nat({ max: 40 }).map((count) => 0xffff_ffff - count),
    );
    const step = fc.record({ request: number, isComing: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const [table, map] = [new FlowTable<{ request: number }>(), new Map<number, { request: number }>()];
        for (const { request, isComing } of steps) {
          const flow = { request };
          const known = map.get(request);
          if (isComing) {
            table.set(flow);
            map.set(request, flow);
          } else if (known !== undefined) {
            // Another one of the same number is not what is there.
            table.delete(flow);
            assert.equal(table.get(request), known);
            table.delete(known);
            map.delete(request);
          }
          assert.equal(table.size, map.size);
          for (const seen of steps) assert.equal(table.get(seen.request), map.get(seen.request));
        }
        assert.deepEqual(new Set(table.all()), new Set(map.values()));
      }),
      { numRuns: 50 },
    );
  });
});
