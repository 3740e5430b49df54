import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { RetainedMatches } from './retained-matches.ts';
import { RetainedMessages, Retention } from './retained-messages.ts';
import { matchesTopicFilter } from './topic-filter.ts';

/** `PROPERTY_SEED=…` repeats a run. */
const seed = Number(process.env['PROPERTY_SEED'] ?? 20_261_122);

const clock = { nowMs: 0 };

function makeStore({ maxRetainedMessages = 1e6, maxRetainedBytes = 1e9 } = {}): RetainedMessages<string> {
  clock.nowMs = 0;
  return new RetainedMessages({ maxRetainedMessages, maxRetainedBytes, nowMs: () => clock.nowMs });
}

/** Retains each topic with itself as the message. */
function storeOf(...topics: string[]): RetainedMessages<string> {
  const store = makeStore();
  for (const topic of topics) retain(store, topic);
  return store;
}

function retain(
  store: RetainedMessages<string>,
  topic: string,
  {
    message = topic,
    sizeBytes = 1,
    expiresAtMs,
  }: { message?: string; sizeBytes?: number; expiresAtMs?: number } = {},
): Retention {
  return store.set(topic, { message, sizeBytes, expiresAtMs });
}

function takeAll(matches: RetainedMatches<string>, maxItems = 1000): string[] {
  const taken: string[] = [];
  while (!matches.isDone) taken.push(...matches.next(maxItems));
  return taken;
}

describe('RetainedMessages', () => {
  it('sets, replaces, gets and clears, and counts', () => {
    const store = makeStore();
    assert.equal(retain(store, 'a/b', { message: 'one', sizeBytes: 10 }), Retention.Retained);
    assert.equal(retain(store, 'a/b', { message: 'two', sizeBytes: 4 }), Retention.Retained);
    assert.equal(retain(store, 'a', { message: 'three', sizeBytes: 1 }), Retention.Retained);
    assert.deepEqual([store.get('a/b'), store.get('a'), store.get('a/')], ['two', 'three', undefined]);
    assert.deepEqual([store.count, store.bytes], [2, 5]);
    assert.ok(store.clear('a') && !store.clear('a') && !store.clear('b'));
    assert.deepEqual([store.count, store.bytes, store.get('a')], [1, 4, undefined]);
    assert.ok(store.clear('a/b'));
    assert.deepEqual([store.count, store.bytes, store.nodeCount], [0, 0, 1]);
  });

  it('refuses what is beyond its limits, and keeps what it has', () => {
    const store = makeStore({ maxRetainedMessages: 2, maxRetainedBytes: 10 });
    retain(store, 'a', { sizeBytes: 4 });
    assert.equal(retain(store, 'b', { sizeBytes: 7 }), Retention.TooLarge);
    assert.equal(retain(store, 'a', { message: 'new', sizeBytes: 11 }), Retention.TooLarge);
    assert.equal(store.get('a'), 'a');
    assert.equal(retain(store, 'a', { sizeBytes: 10 }), Retention.Retained, 'in place of the last one');
    assert.equal(retain(store, 'b', { sizeBytes: 0 }), Retention.Retained);
    assert.equal(retain(store, 'c', { sizeBytes: 0 }), Retention.TooMany);
    assert.equal(retain(store, 'b', { message: 'new', sizeBytes: 0 }), Retention.Retained);
    assert.deepEqual([store.count, store.bytes, store.nodeCount], [2, 10, 3]);
  });

  it('gives what matches a filter, in pieces of any size', () => {
    const topics = ['a', 'a/b', 'a/b/c', 'a/', '/a', 'b', '$s', '$s/a', 'a/$s'];
    const store = storeOf(...topics);
    for (const filter of [
      '#',
      '+',
      'a/#',
      'a/+',
      '+/+',
      '$s/#',
      '$s',
      '+/b/#',
      '/+',
      'a/+/c',
      'x/#',
      'b/#',
    ]) {
      const expected = topics.filter((topic) => matchesTopicFilter(filter, topic)).sort();
      for (const maxItems of [1, 2, 3, 100])
        assert.deepEqual(takeAll(store.match(filter), maxItems).sort(), expected, `${filter} by ${maxItems}`);
    }
  });

  it('works no more than it was told, also where nothing matches', () => {
    const store = storeOf(...Array.from({ length: 1000 }, (_, index) => `d${index}/x`));
    const matches = store.match('+/y');
    let pieces = 0;
    for (; !matches.isDone; pieces++) assert.deepEqual(matches.next(10), []);
    assert.ok(pieces >= 100 && pieces < 110, String(pieces));
  });

  it('forgets a message when it expires', () => {
    const store = makeStore();
    for (let index = 0; index < 50; index++)
      retain(store, `x/${index}`, { expiresAtMs: index < 30 ? 100 : 200 });
    retain(store, 'y');
    clock.nowMs = 99;
    assert.equal(store.get('x/0'), 'x/0');
    clock.nowMs = 100;
    assert.equal(store.get('x/0'), undefined);
    assert.equal(store.count, 50);
    assert.equal(takeAll(store.match('x/#'), 7).length, 20);
    assert.equal(store.count, 21, 'those that were met are removed');
    clock.nowMs = 200;
    let removed = 0;
    for (let call = 0; call < 12; call++) removed += store.removeExpired(5);
    assert.equal(removed, 20);
    assert.deepEqual([store.count, store.bytes, store.nodeCount], [1, 1, 2]);
  });

  it('tells of each that expires, however it is met, and of no other', () => {
    clock.nowMs = 0;
    const expired: string[] = [];
    const limits = { maxRetainedMessages: 100, maxRetainedBytes: 1000 };
    const store = new RetainedMessages<string>({
      ...limits,
      nowMs: () => clock.nowMs,
      onExpired: (message) => expired.push(message),
    });
    for (const topicName of ['a', 'b', 'c', 'd', 'e', 'f']) retain(store, topicName, { expiresAtMs: 100 });
    retain(store, 'g');
    store.clear('d');
    clock.nowMs = 100;
    retain(store, 'e', { expiresAtMs: 200 });
    assert.deepEqual(expired, []);
    store.get('a');
    takeAll(store.match('b'));
    assert.deepEqual(expired, ['a', 'b']);
    assert.equal(store.removeExpired(100), 2);
    store.get('a');
    assert.deepEqual(new Set(expired), new Set(['a', 'b', 'c', 'f']));
    assert.equal(expired.length, 4);
  });

  it('does not take a new level for one of the filter that has gone meanwhile', () => {
    const store = storeOf('x/1', 'x/2', 'other/y');
    const matches = store.match('x/+/y');
    matches.next(2); // the root and x
    store.clear('other/y'); // nobody uses the level y any more
    for (let index = 0; index < 10; index++) retain(store, `x/1/z${index}`);
    assert.deepEqual(takeAll(matches), []);
  });

  it('lets go of the place where a walk stands when it is closed', () => {
    const store = storeOf('a/b/c', 'd');
    const matches = store.match('#');
    while (store.count > 0) {
      matches.next(1);
      store.clear('a/b/c');
      store.clear('d');
    }
    assert.ok(store.nodeCount > 1 && !matches.isDone);
    matches.close();
    matches.close();
    assert.deepEqual([store.nodeCount, matches.isDone, matches.next(5)], [1, true, []]);
    store.match('#').close();
    assert.equal(store.nodeCount, 1);
  });

  it('holds more topics than one page', () => {
    const store = makeStore();
    for (let index = 0; index < 40_000; index++)
      retain(store, `d${index % 200}/s${index}`, { message: `${index}` });
    assert.equal(new Set(takeAll(store.match('#'))).size, 40_000);
    assert.equal(takeAll(store.match('d7/+')).length, 200);
    for (let index = 0; index < 40_000; index++)
      assert.equal(store.get(`d${index % 200}/s${index}`), `${index}`);
    for (let index = 0; index < 40_000; index++) store.clear(`d${index % 200}/s${index}`);
    assert.deepEqual([store.count, store.bytes, store.nodeCount], [0, 0, 1]);
  });

  it(`gives each topic that stays exactly once, while others come and go (seed ${seed})`, () => {
    const level = fc.constantFrom('', 'a', 'b', '$s');
    const topic = fc
      .array(level, { minLength: 1, maxLength: 4 })
      .map((levels) => levels.join('/'))
      .filter((text) => text !== '');
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.boolean())
      .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
      .filter((text) => text !== '');
    const act = fc.constantFrom(
      'set',
      'set',
      'set',
      'clear',
      'clear',
      'expire',
      'next',
      'next',
      'open',
      'close',
    );
    const step = fc.record({ act, topic, filter, count: fc.integer({ min: 1, max: 6 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const store = makeStore();
        const model = new Map<string, string>();
        const walks: Walk[] = [];
        for (const [number, { act, topic, filter, count }] of steps.entries()) {
          if (act === 'set') retain(store, topic, { message: `${number} ${topic}` });
          if (act === 'set') model.set(topic, `${number} ${topic}`);
          if (act === 'clear') assert.equal(store.clear(topic), model.delete(topic));
          if (act === 'expire') retain(store, topic, { expiresAtMs: 0 });
          if (act === 'expire') model.delete(topic);
          if (act === 'open') walks.push(openWalk(store, model, filter));
          const walk = walks[number % Math.max(1, walks.length)];
          if (act === 'next' && walk !== undefined) followWalk(walk, model, count);
          if (act === 'close' && walk !== undefined) walks.splice(walks.indexOf(walk), 1)[0]?.matches.close();
          for (const open of walks) keepWhatStays(open, model);
          assert.equal(store.get(topic), model.get(topic));
        }
        for (const walk of walks) {
          while (!walk.matches.isDone) followWalk(walk, model, 3);
          assert.deepEqual(
            [...walk.stays].filter((each) => !walk.given.has(each)),
            [],
          );
        }
        for (const name of model.keys()) store.clear(name);
        store.removeExpired(1000);
        assert.deepEqual([store.count, store.bytes, store.nodeCount], [0, 0, 1]);
      }),
      { seed, numRuns: 3000 },
    );
  });
});

/** A walk and what it owes: the topics that were there when it began and did not go since. */
type Walk = {
  readonly filter: string;
  readonly matches: RetainedMatches<string>;
  readonly stays: Set<string>;
  readonly given: Set<string>;
};

function openWalk(store: RetainedMessages<string>, model: ReadonlyMap<string, string>, filter: string): Walk {
  const stays = [...model.keys()].filter((topic) => matchesTopicFilter(filter, topic));
  return { filter, matches: store.match(filter), stays: new Set(stays), given: new Set() };
}

function followWalk(walk: Walk, model: ReadonlyMap<string, string>, count: number): void {
  const messages = walk.matches.next(count);
  assert.ok(messages.length <= count);
  for (const message of messages) {
    const topic = message.slice(message.indexOf(' ') + 1);
    assert.equal(model.get(topic), message, 'the message of now, of a topic that is there');
    assert.ok(matchesTopicFilter(walk.filter, topic));
    assert.ok(!walk.given.has(topic), 'not twice');
    walk.given.add(topic);
  }
}

function keepWhatStays(walk: Walk, model: ReadonlyMap<string, string>): void {
  for (const topic of walk.stays) {
    if (!model.has(topic)) walk.stays.delete(topic);
  }
}
