import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MemberRank, SharedGroup } from './shared-group.ts';
import { makeMatch, type SubscriptionMatch } from './subscription-match.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);
const always = (): MemberRank => MemberRank.READY;

function memberOf(name: string, qos: 0 | 1 | 2 = 0): SubscriptionMatch<string> {
  const rest = { noLocal: false, retainAsPublished: false, subscriptionIdentifier: 0 } as const;
  return makeMatch(name, { qos, ...rest });
}

function groupOf(names: string): SharedGroup<string> {
  const group = new SharedGroup<string>({ shareName: 'g', topicFilter: 't' });
  for (const name of names) group.set(memberOf(name));
  return group;
}

function choose(group: SharedGroup<string>, count: number, canTake = always): string {
  return Array.from({ length: count }, () => group.choose(canTake, 't')?.subscriber ?? '-').join('');
}

describe('SharedGroup', () => {
  it('takes its members in turn', () => {
    assert.equal(choose(groupOf('abc'), 7), 'abcabca');
    assert.equal(choose(groupOf('a'), 2), 'aa');
    assert.equal(choose(groupOf(''), 1), '-');
  });

  it('passes over members that cannot take a message', () => {
    const group = groupOf('abc');
    const canTake = (match: SubscriptionMatch<string>): MemberRank =>
      match.subscriber === 'b' ? MemberRank.DENIED : MemberRank.READY;
    assert.equal(Array.from({ length: 4 }, () => group.choose(canTake, 't')?.subscriber).join(''), 'acac');
    assert.equal(choose(group, 3), 'abc');
    assert.equal(
      group.choose(() => MemberRank.DENIED, 't'),
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
    assert.equal(group.choose(always, 't')?.qos, 2);
    assert.equal(group.size, 2);
  });

  for (const rank of [MemberRank.DENIED, MemberRank.AWAY, MemberRank.BUSY]) {
    it(`lets nobody wait longer than one round, where others rank ${rank} (seed ${seed})`, () => {
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
          const rankOf = ({ subscriber }: SubscriptionMatch<string>): MemberRank =>
            blocked.has(subscriber) ? rank : MemberRank.READY;
          /** By member: choices it could have been, since it was. */
          const waited = new Map<string, number>();
          let largest = 0;
          for (const { do: act, name } of steps) {
            if (act === 'join') group.set(memberOf(name));
            if (act === 'join' && !waited.has(name)) waited.set(name, 0);
            if (act === 'leave') assert.equal(group.delete(name), waited.delete(name));
            if (act === 'toggle' && !blocked.delete(name)) blocked.add(name);
            if (act === 'toggle' && !blocked.has(name)) group.welcome(name);
            if (act === 'toggle' && waited.has(name)) waited.set(name, 0);
            largest = Math.max(largest, waited.size);
            assert.equal(group.size, waited.size);
            if (act !== 'choose') continue;
            const chosen = group.choose(rankOf, 't')?.subscriber;
            const able = [...waited.keys()].filter((member) => !blocked.has(member));
            if (able.length > 0) assert.ok(able.includes(chosen!));
            else assert.equal(chosen !== undefined, rank !== MemberRank.DENIED && waited.size > 0);
            for (const member of able) {
              waited.set(member, member === chosen ? 0 : (waited.get(member) ?? 0) + 1);
              assert.ok((waited.get(member) ?? 0) <= largest, `${member} waits`);
            }
          }
        }),
        { seed, numRuns: 1000 },
      );
    });
  }

  it('walks past those who are away once, and not for each message', () => {
    const group = new SharedGroup<string>({ shareName: 'g', topicFilter: 't' });
    for (let index = 0; index < 1000; index++) group.set(memberOf(`away ${index}`));
    group.set(memberOf('here'));
    let looks = 0;
    const rankOf = ({ subscriber }: SubscriptionMatch<string>): MemberRank => {
      looks++;
      return subscriber === 'here' ? MemberRank.READY : MemberRank.AWAY;
    };
    for (let count = 0; count < 100; count++) assert.equal(group.choose(rankOf, 't')?.subscriber, 'here');
    assert.equal(looks, 1001 + 99);
    assert.ok(group.delete('here'));
    looks = 0;
    const chosen = Array.from({ length: 1000 }, () => group.choose(rankOf, 't')?.subscriber);
    assert.equal(new Set(chosen).size, 1000);
    assert.equal(looks, 1000);
  });

  it('looks at 64 members at most for one that is ready, where one is there', () => {
    const group = new SharedGroup<string>({ shareName: 'g', topicFilter: 't' });
    for (let index = 0; index < 1000; index++) group.set(memberOf(`${index}`));
    let looks = 0;
    const rankOf = ({ subscriber }: SubscriptionMatch<string>): MemberRank => {
      looks++;
      return Number(subscriber) < 500 ? MemberRank.BUSY : MemberRank.READY;
    };
    assert.equal(group.choose(rankOf, 't')?.subscriber, '0');
    assert.equal(looks, 64);
    for (let count = 1; count < 437; count++) assert.equal(group.choose(rankOf, 't')?.subscriber, `${count}`);
    assert.equal(group.choose(rankOf, 't')?.subscriber, '500');
  });

  it('is whole after a member has left while it was asked', () => {
    for (const rank of Object.values(MemberRank)) {
      const group = groupOf('abc');
      const first = group.choose((match) => {
        if (match.subscriber === 'a') group.delete('a');
        return match.subscriber === 'a' ? rank : MemberRank.READY;
      }, 't');
      assert.equal(first?.subscriber, 'b');
      assert.equal(group.size, 2);
      assert.equal(choose(group, 3), 'cbc');
    }
  });

  it('finds the one that is ready, also when another was found to be away while it was asked', () => {
    const group = groupOf('abc');
    const isAway = new Set(['a', 'b']);
    const rankOf = ({ subscriber }: SubscriptionMatch<string>, topicName: string): MemberRank => {
      if (topicName === 'outer' && subscriber === 'a') group.choose(rankOf, 'inner');
      return isAway.has(subscriber) ? MemberRank.AWAY : MemberRank.READY;
    };
    assert.equal(group.choose(rankOf, 'outer')?.subscriber, 'c');
  });
});
