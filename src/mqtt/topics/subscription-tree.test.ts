import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { SubscriptionOptions } from './subscription-match.ts';
import { SubscriptionTree, type TopicMatches } from './subscription-tree.ts';
import { matchesTopicFilter, parseTopicFilter, type TopicFilter } from './topic-filter.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

const PLAIN: SubscriptionOptions = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

const ascending = (a: number, b: number): number => a - b;

function filterOf(text: string): TopicFilter {
  const parsed = parseTopicFilter(text, 65_536);
  assert.ok(parsed.ok, text);
  return parsed.value;
}

function treeOf(
  ...subscriptions: [string, string, Partial<SubscriptionOptions>?][]
): SubscriptionTree<string> {
  const tree = new SubscriptionTree<string>();
  for (const [subscriber, filter, options] of subscriptions)
    tree.add(subscriber, filterOf(filter), { ...PLAIN, ...options });
  return tree;
}

function subscribersOf(tree: SubscriptionTree<string>, topicName: string): string {
  return tree
    .match(topicName)
    .subscribers.map(({ subscriber }) => subscriber)
    .sort()
    .join('');
}

describe('SubscriptionTree', () => {
  it('finds exact, +, # and parent', () => {
    const tree = treeOf(['a', 'x/y'], ['b', 'x/+'], ['c', 'x/#'], ['d', '#'], ['e', '+/y'], ['f', '+/+/z']);
    assert.equal(subscribersOf(tree, 'x/y'), 'abcde');
    assert.equal(subscribersOf(tree, 'x'), 'cd');
    assert.equal(subscribersOf(tree, 'x/y/z'), 'cdf');
    assert.equal(subscribersOf(tree, '/y'), 'de');
    assert.equal(subscribersOf(tree, '$x/y'), '');
  });

  it('makes one entry of overlapping subscriptions', () => {
    const tree = treeOf(
      ['a', 'x/y', { qos: 0, subscriptionIdentifier: 7, retainAsPublished: true }],
      ['a', 'x/+', { qos: 2, subscriptionIdentifier: 9, retainAsPublished: true }],
      ['a', 'x/#', { qos: 1, subscriptionIdentifier: 7, retainAsPublished: false }],
      ['a', '#', { qos: 1 }],
    );
    const [match, ...others] = tree.match('x/y').subscribers;
    assert.equal(others.length, 0);
    assert.equal(match?.qos, 2);
    assert.deepEqual(match?.subscriptionIdentifiers.toSorted(ascending), [7, 7, 9]);
    assert.equal(match?.retainAsPublished, false);
    assert.equal(match?.ownMessages, undefined);
  });

  it('notes a change when a match could change, and only then', () => {
    const tree = treeOf(['a', 'x', { qos: 1, subscriptionIdentifier: 3 }]);
    const { generation } = tree.changes;
    tree.add('a', filterOf('x'), { ...PLAIN, qos: 1, subscriptionIdentifier: 3, retainHandling: 2 });
    assert.ok(!tree.remove('a', filterOf('y')) && !tree.remove('b', filterOf('x')));
    assert.equal(tree.changes.generation, generation);
    const before = tree.match('x').subscribers[0];
    assert.ok(!tree.add('a', filterOf('x'), { ...PLAIN, qos: 2 }));
    assert.ok(tree.changes.generation > generation);
    assert.equal(before?.qos, 1, 'results that were given stay as they were');
    assert.equal(tree.match('x').subscribers[0]?.qos, 2);
    assert.equal(tree.size, 1);
  });

  it('keeps shared groups by share name and filter', () => {
    const tree = treeOf(
      ['a', '$share/g/x/#'],
      ['b', '$share/g/x/#'],
      ['a', '$share/h/x/#'],
      ['a', '$share/g/x'],
    );
    const { subscribers, sharedGroups } = tree.match('x');
    assert.equal(subscribers.length, 0);
    for (const group of sharedGroups) assert.equal(tree.sharedGroup(group), group);
    assert.equal(tree.sharedGroup({ shareName: 'h', topicFilter: 'x' }), undefined);
    assert.equal(tree.sharedGroup({ shareName: 'g', topicFilter: 'y' }), undefined);
    const names = sharedGroups.map(
      ({ shareName, topicFilter, size }) => `${shareName} ${topicFilter} ${size}`,
    );
    assert.deepEqual(names.sort(), ['g x 1', 'g x/# 2', 'h x/# 1']);
    assert.ok(tree.remove('a', filterOf('$share/g/x/#')));
    assert.ok(!tree.remove('a', filterOf('x/#')), 'an ordinary subscription is another one');
    assert.equal(tree.removeSubscriber('a'), 2);
    assert.deepEqual(
      tree.match('x/1').sharedGroups.map(({ size }) => size),
      [1],
    );
  });

  it('tells whether a subscriber has a subscription', () => {
    const tree = treeOf(['a', 'x/+/#', PLAIN], ['a', '$share/g//y']);
    assert.ok(tree.has('a', filterOf('x/+/#')) && !tree.has('a', filterOf('x/+')));
  });

  it('walks the deepest topic there can be', () => {
    const tree = treeOf(
      ['a', '/'.repeat(65_534)],
      ['b', `${'+/'.repeat(32_766)}+`],
      ['c', '/#'],
      ['d', '+/#'],
    );
    assert.equal(subscribersOf(tree, '/'.repeat(65_534)), 'acd');
    assert.equal(subscribersOf(tree, '/'.repeat(32_766)), 'bcd');
    for (const name of 'abcd') tree.removeSubscriber(name);
    assert.equal(tree.nodeCount, 1);
  });

  it('visits every way through + and text', () => {
    const tree = new SubscriptionTree<number>();
    for (let ways = 0; ways < 256; ways++) {
      const levels = Array.from({ length: 8 }, (_, bit) => ((ways >> bit) & 1 ? '+' : 'a'));
      tree.add(ways, filterOf(levels.join('/')), PLAIN);
    }
    assert.equal(tree.match('a/a/a/a/a/a/a/a').subscribers.length, 256);
    assert.equal(tree.match('b/a/a/a/a/a/a/a').subscribers.length, 128);
  });

  it('keeps nothing of what has gone', () => {
    const tree = new SubscriptionTree<object>();
    const subscribers = Array.from({ length: 200 }, () => ({}));
    for (let round = 0; round < 3; round++) {
      for (const [index, subscriber] of subscribers.entries()) {
        for (const filter of [`r${round}/d${index}/+`, `r${round}/#`, `$share/g${index}/r${round}/s`])
          tree.add(subscriber, filterOf(filter), PLAIN);
      }
      assert.equal(tree.size, 600);
      for (const subscriber of subscribers) assert.equal(tree.removeSubscriber(subscriber), 3);
      assert.deepEqual([tree.size, tree.subscriberCount, tree.nodeCount], [0, 0, 1]);
    }
  });
});

type Entry = { readonly subscriber: string; readonly text: string; readonly options: SubscriptionOptions };

const textLevel = fc.constantFrom('', 'a', 'b', '$s');
const filters = fc
  .tuple(fc.array(fc.oneof(textLevel, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')
  .chain((text) => fc.constantFrom(text, text, text, `$share/g/${text}`, `$share/h/${text}`));
const options = fc.record({
  qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  retainHandling: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  subscriptionIdentifier: fc.integer({ min: 0, max: 3 }),
});
const steps = fc.array(
  fc.record({
    act: fc.constantFrom('add', 'add', 'add', 'remove', 'removeSubscriber'),
    subscriber: fc.constantFrom('u', 'v', 'w'),
    text: filters,
    options,
  }),
  { maxLength: 40 },
);
const topics = fc
  .array(textLevel, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((text) => text !== '');

/** What the standard asks of one copy, made from a list of all subscriptions. */
function expectedOf(list: readonly Entry[], topicName: string): Record<string, unknown> {
  const expected: Record<string, unknown> = {};
  for (const subscriber of new Set(list.map((entry) => entry.subscriber))) {
    const own = list.filter((entry) => entry.subscriber === subscriber);
    const matching = own.filter(
      ({ text }) => filterOf(text).shareName === undefined && matchesTopicFilter(text, topicName),
    );
    if (matching.length === 0) continue;
    const local = matching.filter((entry) => !entry.options.noLocal);
    expected[subscriber] = { others: copyOf(matching), own: local.length === 0 ? 'none' : copyOf(local) };
  }
  return expected;
}

function copyOf(matching: readonly Entry[]): unknown {
  const all = matching.map((entry) => entry.options);
  return {
    qos: Math.max(...all.map(({ qos }) => qos)),
    retainAsPublished: all.every(({ retainAsPublished }) => retainAsPublished),
    identifiers: all
      .map((each) => each.subscriptionIdentifier)
      .filter((id) => id > 0)
      .sort(ascending),
  };
}

function foundIn({ subscribers }: TopicMatches<string>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const match of subscribers) {
    const [others, own] = [match, match.ownMessages ?? match].map((each) => ({
      qos: each.qos,
      retainAsPublished: each.retainAsPublished,
      identifiers: each.subscriptionIdentifiers.toSorted(ascending),
    }));
    found[match.subscriber] = { others, own: match.noLocal ? 'none' : own };
  }
  return found;
}

describe('SubscriptionTree against a list', () => {
  it(`gives the same after any changes (seed ${seed})`, () => {
    fc.assert(
      fc.property(steps, fc.array(topics, { minLength: 1, maxLength: 8 }), (changes, names) => {
        const tree = new SubscriptionTree<string>();
        const list = new Map<string, Entry>();
        for (const { act, subscriber, text, options } of changes) {
          const key = `${subscriber} ${text}`;
          if (act === 'add') {
            assert.equal(tree.add(subscriber, filterOf(text), options), !list.has(key));
            list.set(key, { subscriber, text, options });
          } else if (act === 'remove') {
            assert.equal(tree.remove(subscriber, filterOf(text)), list.delete(key));
          } else {
            const gone = [...list].filter(([, entry]) => entry.subscriber === subscriber);
            for (const [each] of gone) list.delete(each);
            assert.equal(tree.removeSubscriber(subscriber), gone.length);
          }
        }
        const entries = [...list.values()];
        assert.equal(tree.size, entries.length);
        for (const name of names) {
          const matches = tree.match(name);
          assert.deepEqual(foundIn(matches), expectedOf(entries, name));
          const groups = entries.flatMap(({ text }) => {
            const { shareName, topicFilter } = filterOf(text);
            return shareName !== undefined && matchesTopicFilter(topicFilter, name) ? [text] : [];
          });
          assert.deepEqual(
            matches.sharedGroups.map((group) => `$share/${group.shareName}/${group.topicFilter}`).sort(),
            [...new Set(groups)].sort(),
          );
        }
        for (const name of 'uvw') tree.removeSubscriber(name);
        assert.equal(tree.nodeCount, 1);
      }),
      { seed, numRuns: 2000 },
    );
  });
});
