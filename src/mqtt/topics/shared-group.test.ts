import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SharedGroup } from './shared-group.ts';
import { makeMatch, type SubscriptionMatch } from './subscription-match.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);
const always = (): boolean => true;

function memberOf(name: string, qos: 0 | 1 | 2 = 0): SubscriptionMatch<string> {
  const rest = { noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 } as const;
  return makeMatch(name, { qos, retainHandling: 0, ...rest });
}

function groupOf(names: string): SharedGroup<string> {
  const group = new SharedGroup<string>({ shareName: 'g', topicFilter: 't' });
  for (const name of names) group.set(memberOf(name));
  return group;
}

function choose(group: SharedGroup<string>, count: number, canTake = always): string {
  return Array.from({ length: count }, () => group.choose(canTake)?.subscriber ?? '-').join('');
}

describe('SharedGroup', () => {
  it('takes its members in turn', () => {
    assert.equal(choose(groupOf('abc'), 7), 'abcabca');
    assert.equal(choose(groupOf('a'), 2), 'aa');
    assert.equal(choose(groupOf(''), 1), '-');
  });

  it('passes over members that cannot take a message', () => {
    const group = groupOf('abc');
    const canTake = (match: SubscriptionMatch<string>): boolean => match.subscriber !== 'b';
    assert.equal(Array.from({ length: 4 }, () => group.choose(canTake)?.subscriber).join(''), 'acac');
    assert.equal(choose(group, 3), 'abc');
    assert.equal(
      group.choose(() => false),
      undefined,
    );
  });

  it('keeps the order of turns while members come and go', () => {
    const group = groupOf('abc');
    assert.equal(choose(group, 1), 'a');
    group.set(memberOf('d')); // after a, which had its turn
    assert.equal(choose(group, 3), 'bca');
    assert.ok(group.delete('d')); // whose turn it was
    assert.equal(choose(group, 3), 'bca');
    assert.ok(!group.delete('d'));
    for (const name of 'abc') assert.ok(group.delete(name));
    assert.equal(group.size, 0);
    assert.equal(choose(group, 1), '-');
  });

  it('gives a member new options without moving its turn', () => {
    const group = groupOf('ab');
    group.set(memberOf('a', 2));
    assert.equal(group.choose(always)?.qos, 2);
    assert.equal(group.size, 2);
  });

  it(`lets nobody wait longer than one round (seed ${seed})`, () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('choose' as const), name: fc.constant('') }) },
      fc.record({
        do: fc.constantFrom('join', 'leave', 'toggle'),
        name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const group = new SharedGroup<string>({ shareName: 'g', topicFilter: 't' });
        const blocked = new Set<string>();
        /** By member: choices it could have been, since it was. */
        const waited = new Map<string, number>();
        let largest = 0;
        for (const { do: act, name } of steps) {
          if (act === 'join') group.set(memberOf(name));
          if (act === 'join' && !waited.has(name)) waited.set(name, 0);
          if (act === 'leave') assert.equal(group.delete(name), waited.delete(name));
          if (act === 'toggle' && !blocked.delete(name)) blocked.add(name);
          if (act === 'toggle' && waited.has(name)) waited.set(name, 0);
          largest = Math.max(largest, waited.size);
          if (act !== 'choose') continue;
          const chosen = group.choose((match) => !blocked.has(match.subscriber))?.subscriber;
          const able = [...waited.keys()].filter((member) => !blocked.has(member));
          assert.equal(chosen !== undefined && able.includes(chosen), able.length > 0);
          for (const member of able) {
            waited.set(member, member === chosen ? 0 : (waited.get(member) ?? 0) + 1);
            assert.ok((waited.get(member) ?? 0) <= largest, `${member} waits`);
          }
        }
      }),
      { seed, numRuns: 1000 },
    );
  });
});
