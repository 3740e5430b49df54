import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { matchesTopicFilter } from '../topics/topic-filter.ts';
import { covers, overlaps } from './filter-relations.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);
const MAX_LEVELS = 3;

/** Every Topic Name of up to one level more than the filters have, from the words of the filters and one more. */
const NAMES = enumerateNames(['', 'a', '$a', 'other'], MAX_LEVELS + 1);

function enumerateNames(words: readonly string[], maxLevels: number): string[] {
  let last = [...words];
  const all = [...last];
  for (let levels = 2; levels <= maxLevels; levels++) {
    last = last.flatMap((name) => words.map((word) => `${name}/${word}`));
    all.push(...last);
  }
  return all.filter((name) => name !== '');
}

const filters = fc
  .tuple(
    fc.array(fc.constantFrom('', 'a', '$a', '+'), { maxLength: MAX_LEVELS }),
    fc.constantFrom<string[]>([], ['#']),
  )
  .map((parts) => parts.flat().join('/'))
  .filter((filter) => filter !== '');

describe('overlaps', () => {
  it(`is what trying all names says (seed ${seed})`, () => {
    fc.assert(
      fc.property(filters, filters, (one, other) => {
        const expected = NAMES.some(
          (name) => matchesTopicFilter(one, name) && matchesTopicFilter(other, name),
        );
        assert.equal(overlaps(one, other), expected, `${one} and ${other}`);
        assert.equal(overlaps(other, one), expected, `${other} and ${one}`);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it('keeps wildcards at the start away from $', () => {
    assert.deepEqual(
      [
        overlaps('#', '$SYS/#'),
        overlaps('+/a', '$SYS/a'),
        overlaps('$SYS/#', '$SYS/+/x'),
        overlaps('#', '+'),
      ],
      [false, false, true, true],
    );
  });
});

describe('covers', () => {
  it(`is never said of a filter that matches more (seed ${seed})`, () => {
    let said = 0;
    fc.assert(
      fc.property(filters, filters, (wide, narrow) => {
        if (!covers(wide, narrow)) return;
        said++;
        const beyond = NAMES.find(
          (name) => matchesTopicFilter(narrow, name) && !matchesTopicFilter(wide, name),
        );
        assert.equal(beyond, undefined, `${wide} covers ${narrow}`);
      }),
      { seed, numRuns: 2000 },
    );
    assert.ok(said > 100);
  });

  it('is said of each filter about itself, and of every name that it matches', () => {
    fc.assert(
      fc.property(filters, fc.constantFrom(...NAMES), (filter, name) => {
        assert.ok(covers(filter, filter));
        assert.equal(covers(filter, name), matchesTopicFilter(filter, name));
      }),
      { seed },
    );
  });

  it('sees levels, the parent of # too', () => {
    for (const [wide, narrow] of [
      ['#', 'a/+/#'],
      ['a/#', 'a'],
      ['a/#', 'a/+'],
      ['+/b', 'a/b'],
      ['a/+/#', 'a/+'],
    ] as const)
      assert.ok(covers(wide, narrow), `${wide} ${narrow}`);
    for (const [wide, narrow] of [
      ['a/+', 'a/#'],
      ['a/b', 'a/+'],
      ['#', '$SYS/#'],
      ['a/+/#', 'a/#'],
      ['a', 'a/b'],
    ] as const)
      assert.ok(!covers(wide, narrow), `${wide} ${narrow}`);
  });
});
