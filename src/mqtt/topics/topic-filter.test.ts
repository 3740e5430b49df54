import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatTopicFilter, hasWildcard, matchesTopicFilter, parseTopicFilter } from './topic-filter.ts';
import { TopicFault } from './topic-name.ts';

const LEVELS = 128;
/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

function faultOf(text: string): TopicFault | undefined {
  const parsed = parseTopicFilter(text, LEVELS);
  return parsed.ok ? undefined : parsed.failure;
}

/** The rules of section 4.7 read in the plainest way: level by level, with lists. */
function matchesByLists(filter: readonly string[], name: readonly string[], isFirst = true): boolean {
  const [level, ...rest] = filter;
  const [text, ...below] = name;
  if (level === undefined) return text === undefined;
  const isHidden = isFirst && text?.startsWith('$') === true;
  if (level === '#') return !isHidden;
  if (text === undefined) return false;
  if (level === '+' ? isHidden : level !== text) return false;
  return matchesByLists(rest, below, false);
}

describe('parseTopicFilter', () => {
  it('takes a Shared Subscription apart, and formatTopicFilter puts it together', () => {
    for (const [text, shareName, topicFilter] of [
      ['$share/g/a/+/#', 'g', 'a/+/#'],
      ['$share/g//', 'g', '/'],
      ['$share/g/$share/h/a', 'g', '$share/h/a'],
      ['$share', undefined, '$share'],
      ['$shared/g/a', undefined, '$shared/g/a'],
      ['/$share/g/a', undefined, '/$share/g/a'],
    ] as const) {
      const filter = { shareName, topicFilter };
      assert.deepEqual(parseTopicFilter(text, LEVELS), { ok: true, value: filter });
      assert.equal(formatTopicFilter(filter), text);
    }
  });

  it('names what is wrong', () => {
    for (const text of ['a#', '#/a', 'a/#/b', '+a', 'a+', 'a/b+/c', '##', '++', '$share/g/a#'])
      assert.equal(faultOf(text), TopicFault.Wildcard, text);
    for (const text of ['$share/', '$share/g', '$share/g/', '$share//a', '$share/g+/a', '$share/#/a'])
      assert.equal(faultOf(text), TopicFault.ShareName, text);
    assert.equal(faultOf(''), TopicFault.Empty);
    assert.equal(faultOf('a/\0'), TopicFault.NullCharacter);
    assert.equal(faultOf('a/\udc00'), TopicFault.NotUtf8);
    assert.equal(faultOf('a'.repeat(65_536)), TopicFault.TooLong);
  });

  it('counts the levels of the filter alone', () => {
    assert.ok(parseTopicFilter('$share/g/a/b', 2).ok);
    assert.ok(!parseTopicFilter('$share/g/a/b/#', 2).ok);
  });
});

describe('hasWildcard', () => {
  it('sees wildcards and nothing else', () => {
    const told = ['a', '+', '#', 'a/+', 'a/#', '$x/+/b', '/'].map((topicFilter) =>
      hasWildcard({ shareName: undefined, topicFilter }),
    );
    assert.deepEqual(told, [false, true, true, true, true, true, false]);
  });
});

describe('matchesTopicFilter', () => {
  it(`is what the rules say level by level (seed ${seed})`, () => {
    const nameLevel = fc.constantFrom('', 'a', 'b', 'ab', '$', '$a');
    const level = fc.constantFrom('', 'a', 'b', 'ab', '$', '$a', '+', '+', '#');
    const names = fc.array(nameLevel, { minLength: 1, maxLength: 5 }).filter((all) => all.join('/') !== '');
    const filters = fc
      .array(level, { minLength: 1, maxLength: 5 })
      .map((all) => (all.includes('#') ? all.slice(0, all.indexOf('#') + 1) : all))
      .filter((all) => all.join('/') !== '');
    fc.assert(
      fc.property(filters, names, (filter, name) => {
        assert.equal(matchesTopicFilter(filter.join('/'), name.join('/')), matchesByLists(filter, name));
      }),
      { seed, numRuns: 20_000 },
    );
  });
});
