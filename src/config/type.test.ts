import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Type as TypeBox } from 'typebox';
import { Check } from 'typebox/schema';
import { findMisfits } from './find-misfits.ts';
import { Type } from './type.ts';

/** One schema with every word that there is. */
const build = (words: typeof Type) =>
  words.Object(
    {
      text: words.String({ minLength: 2, maxLength: 4, pattern: '^[a-z]*$' }),
      whole: words.Optional(words.Integer({ minimum: 1, maximum: 9, description: 'A digit' })),
      number: words.Optional(words.Number()),
      yes: words.Optional(words.Boolean({ default: true })),
      choice: words.Optional(words.Enum(['a', 'b'], { default: 'a' })),
      list: words.Optional(words.Array(words.String(), { maxItems: 2, minItems: 1 })),
      map: words.Optional(
        words.Record(words.String({ pattern: '^[a-z]$' }), words.Integer(), {
          additionalProperties: false,
          maxProperties: 2,
        }),
      ),
      none: words.Optional(words.Null()),
      any: words.Optional(words.Unknown({ description: 'Whatever it is' })),
      own: words.Optional(words.Unsafe<string>({ type: 'string' })),
    },
    { additionalProperties: false },
  );

const VALUES: readonly unknown[] = [
  undefined,
  null,
  1,
  'text',
  [],
  {},
  ...['', 'a', 'ab', 'abcd', 'abcde', 'AB', 7, null].map((text) => ({ text })),
  ...[0, 1, 9, 10, 1.5, '1', Number.NaN].map((whole) => ({ text: 'ab', whole })),
  ...[1.5, Number.POSITIVE_INFINITY, '1'].map((number) => ({ text: 'ab', number })),
  ...[true, 'true', 0].map((yes) => ({ text: 'ab', yes })),
  ...['a', 'c', 1].map((choice) => ({ text: 'ab', choice })),
  ...[[], ['a'], [1], ['a', 'b', 'c'], {}].map((list) => ({ text: 'ab', list })),
  ...[{}, { a: 1 }, { a: 'x' }, { ab: 1 }, { a: 1, b: 2, c: 3 }, []].map((map) => ({ text: 'ab', map })),
  ...[null, 0].map((none) => ({ text: 'ab', none })),
  ...['own', 1].map((own) => ({ text: 'ab', own })),
  { text: 'ab', any: { at: ['all'] } },
  { text: 'ab', more: 1 },
  JSON.parse('{"text":"ab","__proto__":{},"constructor":1}'),
];

describe('Type', () => {
  it('writes the JSON Schema that TypeBox writes', () => {
    assert.equal(JSON.stringify(build(Type)), JSON.stringify(build(TypeBox)));
    const both = [Type, TypeBox].map((words) => words.Union([words.String(), words.Null()]));
    assert.equal(JSON.stringify(both[0]), JSON.stringify(both[1]));
  });
});

describe('findMisfits', () => {
  for (const value of VALUES)
    it(`judges as TypeBox does: ${JSON.stringify(value)}`, () => {
      assert.equal(findMisfits(build(Type), value).length === 0, Check(build(TypeBox), value));
    });

  it('leads to what does not fit', () => {
    const found = findMisfits(build(Type), { text: 'ab', list: ['a', 1], map: { a: null }, x: 1, y: 2 });
    assert.deepEqual(found, [
      { steps: [], message: 'has members that are not known: x, y', unknown: ['x', 'y'] },
      { steps: ['list', '1'], message: 'must be string' },
      { steps: ['map', 'a'], message: 'must be integer' },
    ]);
  });
});
