import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { PairTable } from './pair-table.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

describe('PairTable', () => {
  it(`holds what a Map would hold (seed ${seed})`, () => {
    const key = fc.oneof(fc.integer({ min: -4, max: 40 }), fc.integer());
    const step = fc.record({ first: key, second: key, value: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new PairTable();
        const model = new Map<string, number>();
        for (const { first, second, value } of steps) {
          const name = `${first},${second}`;
          assert.equal(table.get(first, second), model.get(name) ?? 0);
          if (value > 0) {
            table.set(first, second, value);
            model.set(name, value);
          } else {
            assert.equal(table.delete(first, second), model.get(name) ?? 0);
            model.delete(name);
          }
        }
        assert.equal(table.size, model.size);
        for (const { first, second } of steps)
          assert.equal(table.get(first, second), model.get(`${first},${second}`) ?? 0);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('holds many, and lets them go', () => {
    const table = new PairTable();
    for (let index = 1; index <= 50_000; index++) table.set(index, index % 7, index);
    assert.equal(table.size, 50_000);
    for (let index = 1; index <= 50_000; index += 2) assert.equal(table.delete(index, index % 7), index);
    for (let index = 1; index <= 50_000; index++)
      assert.equal(table.get(index, index % 7), index % 2 === 0 ? index : 0);
    assert.equal(table.size, 25_000);
  });
});
