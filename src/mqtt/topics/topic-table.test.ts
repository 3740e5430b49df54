import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { KeptKind } from '../../base/kept-kinds.ts';
import { Ledger } from '../../base/ledger.ts';
import type { DenialCount } from './receive-verdicts.ts';
import type { SubscriptionOptions } from './subscription-match.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import { matchesTopicFilter, type TopicFilter } from './topic-filter.ts';
import { TopicFault } from './topic-name.ts';
import { TopicTable, type TopicEntry } from './topic-table.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

const PLAIN: SubscriptionOptions = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

type Setup = { readonly tree: SubscriptionTree<string>; readonly table: TopicTable<string> };

function setUp({ maxTopics = 100, maxMatches = 1000, ledger = new Ledger() } = {}): Setup {
  const tree = new SubscriptionTree<string>();
  return {
    tree,
    table: new TopicTable({
      subscriptions: tree,
      maxTopicLevels: 16,
      maxTopics,
      maxMatches,
      party: ledger.open(''),
    }),
  };
}

/** Resolves a topic that lies somewhere in a larger chunk, at any alignment. */
function resolve({ table }: Pick<Setup, 'table'>, topic: string | Buffer): TopicEntry<string> {
  const bytes = Buffer.from(topic);
  const before = bytes.length % 5;
  const chunk = Buffer.alloc(bytes.length + before + 3, 0x7a);
  bytes.copy(chunk, before);
  const entry = table.resolve(chunk, before, before + bytes.length);
  chunk.fill(0); // the table must have taken what it needs
  return entry;
}

function subscribe({ tree }: Setup, subscriber: string, topicFilter: string): void {
  tree.add(subscriber, { shareName: undefined, topicFilter }, PLAIN);
}

function subscribersOf(setup: Setup, entry: TopicEntry<string>): string {
  return setup.table
    .matches(entry)
    .subscribers.map(({ subscriber }) => subscriber)
    .sort()
    .join('');
}

describe('TopicTable', () => {
  it('makes a topic once', () => {
    const setup = setUp();
    for (const topic of ['a', 'ab', 'abc', 'abcd', 'abcde', 'site/ç/温度', '\uFEFFa', 'a'.repeat(1024)]) {
      const entry = resolve(setup, topic);
      assert.equal(entry.topicName, topic);
      assert.ok(entry.isValid);
      assert.equal(resolve(setup, topic), entry);
    }
    assert.equal(setup.table.size, 8);
  });

  it('says what is wrong with a topic, and does not keep it', () => {
    const setup = setUp();
    const faults: readonly (readonly [string | Buffer, TopicFault])[] = [
      [Buffer.from([0x61, 0xff]), TopicFault.NotUtf8],
      [Buffer.from([0xed, 0xa0, 0x80]), TopicFault.NotUtf8],
      ['', TopicFault.Empty],
      ['a/#', TopicFault.Wildcard],
      ['a\0', TopicFault.NullCharacter],
      ['/'.repeat(16), TopicFault.TooManyLevels],
    ];
    for (const [topic, fault] of faults) assert.equal(resolve(setup, topic).fault, fault);
    assert.equal(resolve(setup, '+').fault, TopicFault.Wildcard);
    assert.equal(setup.table.size, 0);
  });

  it('follows the subscriptions', () => {
    const setup = setUp();
    const entry = resolve(setup, 'x/y');
    assert.equal(subscribersOf(setup, entry), '');
    subscribe(setup, 'a', 'x/+');
    const first = setup.table.matches(entry);
    assert.equal(setup.table.matches(entry), first);
    subscribe(setup, 'b', 'x/#');
    assert.equal(subscribersOf(setup, entry).length, 2);
    assert.equal(first.subscribers.length, 1, 'a delivery that goes through it is not disturbed');
    setup.tree.removeSubscriber('a');
    assert.equal(subscribersOf(setup, resolve(setup, 'x/y')), 'b');
  });

  it('lets go of subscribers that are gone', () => {
    const setup = setUp();
    subscribe(setup, 'a', '#');
    const entry = resolve(setup, 'x');
    assert.equal(subscribersOf(setup, entry), 'a');
    setup.tree.removeSubscriber('a');
    assert.equal(setup.table.matchCount, 1);
    setup.table.forgetOldMatches();
    assert.equal(setup.table.matchCount, 0);
    assert.equal(entry.matches.subscribers.length, 0);
  });

  it('keeps the topics that come again, whatever else comes', () => {
    const setup = setUp({ maxTopics: 50 });
    const hot = Array.from({ length: 10 }, (_, index) => resolve(setup, `hot/${index}`));
    for (let flood = 0; flood < 5000; flood++) {
      resolve(setup, `flood/${flood}`);
      if (flood % 20 === 0) for (const { topicName } of hot) resolve(setup, topicName);
    }
    assert.equal(setup.table.size, 50);
    for (const entry of hot) assert.equal(resolve(setup, entry.topicName), entry);
  });

  it('is right for an entry that it no longer keeps', () => {
    const setup = setUp({ maxTopics: 1 });
    subscribe(setup, 'a', 'x');
    const entry = resolve(setup, 'x');
    assert.equal(subscribersOf(setup, entry), 'a');
    resolve(setup, 'y');
    assert.notEqual(resolve(setup, 'x'), entry);
    subscribe(setup, 'b', 'x');
    assert.equal(subscribersOf(setup, entry).length, 2);
    assert.equal(setup.table.matchCount, 0, 'what is not kept does not count');
  });

  it('does not keep topics longer than 1024 bytes', () => {
    const setup = setUp();
    subscribe(setup, 'a', '+');
    const topic = 'a'.repeat(1025);
    const entry = resolve(setup, topic);
    assert.deepEqual([entry.topicName, subscribersOf(setup, entry)], [topic, 'a']);
    assert.notEqual(resolve(setup, topic), entry);
    assert.equal(setup.table.size, 0);
  });

  it('bounds the matches of all topics together', () => {
    const setup = setUp({ maxMatches: 25 });
    for (const name of 'abcdefghij') subscribe(setup, name, '#');
    for (let topic = 0; topic < 100; topic++) {
      assert.equal(subscribersOf(setup, resolve(setup, `x/${topic % 7}`)).length, 10);
      assert.ok(setup.table.matchCount <= 25);
    }
    for (let index = 0; index < 20; index++) subscribe(setup, `k${index}`, '#');
    setup.table.forgetOldMatches();
    assert.equal(setup.table.matches(resolve(setup, 'x/1')).subscribers.length, 30);
    assert.equal(setup.table.matchCount, 0, 'more than may be kept at all');
  });

  it('books what it keeps, and without room is right all the same', () => {
    const ledger = new Ledger({ limits: { [KeptKind.TOPIC]: 40_000 } });
    const setup = setUp({ ledger });
    for (const name of 'abcdefghij') subscribe(setup, name, '#');
    for (let topic = 0; topic < 200; topic++) {
      assert.equal(subscribersOf(setup, resolve(setup, `x/${topic}`.padEnd(400))).length, 10);
      assert.equal(subscribersOf(setup, resolve(setup, 'hot')).length, 10);
      const { bytes, count } = ledger.totals()[KeptKind.TOPIC]!;
      assert.ok(bytes <= 20_000 && count === setup.table.size, `${count} topics, ${bytes} bytes`);
    }
    assert.ok(setup.table.size > 10);
  });

  it('counts what overlapping subscriptions make together', () => {
    const setup = setUp({ maxMatches: 1000 });
    const filters = ['#', 'a/#', 'a/+', '+/b', '+/+', 'a/b', '+/#'];
    for (const [index, topicFilter] of filters.entries()) {
      const filter = { shareName: undefined, topicFilter };
      setup.tree.add('s', filter, { ...PLAIN, subscriptionIdentifier: index + 1 });
    }
    assert.equal(subscribersOf(setup, resolve(setup, 'a/b')), 's');
    assert.ok(setup.table.matchCount > filters.length, `${setup.table.matchCount}`);
  });

  it(`knows what a Map would know, at any size (seed ${seed})`, () => {
    const topic = fc.oneof(
      fc.integer({ min: 0, max: 40 }).map((number) => `t${number}`),
      fc.integer({ min: 1, max: 12 }).map((length) => 'abcdabcdabcd'.slice(0, length)),
      fc.string({ minLength: 1, maxLength: 9, unit: 'binary' }).filter((text) => !/[+#\0]/.test(text)),
    );
    const step = fc.record({ topic, change: fc.integer({ min: 0, max: 9 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 12 }),
        fc.array(step, { maxLength: 150 }),
        (maxTopics, maxMatches, steps) => {
          const setup = setUp({ maxTopics, maxMatches });
          const exact = new Map<string, Set<string>>();
          for (const { topic, change } of steps) {
            const known = exact.get(topic) ?? new Set();
            exact.set(topic, known);
            if (change === 0) setup.tree.removeSubscriber('a');
            if (change === 0) for (const set of exact.values()) set.delete('a');
            const subscriber = ['', 'a', 'b', 'c'][change];
            if (subscriber !== undefined && subscriber !== '') {
              subscribe(setup, subscriber, topic);
              known.add(subscriber);
            }
            const entry = resolve(setup, topic);
            assert.equal(entry.topicName, topic);
            assert.equal(subscribersOf(setup, entry), [...known].sort().join(''));
            assert.ok(setup.table.size <= maxTopics && setup.table.matchCount <= maxMatches);
          }
        },
      ),
      { seed, numRuns: 500 },
    );
  });
});

type Change = {
  readonly act: 'add' | 'remove' | 'leave' | 'forget' | 'forget all' | 'sweep';
  readonly subscriber: string;
  readonly filter: TopicFilter;
  readonly topic: string;
};

const level = fc.constantFrom('a', 'b', '');
const filter = fc
  .tuple(fc.array(fc.oneof(level, level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')
  .map((topicFilter) => ({ shareName: undefined, topicFilter }));
const change: fc.Arbitrary<Change> = fc.record({
  act: fc.constantFrom('add', 'add', 'add', 'remove', 'remove', 'leave', 'forget', 'forget all', 'sweep'),
  subscriber: fc.constantFrom('u', 'v', 'w', 'x', 'y', 'z'),
  filter,
  topic: fc
    .array(level, { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join('/'))
    .filter((text) => text !== ''),
});

/** A table, and a list beside it that knows what must come of it. */
class TableModel {
  readonly tree = new SubscriptionTree<string>();
  /** Denies in each state of the world other topics to other subscribers. */
  readonly #state = new Map<string, number>();
  readonly #asked = new Set<string>();
  readonly #filters = new Map<string, Set<string>>();
  readonly #denials = [0, 1, 2, 3].map(() => ({ count: 0 }));
  /** By topic: who got a verdict when the topic was matched last. */
  readonly #decided = new Map<string, Set<string>>();
  readonly table = new TopicTable({
    subscriptions: this.tree,
    maxTopicLevels: 16,
    maxTopics: 1000,
    maxMatches: 10_000,
    party: new Ledger().open(''),
    denialOf: (subscriber, topicName) => {
      this.#asked.add(subscriber);
      return this.#isAllowed(subscriber, topicName) ? undefined : this.#denialOf(subscriber);
    },
  });

  apply({ act, subscriber, filter }: Change): void {
    const own = this.#filters.get(subscriber) ?? new Set();
    this.#filters.set(subscriber, own);
    if (act === 'add') this.tree.add(subscriber, filter, PLAIN);
    if (act === 'add') own.add(filter.topicFilter);
    if (act === 'remove') assert.equal(this.tree.remove(subscriber, filter), own.delete(filter.topicFilter));
    if (act === 'leave') assert.equal(this.tree.removeSubscriber(subscriber), own.size);
    if (act === 'leave') own.clear();
    if (act === 'sweep') this.table.forgetOldMatches();
    if (act !== 'forget' && act !== 'forget all') return;
    for (const name of act === 'forget' ? [subscriber] : 'uvwxyz') {
      this.#state.set(name, (this.#state.get(name) ?? 0) + 1);
      for (const decided of this.#decided.values()) decided.delete(name);
    }
    if (act === 'forget') this.tree.forgetVerdicts(subscriber);
    else this.tree.changes.noteAll();
  }

  check(topic: string, keepsVerdicts: boolean): void {
    const matching = [...this.#filters]
      .filter(([, filters]) => [...filters].some((text) => matchesTopicFilter(text, topic)))
      .map(([subscriber]) => subscriber);
    this.#asked.clear();
    const found = this.table.matches(resolve(this, topic));
    const names = found.subscribers.map(({ subscriber }) => subscriber).sort();
    assert.deepEqual(names, matching.filter((name) => this.#isAllowed(name, topic)).sort());
    const denied = matching.filter((name) => !this.#isAllowed(name, topic));
    const counted = new Map(found.denials.map(({ denial, times }) => [denial, times]));
    for (const name of denied)
      assert.equal(
        counted.get(this.#denialOf(name)),
        denied.filter((other) => this.#denialOf(other) === this.#denialOf(name)).length,
      );
    assert.equal(counted.size, new Set(denied.map((name) => this.#denialOf(name))).size);
    const decided = this.#decided.get(topic) ?? new Set();
    if (keepsVerdicts)
      assert.deepEqual(
        [...this.#asked].filter((name) => decided.has(name)),
        [],
        'asked about once more',
      );
    this.#decided.set(topic, new Set(matching));
  }

  /** Two subscribers have one rule. */
  #denialOf(subscriber: string): DenialCount {
    return this.#denials[(subscriber.charCodeAt(0) >> 1) & 3]!;
  }

  #isAllowed(subscriber: string, topicName: string): boolean {
    const state = this.#state.get(subscriber) ?? 0;
    return (subscriber.charCodeAt(0) + topicName.length + state) % 3 !== 0;
  }
}

describe('TopicTable while others subscribe, against a list', () => {
  const churn = fc.array(change, { maxLength: 120 });
  it(`is right after any changes, and asks once (seed ${seed})`, () => {
    fc.assert(
      fc.property(churn, fc.integer({ min: 1, max: 50 }), (changes, checkEvery) => {
        const model = new TableModel();
        const keepsVerdicts = !changes.some(({ act }) => act === 'sweep');
        for (const [index, each] of changes.entries()) {
          model.apply(each);
          if (index % checkEvery === 0) model.check(each.topic, keepsVerdicts);
        }
        for (const { topic } of changes) model.check(topic, keepsVerdicts);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it('does not match anew what a change has nothing to do with', () => {
    const meter = { work: 0 };
    const tree = new SubscriptionTree<string>(meter);
    const table = new TopicTable({
      subscriptions: tree,
      maxTopicLevels: 16,
      maxTopics: 9,
      maxMatches: 99,
      party: new Ledger().open(''),
    });
    tree.add('a', { shareName: undefined, topicFilter: 'site/#' }, PLAIN);
    const entry = resolve({ table }, 'site/1/speed');
    const before = table.matches(entry);
    const others = ['site/2/speed', 'site/+/heat', 'other/#', '+/2/#', 'site/1'];
    for (let round = 0; round < 100; round++) {
      for (const topicFilter of others) tree.add('b', { shareName: 'g', topicFilter }, PLAIN);
      tree.removeSubscriber('b');
      const { work } = meter;
      assert.equal(table.matches(entry), before);
      assert.equal(meter.work, work);
    }
    tree.add('b', { shareName: 'g', topicFilter: '+/1/#' }, PLAIN);
    const after = table.matches(entry);
    assert.equal(after.sharedGroups.length, 1);
    tree.add('c', { shareName: 'g', topicFilter: '+/1/#' }, PLAIN);
    assert.equal(table.matches(entry), after, 'a group is the same with one more member');
    assert.equal(after.sharedGroups[0]?.size, 2);
  });
});
