import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureInput } from './measure-input.ts';

const limits = { maxInputDepth: 4, maxInputValues: 10 };

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

test('depth and number of values are bounded', () => {
  assert.equal(measureInput(undefined, limits), undefined);
  assert.equal(measureInput('text', limits), undefined);
  assert.equal(measureInput(nested(4), limits), undefined);
  assert.match(measureInput(nested(5), limits)?.message ?? '', /deeper than 4/);
  assert.equal(measureInput([1, 2, 3, 4, 5, 6, 7, 8, 9], limits), undefined);
  assert.match(measureInput([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], limits)?.message ?? '', /more than 10/);
  assert.match(
    measureInput({ a: [1, 2, 3], b: [1, 2, 3], c: [1, 2, 3] }, limits)?.message ?? '',
    /more than 10/,
  );
});

test('a hundred thousand levels are measured without going down them', () => {
  assert.match(measureInput(nested(100_000), limits)?.message ?? '', /deeper than 4/);
});
