import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeeperThan, MAX_JSON_DEPTH, parseJson } from './json.ts';

const nest = (depth: number): string => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2);

test('what is nested too deep is not JSON, and brackets in texts are no nesting', () => {
  assert.ok(parseJson(nest(MAX_JSON_DEPTH)) !== undefined);
  assert.equal(parseJson(nest(MAX_JSON_DEPTH + 2)), undefined);
  const text = String.raw`[{\"\\`.repeat(MAX_JSON_DEPTH);
  assert.deepEqual(parseJson(JSON.stringify([text, [text]])), [text, [text]]);
});

test('it is deeper than one level less, and not than its own', () => {
  for (const depth of [2, 10, 64])
    assert.deepEqual([isDeeperThan(nest(depth), depth - 1), isDeeperThan(nest(depth), depth)], [true, false]);
  assert.equal(isDeeperThan('[],'.repeat(100), 1), false);
});
