import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ledger } from '../../../src/base/ledger.ts';
import { RetainedMessages } from '../../../src/mqtt/topics/retained-messages.ts';
import { MemberRank } from '../../../src/mqtt/topics/shared-group.ts';
import type { SubscriptionOptions } from '../../../src/mqtt/topics/subscription-match.ts';
import { SubscriptionTree } from '../../../src/mqtt/topics/subscription-tree.ts';
import { InboundTopicAliases, OutboundTopicAliases } from '../../../src/mqtt/topics/topic-alias.ts';
import { matchesTopicFilter, parseTopicFilter } from '../../../src/mqtt/topics/topic-filter.ts';
import { findTopicNameFault, isValidTopicName, TopicFault } from '../../../src/mqtt/topics/topic-name.ts';
import { TopicTable } from '../../../src/mqtt/topics/topic-table.ts';

const LEVELS = 128;

const PLAIN: SubscriptionOptions = {
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  subscriptionIdentifier: 0,
};

function treeOf(
  ...subscriptions: [string, string, Partial<SubscriptionOptions>?][]
): SubscriptionTree<string> {
  const tree = new SubscriptionTree<string>();
  for (const [subscriber, text, options] of subscriptions) {
    const parsed = parseTopicFilter(text, LEVELS);
    assert.ok(parsed.ok, text);
    tree.add(subscriber, parsed.value, { ...PLAIN, ...options });
  }
  return tree;
}

/** All three that match must agree: one filter against one name, the subscriptions, the retained messages. */
function assertMatch(topicFilter: string, topicName: string, expected: boolean): void {
  const what = `${topicFilter} and ${topicName}`;
  assert.ok(parseTopicFilter(topicFilter, LEVELS).ok && isValidTopicName(topicName, LEVELS), what);
  assert.equal(matchesTopicFilter(topicFilter, topicName), expected, what);
  const count = expected ? 1 : 0;
  assert.equal(treeOf(['s', topicFilter]).match(topicName).subscribers.length, count, `subscription ${what}`);
  const retained = new RetainedMessages<string>({
    maxRetainedMessages: 9,
    maxRetainedBytes: 9,
    nowMs: () => 0,
  });
  retained.set(topicName, { message: 'm', sizeBytes: 1, expiresAtMs: undefined });
  assert.equal(retained.match(topicFilter).next(100).length, count, `retained ${what}`);
}

function assertMatches(topicFilter: string, ...topicNames: string[]): void {
  for (const topicName of topicNames) assertMatch(topicFilter, topicName, true);
}

function assertMisses(topicFilter: string, ...topicNames: string[]): void {
  for (const topicName of topicNames) assertMatch(topicFilter, topicName, false);
}

describe('4.7.1 topic wildcards', () => {
  it('[MQTT-4.7.0-1] [MQTT-3.3.2-2] wildcards must not be used within a Topic Name', () => {
    for (const name of ['+', '#', 'sport/+', 'sport/#', 'sport+', 'a/#/b'])
      assert.equal(findTopicNameFault(name, LEVELS), TopicFault.Wildcard, name);
  });

  it('4.7.1.1 separators may stand anywhere; adjacent ones make a zero-length level', () => {
    assertMatch('a//b', 'a//b', true);
    assertMatches('a/+/b', 'a//b');
    assertMisses('a/b', 'a//b');
    assertMatches('+/+/+', '//');
  });

  it('4.7.1.2 "sport/tennis/player1/#" receives the parent and all below it', () => {
    assertMatches(
      'sport/tennis/player1/#',
      'sport/tennis/player1',
      'sport/tennis/player1/ranking',
      'sport/tennis/player1/score/wimbledon',
    );
    assertMisses(
      'sport/tennis/player1/#',
      'sport/tennis',
      'sport/tennis/player11',
      'sport/tennis/player2/score',
    );
  });

  it('4.7.1.2 "sport/#" also matches the singular "sport", since # includes the parent level', () => {
    assertMatches('sport/#', 'sport', 'sport/', 'sport/tennis');
  });

  it('[MQTT-4.7.1-1] # stands alone or behind a separator, and last', () => {
    for (const filter of ['#', 'sport/tennis/#', '/#', '+/#'])
      assert.ok(parseTopicFilter(filter, LEVELS).ok, filter);
    for (const filter of ['sport/tennis#', 'sport/tennis/#/ranking', '#/', '##', '#+'])
      assert.ok(!parseTopicFilter(filter, LEVELS).ok, filter);
    assertMatches('#', 'sport', '/', 'sport/tennis/player1');
  });

  it('4.7.1.3 "sport/tennis/+" matches one level and not more', () => {
    assertMatches('sport/tennis/+', 'sport/tennis/player1', 'sport/tennis/player2');
    assertMisses('sport/tennis/+', 'sport/tennis/player1/ranking');
  });

  it('4.7.1.3 "sport/+" does not match "sport" but it does match "sport/"', () => {
    assertMisses('sport/+', 'sport');
    assertMatches('sport/+', 'sport/');
  });

  it('[MQTT-4.7.1-2] + occupies an entire level, at any level, more than once, and together with #', () => {
    for (const filter of ['+', '+/tennis/#', 'sport/+/player1', '+/+'])
      assert.ok(parseTopicFilter(filter, LEVELS).ok, filter);
    for (const filter of ['sport+', 'sport/+tennis', '+sport', 'sport/++/a'])
      assert.ok(!parseTopicFilter(filter, LEVELS).ok, filter);
    assertMatches('+/tennis/#', 'sport/tennis', 'sport/tennis/a/b', '/tennis');
    assertMatches('sport/+/player1', 'sport/tennis/player1', 'sport//player1');
    assertMisses('sport/+/player1', 'sport/player1', 'sport/a/b/player1');
  });

  it('4.7.1.3 "/finance" matches "+/+" and "/+", but not "+"', () => {
    assertMatches('+/+', '/finance');
    assertMatches('/+', '/finance');
    assertMisses('+', '/finance');
  });
});

describe('4.7.2 topics beginning with $', () => {
  it('[MQTT-4.7.2-1] a filter that starts with a wildcard does not match them', () => {
    assertMisses('#', '$SYS', '$SYS/monitor/Clients', '$');
    assertMisses('+', '$SYS');
    assertMisses('+/monitor/Clients', '$SYS/monitor/Clients');
    assertMisses('+/#', '$SYS/monitor');
  });

  it('4.7.2 "$SYS/#" and "$SYS/monitor/+" do match them', () => {
    assertMatches('$SYS/#', '$SYS', '$SYS/monitor/Clients');
    assertMatches('$SYS/monitor/+', '$SYS/monitor/Clients');
  });

  it('4.7.2 with both "#" and "$SYS/#" a client receives topics of both kinds', () => {
    const tree = treeOf(['s', '#'], ['s', '$SYS/#']);
    for (const name of ['$SYS/uptime', 'sport']) assert.equal(tree.match(name).subscribers.length, 1, name);
  });

  it('4.7.2 a $ that is not the first character means nothing', () => {
    assertMatches('#', 'a/$SYS', '/$SYS');
    assertMatches('+/+', 'a/$SYS');
    assertMatches('a/#', 'a/$SYS/b');
  });
});

describe('4.7.3 topic semantic and usage', () => {
  it('[MQTT-4.7.3-1] names and filters are at least one character long', () => {
    assert.equal(findTopicNameFault('', LEVELS), TopicFault.Empty);
    assert.ok(!parseTopicFilter('', LEVELS).ok);
    for (const text of [' ', '/'])
      assert.ok(isValidTopicName(text, LEVELS) && parseTopicFilter(text, LEVELS).ok);
  });

  it('[MQTT-4.7.3-2] neither includes U+0000', () => {
    assert.equal(findTopicNameFault('sport\0', LEVELS), TopicFault.NullCharacter);
    assert.ok(!parseTopicFilter('sport/\0/#', LEVELS).ok);
  });

  it('[MQTT-4.7.3-3] neither encodes to more than 65,535 bytes', () => {
    for (const [character, count] of [
      ['a', 65_535],
      ['ç', 32_767],
      ['温', 21_845],
    ] as const) {
      const longest = character.repeat(count);
      assert.ok(isValidTopicName(longest, LEVELS) && parseTopicFilter(longest, LEVELS).ok);
      assert.equal(findTopicNameFault(longest + character, LEVELS), TopicFault.TooLong);
      assert.ok(!parseTopicFilter(longest + character, LEVELS).ok);
    }
  });

  it('[MQTT-4.7.3-4] no normalization: characters match as they are', () => {
    assertMisses('ACCOUNTS', 'Accounts');
    assertMatches('Accounts payable', 'Accounts payable');
    assertMisses('caf\u00e9', 'cafe\u0301');
    assertMisses('finance', '/finance');
    assertMisses('/finance', 'finance', '/finance/');
    assertMisses('a/../b', 'b');
    assertMatches('\uFEFFa/%2F/./..', '\uFEFFa/%2F/./..');
    assertMatches('a/+', 'a/\uFFFF\u0001');
  });

  it('[MQTT-1.5.4-1] [MQTT-1.5.4-3] bytes that are not UTF-8 are no topic; U+FEFF stays where it is', () => {
    const subscriptions = new SubscriptionTree<string>();
    const limits = { maxTopicLevels: LEVELS, maxTopics: 10, maxMatches: 10 };
    const table = new TopicTable({ subscriptions, party: new Ledger().open(''), ...limits });
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]])
      assert.equal(table.resolve(Buffer.from(bytes), 0, bytes.length).fault, TopicFault.NotUtf8);
    assert.equal(table.resolve(Buffer.from([0xef, 0xbb, 0xbf]), 0, 3).topicName, '\uFEFF');
  });
});

describe('4.8.2 shared subscriptions', () => {
  it('[MQTT-4.8.2-1] begin with $share/ and a ShareName of at least one character', () => {
    assert.deepEqual(parseTopicFilter('$share/consumer1/sport/tennis/+', LEVELS), {
      ok: true,
      value: { shareName: 'consumer1', topicFilter: 'sport/tennis/+' },
    });
    for (const text of ['$share/', '$share//sport']) assert.ok(!parseTopicFilter(text, LEVELS).ok, text);
  });

  it('[MQTT-4.8.2-2] the ShareName has no "/", "+" or "#", and "/" and a filter follow', () => {
    for (const text of ['$share/a+/b', '$share/+/b', '$share/a#/b', '$share/#', '$share/a', '$share/a/'])
      assert.ok(!parseTopicFilter(text, LEVELS).ok, text);
    for (const text of ['$share/a/#', '$share/a//', '$share/a/+'])
      assert.ok(parseTopicFilter(text, LEVELS).ok, text);
  });

  it('4.8.2 "$share/consumer1//finance" is the filter "/finance"', () => {
    assert.deepEqual(parseTopicFilter('$share/consumer1//finance', LEVELS), {
      ok: true,
      value: { shareName: 'consumer1', topicFilter: '/finance' },
    });
  });

  it('4.8.2 ShareName and filter together name the group', () => {
    const tree = treeOf(
      ['a', '$share/consumer1/sport/tennis/+'],
      ['b', '$share/consumer1/sport/tennis/+'],
      ['c', '$share/consumer2/sport/tennis/+'],
      ['d', '$share/consumer1/sport/#'],
    );
    const groups = tree
      .match('sport/tennis/x')
      .sharedGroups.map((group) => `${group.shareName} ${group.topicFilter} ${group.size}`);
    assert.deepEqual(groups.sort(), [
      'consumer1 sport/# 1',
      'consumer1 sport/tennis/+ 2',
      'consumer2 sport/tennis/+ 1',
    ]);
  });

  it('4.8.2 a message goes to one of the members, at the QoS it was granted [MQTT-4.8.2-3]', () => {
    const [group] = treeOf(['a', '$share/g/t', { qos: 0 }], ['b', '$share/g/t', { qos: 2 }]).match(
      't',
    ).sharedGroups;
    const chosen = Array.from({ length: 4 }, () => group?.choose(() => MemberRank.READY, 't'));
    assert.deepEqual(
      chosen.map((match) => match?.subscriber),
      ['a', 'b', 'a', 'b'],
    );
    assert.deepEqual(
      chosen.map((match) => match?.qos),
      [0, 2, 0, 2],
    );
  });

  it('4.8.2 a client with a shared and an ordinary subscription gets a copy for each', () => {
    const { subscribers, sharedGroups } = treeOf(['a', 't'], ['a', '$share/g/t']).match('t');
    assert.equal(subscribers[0]?.subscriber, 'a');
    assert.equal(sharedGroups[0]?.choose(() => MemberRank.READY, 't')?.subscriber, 'a');
  });

  it('[MQTT-4.7.2-1] the wildcard rule is that of the filter inside', () => {
    const tree = treeOf(['a', '$share/g/#'], ['a', '$share/g/$SYS/#']);
    assert.deepEqual(
      tree.match('$SYS/x').sharedGroups.map(({ topicFilter }) => topicFilter),
      ['$SYS/#'],
    );
    assert.deepEqual(
      tree.match('x').sharedGroups.map(({ topicFilter }) => topicFilter),
      ['#'],
    );
  });
});

describe('3.3.4 and 3.8 overlapping subscriptions and their options', () => {
  it('[MQTT-3.3.4-2] one copy with the maximum QoS of all that match', () => {
    const tree = treeOf(['a', 'x/+', { qos: 1 }], ['a', 'x/#', { qos: 2 }], ['a', 'x/y', { qos: 0 }]);
    assert.deepEqual(
      tree.match('x/y').subscribers.map(({ qos }) => qos),
      [2],
    );
    assert.deepEqual(
      tree.match('x/y/z').subscribers.map(({ qos }) => qos),
      [2],
    );
  });

  it('[MQTT-3.3.4-3] [MQTT-3.3.4-4] the copy carries the identifiers of all that have one, equal ones each', () => {
    const tree = treeOf(
      ['a', 'x', { subscriptionIdentifier: 1 }],
      ['a', '+', { subscriptionIdentifier: 268_435_455 }],
      ['a', '#', { subscriptionIdentifier: 1 }],
      ['a', 'x/#'],
    );
    const [match] = tree.match('x').subscribers;
    assert.deepEqual(
      match?.subscriptionIdentifiers.toSorted((a, b) => a - b),
      [1, 1, 268_435_455],
    );
  });

  it('[MQTT-3.3.4-5] the copy of a Shared Subscription carries its own identifier alone', () => {
    const tree = treeOf(
      ['a', 'x', { subscriptionIdentifier: 1 }],
      ['a', '$share/g/x', { subscriptionIdentifier: 2 }],
    );
    const { subscribers, sharedGroups } = tree.match('x');
    assert.deepEqual(subscribers[0]?.subscriptionIdentifiers, [1]);
    assert.deepEqual(sharedGroups[0]?.choose(() => MemberRank.READY, 't')?.subscriptionIdentifiers, [2]);
  });

  it('[MQTT-3.8.3-3] No Local holds back what is forwarded for its own subscription', () => {
    const all = treeOf(['a', 'x', { noLocal: true }], ['a', '#', { noLocal: true }]);
    assert.equal(all.match('x').subscribers[0]?.noLocal, true);
    const some = treeOf(
      ['a', 'x', { noLocal: true, qos: 2, subscriptionIdentifier: 1 }],
      ['a', '#', { noLocal: false, qos: 1, subscriptionIdentifier: 2 }],
    );
    const [match] = some.match('x').subscribers;
    assert.deepEqual([match?.noLocal, match?.qos, match?.subscriptionIdentifiers.length], [false, 2, 2]);
    assert.deepEqual([match?.ownMessages?.qos, match?.ownMessages?.subscriptionIdentifiers], [1, [2]]);
  });

  it('[MQTT-3.8.4-3] an identical filter replaces the subscription', () => {
    const tree = treeOf(['a', 'x', { qos: 2, subscriptionIdentifier: 1 }], ['a', 'x', { qos: 1 }]);
    const [match] = tree.match('x').subscribers;
    assert.deepEqual([tree.size, match?.qos, match?.subscriptionIdentifiers], [1, 1, []]);
  });

  it('[MQTT-3.10.4-1] filters to unsubscribe are compared character by character', () => {
    const tree = treeOf(['a', 'x/+'], ['a', '$share/g/x/+']);
    const filter = (shareName: string | undefined, topicFilter: string) => ({ shareName, topicFilter });
    for (const other of [
      filter(undefined, 'x/y'),
      filter(undefined, 'X/+'),
      filter('h', 'x/+'),
      filter(undefined, '#'),
    ])
      assert.ok(!tree.remove('a', other));
    assert.ok(tree.remove('a', filter(undefined, 'x/+')) && tree.remove('a', filter('g', 'x/+')));
    assert.equal(tree.size, 0);
  });
});

describe('3.3.2.3.4 topic aliases', () => {
  it('[MQTT-3.3.2-8] 0 is no alias; [MQTT-3.3.2-9] nor is one above the maximum', () => {
    const aliases = new InboundTopicAliases<string>(10);
    assert.ok(!aliases.set(0, 'x') && !aliases.set(11, 'x'));
  });

  it('[MQTT-3.3.2-12] all from 1 to the maximum are', () => {
    const aliases = new InboundTopicAliases<string>(65_535);
    for (const alias of [65_535, 1]) assert.ok(aliases.set(alias, `t${alias}`));
    assert.deepEqual([aliases.get(1), aliases.get(65_535)], ['t1', 't65535']);
  });

  it('[MQTT-3.3.2-11] none above the maximum is sent', () => {
    const aliases = new OutboundTopicAliases<string>(3);
    for (let topic = 0; topic < 20; topic++) assert.ok(aliases.assign(`t${topic}`) <= 3);
  });
});
