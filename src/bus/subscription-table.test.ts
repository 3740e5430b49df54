import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SubscriptionTable, type Handler } from './subscription-table.ts';

type Message = Parameters<SubscriptionTable['match']>[0];

const message = (
  topicName: string,
  subscriptionIdentifiers: readonly number[] = [],
  retain = false,
): Message => ({ topicName, subscriptionIdentifiers, retain });

function add(table: SubscriptionTable, topicFilter: string): Handler {
  const handler = table.add(topicFilter, { qos: 0, borrowsPayload: false, onMessage: () => {} });
  assert.ok(handler !== undefined);
  table.grant(handler);
  return handler;
}

describe('who gets a message', () => {
  it('without identifiers: all whose filter matches', () => {
    const table = new SubscriptionTable();
    const handlers = ['a/b', 'a/b', 'a/+', '$share/g/a/#', 'a/c'].map((filter) => add(table, filter));
    assert.deepEqual(new Set(table.match(message('a/b', []))), new Set(handlers.slice(0, 4)));
    assert.deepEqual(table.match(message('x', [])), []);
    // The text of a shared filter is not a topic.
    assert.deepEqual(table.match(message('$share/g/a/#', [])), []);
  });

  it('with identifiers: those whose they are', () => {
    const table = new SubscriptionTable();
    const [exact, plus] = [add(table, 'a/b'), add(table, 'a/+')];
    assert.deepEqual(table.match(message('a/b', [plus.identifier])), [plus]);
    assert.deepEqual(table.match(message('a/b', [exact.identifier, plus.identifier])), [exact, plus]);
  });

  it('nobody, when it is a copy for a subscription that has ended', () => {
    const table = new SubscriptionTable();
    const [ended] = [add(table, 'a/b'), add(table, 'a/+')];
    assert.equal(table.remove(ended), true);
    assert.equal(table.remove(ended), false);
    assert.deepEqual(table.match(message('a/b', [ended.identifier])), []);
  });

  it('those whose filter matches, when the identifier is of a connection before', () => {
    const table = new SubscriptionTable();
    const [exact, other] = [add(table, 'a/b'), add(table, 'c')];
    assert.deepEqual(table.match(message('a/b', [99])), [exact]);
    assert.deepEqual(table.match(message('a/b', [other.identifier])), [exact]);
  });

  it('a retained one goes to the handler for which it was asked', () => {
    const table = new SubscriptionTable();
    const [first, second] = [add(table, 'a'), add(table, 'a')];
    assert.deepEqual(table.match(message('a', [second.identifier], true)), [second]);
    assert.deepEqual(table.match(message('a', [second.identifier], false)), [first, second]);
  });

  it('a retained one goes to all of them, when they were subscribed to anew', () => {
    const table = new SubscriptionTable();
    const [first, second] = [add(table, 'a'), add(table, 'a')];
    table.renewIdentifiers();
    assert.deepEqual(table.match(message('a', [second.identifier], true)), [first, second]);
  });

  it('is found again after a change', () => {
    const table = new SubscriptionTable();
    const identifiers = [add(table, 'a').identifier];
    assert.equal(table.match(message('a', identifiers)).length, 1);
    const second = add(table, 'a');
    assert.equal(table.match(message('a', identifiers)).length, 2);
    table.remove(second);
    assert.equal(table.match(message('a', identifiers)).length, 1);
  });

  it('stays when one that was denied before it ends', () => {
    const table = new SubscriptionTable();
    const denied = add(table, 'a');
    table.grant(denied);
    table.deny('a');
    const later = add(table, 'a');
    assert.equal(table.remove(denied), false);
    assert.deepEqual(table.match(message('a', [later.identifier])), [later]);
  });

  it('identifiers do not pile up where handlers come and go', () => {
    const table = new SubscriptionTable();
    const staying = add(table, 'a');
    for (let time = 0; time < 100; time++) {
      const passing = add(table, 'a');
      table.remove(passing);
    }
    assert.ok(staying.entry.identifiers.size <= 3);
    assert.deepEqual(table.match(message('a', [staying.identifier])), [staying]);
  });
});
