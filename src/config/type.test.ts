import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Type as TypeBox } from 'typebox';
import { Type } from './type.ts';

/** A schema with every word that there is. */
const build = (words: typeof Type) =>
  words.Object(
    {
      text: words.String({ minLength: 2, maxLength: 4, pattern: '^[a-z]*$' }),
      whole: words.Optional(words.Integer({ minimum: 1, description: 'A digit' })),
      number: words.Number(),
      yes: words.Boolean({ default: true }),
      choice: words.Enum(['a', 'b'], { default: 'a' }),
      list: words.Array(words.String(), { maxItems: 2 }),
      map: words.Record(words.String({ pattern: '^[a-z]$' }), words.Integer(), {
        additionalProperties: false,
      }),
      either: words.Union([words.Null(), words.Object({ none: words.Optional(words.Null()) })]),
      any: words.Unknown({ description: 'Whatever it is' }),
      own: words.Unsafe<string>({ type: 'string' }),
    },
    { additionalProperties: false },
  );

it('Type writes the JSON Schema that TypeBox writes', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(build(Type))), JSON.parse(JSON.stringify(build(TypeBox))));
});
