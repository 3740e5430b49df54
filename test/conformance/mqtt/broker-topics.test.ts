import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connected, publishesOf, startBroker, textsOf, VERSIONS } from '../../helpers/mqtt-broker-rig.ts';
import { subscribePacket } from '../../helpers/mqtt-wire-client.ts';

/** Filter, topics that it gets, topics that it does not. */
const MATCHES: readonly [string, readonly string[], readonly string[]][] = [
  [
    'sport/tennis/player1/#',
    ['sport/tennis/player1', 'sport/tennis/player1/score/wimbledon'],
    ['sport/tennis'],
  ],
  ['#', ['a', '/', '/a', 'a/b/c/d'], ['$SYS/x', '$x', '$']],
  ['sport/tennis/+', ['sport/tennis/player1', 'sport/tennis/'], ['sport/tennis', 'sport/tennis/p/ranking']],
  ['sport/+', ['sport/'], ['sport']],
  ['+/+', ['/finance', 'a/b'], ['finance', '$a/b', 'a/b/c']],
  ['/+', ['/finance'], ['finance', 'a/finance']],
  ['+', ['finance'], ['/finance', '$finance']],
  ['+/monitor/Clients', ['a/monitor/Clients'], ['$x/monitor/Clients']],
  ['$x/#', ['$x/a', '$x'], ['x/a', '$xy']],
  ['$x/monitor/+', ['$x/monitor/Clients'], ['$x/monitor']],
  ['a/$b/+', ['a/$b/c'], ['a/b/c']],
  ['a/+/c', ['a/$b/c', 'a//c'], ['a/c']],
  ['ACCOUNTS', ['ACCOUNTS'], ['Accounts', 'ACCOUNTS/']],
  ['a b', ['a b'], ['a  b']],
  ['\u00c5', ['\u00c5'], ['A\u030a']],
];

describe('Topic Names and Topic Filters (section 4.7)', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.3.2-3] [MQTT-4.7.2-1] [MQTT-4.7.3-4] version ${version}: who gets which topics`, async (t) => {
      const broker = await startBroker(t);
      const publisher = await connected(broker, version);
      for (const [topicFilter, matching, others] of MATCHES) {
        const subscriber = await connected(broker, version);
        await subscriber.subscribe(topicFilter);
        for (const topicName of [...matching, ...others]) publisher.publish(topicName, 'x');
        const received = publishesOf(await subscriber.all()).map(({ topicName }) => topicName);
        // What a client may not publish to must not come for another reason.
        assert.deepEqual(received, matching, topicFilter);
        subscriber.disconnect();
      }
    });
  }

  it('[MQTT-4.7.1-1] [MQTT-4.7.1-2] filters that are none end the connection with 0x81', async (t) => {
    const broker = await startBroker(t);
    const filters = ['a#', '#/a', 'a/#/b', 'a/b#', '##', 'a+', '+a', 'a/+b/c', '++', '+#', 'a/#+'];
    filters.push('$share/', '$share/g', '$share//a', '$share/g/', '$share/+/a', '$share/g#/a');
    for (const topicFilter of filters) {
      const client = await connected(broker);
      client.send(subscribePacket([topicFilter]));
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET, topicFilter);
      await client.expectClosed();
    }
    const client = await connected(broker);
    assert.deepEqual((await client.subscribe('$share')).reasonCodes, [0], 'which is a filter as any other');
  });

  it('[MQTT-4.7.3-1] [MQTT-4.7.3-2] a filter that is empty or has U+0000 ends the connection', async (t) => {
    const broker = await startBroker(t);
    for (const hex of ['82 06 0001 00 0000 00', '82 07 0001 00 0001 00 00']) {
      const client = await connected(broker);
      client.sendBytes(hex);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
    }
  });

  it('[MQTT-4.7.3-3] topics and filters of 65,535 bytes are taken', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const topicName = 'ü'.repeat(32_767) + 'x';
    await client.subscribe(topicName);
    client.publish(topicName, 'long');
    assert.deepEqual(await textsOf(client), ['long']);
  });

  it('maxTopicLevels: deeper filters are refused with 0x8F, deeper topics end the connection with 0x90', async (t) => {
    const broker = await startBroker(t, { maxTopicLevels: 3 });
    const client = await connected(broker);
    assert.deepEqual((await client.subscribe('a/b/c')).reasonCodes, [0]);
    assert.deepEqual((await client.subscribe('$share/g/a/b/c')).reasonCodes, [0]);
    assert.deepEqual((await client.subscribe('a/b/c/d')).reasonCodes, [ReasonCode.TOPIC_FILTER_INVALID]);
    client.publish('a/b/c', 'x');
    assert.equal((await textsOf(client)).length, 2);
    client.publish('a/b/c/d', 'x');
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.TOPIC_NAME_INVALID);
    await client.expectClosed();
  });

  it('many topics beyond what is remembered of them are all matched', async (t) => {
    const broker = await startBroker(t, { maxCachedTopics: 8, maxCachedMatches: 8 });
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('t/+');
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 100; index++) publisher.publish(`t/${index}`, `${index}`);
      assert.equal((await textsOf(subscriber)).length, 100);
    }
    await subscriber.subscribe('t/7', { qos: 1 });
    publisher.publish('t/7', 'x', { qos: 1 });
    assert.equal((await subscriber.expect('publish')).qos, 1);
  });
});

describe('$SYS', () => {
  it('only the server publishes below $SYS/: 0x87, and nothing at QoS 0', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('$SYS/#');
    const client = await connected(broker);
    client.publish('$SYS/broker/version', 'mine', { retain: true });
    await client.expectNothing();
    client.publish('$SYS/x', 'mine', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    client.publish('$SYS/x', 'mine', { qos: 2 });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.NOT_AUTHORIZED);
    const earlier = await connected(broker, 4);
    earlier.publish('$SYS/x', 'mine', { qos: 1, packetId: 4 });
    assert.deepEqual(await earlier.bytes(), Buffer.from([0x40, 2, 0, 4]));
    await subscriber.expectNothing();
    assert.equal(broker.stats.publishDenied, 4);
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('[MQTT-4.7.2-1] what the server says of itself is retained, and not for wildcards at the beginning', async (t) => {
    const clock = new ManualClock();
    const broker = await startBroker(t, { clock, sysTopicIntervalMs: 1000 });
    const [all, everything] = [await connected(broker), await connected(broker)];
    await everything.subscribe('#');
    await everything.subscribe('+/broker/uptime');
    await all.subscribe('$SYS/#');
    const first = publishesOf(await all.all());
    assert.ok(first.some(({ topicName }) => topicName === '$SYS/broker/version'));
    assert.ok(first.every(({ retain, topicName }) => retain && topicName.startsWith('$SYS/broker/')));
    clock.advance(1250);
    const next = publishesOf(await all.all());
    assert.ok(next.some(({ topicName, retain }) => topicName === '$SYS/broker/uptime' && !retain));
    assert.ok(!next.some(({ topicName }) => topicName === '$SYS/broker/version'));
    await everything.expectNothing();
  });
});
