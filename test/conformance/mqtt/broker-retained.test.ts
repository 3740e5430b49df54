import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RetainHandling } from '../../../src/mqtt/codec/subscribe.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

describe('Retained messages (section 3.3.1.3)', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-3.3.1-5] [v3.1.1 MQTT-3.3.1-8] version ${version}: the last is kept, and has RETAIN`, async (t) => {
      const broker = await startBroker(t);
      const publisher = await connected(broker, version);
      for (const text of ['1', '2', '3']) publisher.publish('a', text, { retain: true });
      const subscriber = await connected(broker, version);
      await subscriber.subscribe('a');
      const received = await subscriber.expect('publish');
      assert.deepEqual([textOf(received), received.retain, received.dup], ['3', true, false]);
      await subscriber.expectNothing();
      assert.equal(broker.counts.retainedMessages, 1);
    });

    it(`[MQTT-3.3.1-6] [MQTT-3.3.1-7] version ${version}: an empty payload removes it, and goes on`, async (t) => {
      const broker = await startBroker(t);
      const [publisher, observer] = [await connected(broker, version), await connected(broker, version)];
      await observer.subscribe('#');
      publisher.publish('a', 'kept', { retain: true });
      publisher.publish('a', '', { retain: true });
      publisher.publish('never/kept', '', { retain: true });
      assert.deepEqual(await textsOf(observer), ['kept', '', '']);
      const late = await connected(broker, version);
      await late.subscribe('#');
      await late.expectNothing();
      assert.deepEqual([broker.counts.retainedMessages, broker.counts.retainedBytes], [0, 0]);
    });

    it(`[MQTT-3.3.1-8] version ${version}: without RETAIN nothing is kept, replaced or removed`, async (t) => {
      const broker = await startBroker(t);
      const publisher = await connected(broker, version);
      publisher.publish('b', 'not kept');
      publisher.publish('a', 'kept', { retain: true });
      publisher.publish('a', 'not instead');
      publisher.publish('a', '');
      const late = await connected(broker, version);
      await late.subscribe('#');
      assert.deepEqual(await textsOf(late), ['kept']);
    });
  }

  it('[MQTT-3.8.4-8] come with the lower of their QoS and the granted one, at all nine pairs', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const publisher = await connected(broker, version);
      for (const published of QOS_LEVELS) {
        publisher.publish(`kept/${published}`, 'x', { qos: published, retain: true, packetId: published });
        for (const granted of QOS_LEVELS) {
          const subscriber = await connected(broker, version);
          await subscriber.subscribe(`kept/${published}`, { qos: granted });
          const received = await readAcknowledging(subscriber);
          const expected = [[Math.min(published, granted), true]];
          assert.deepEqual(
            received.map(({ qos, retain }) => [qos, retain]),
            expected,
          );
          subscriber.disconnect();
        }
      }
      acknowledge(publisher, 'pubrel', 2);
    }
  });

  it('QoS 0 in place of QoS 2: what is kept is the last, with its own QoS', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker);
    publisher.publish('a', 'old', { qos: 2, retain: true });
    publisher.publish('a', 'new', { qos: 0, retain: true });
    const late = await connected(broker);
    await late.subscribe('a', { qos: 2 });
    const received = await late.expect('publish');
    assert.deepEqual([textOf(received), received.qos], ['new', 0]);
  });

  it('two that come together: empty and then full is kept, full and then empty is not', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker);
    publisher.publish('a', '', { retain: true });
    publisher.publish('a', 'x', { retain: true });
    publisher.publish('b', 'x', { retain: true });
    publisher.publish('b', '', { retain: true });
    const late = await connected(broker);
    await late.subscribe('#');
    assert.deepEqual(
      publishesOf(await late.all()).map(({ topicName }) => topicName),
      ['a'],
    );
  });

  it('are kept beyond the connection and the session of their publisher', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker, 4);
    publisher.publish('a', 'kept', { retain: true });
    publisher.disconnect();
    const late = await connected(broker, 4);
    await late.subscribe('a');
    assert.deepEqual(await textsOf(late), ['kept']);
  });

  it('[MQTT-4.7.2-1] wildcards at the beginning get none of topics that begin with $', async (t) => {
    const broker = await startBroker(t);
    for (const topicName of ['$x/a', '$x', 'a', 'a/$x'])
      broker.publish({ topicName, retain: true, payload: 'x' });
    for (const [topicFilter, expected] of [
      ['#', ['a', 'a/$x']],
      ['+', ['a']],
      ['+/a', []],
      ['$x/#', ['$x', '$x/a']],
      ['+/$x', ['a/$x']],
    ] as const) {
      const late = await connected(broker);
      await late.subscribe(topicFilter);
      const topics = publishesOf(await late.all()).map(({ topicName }) => topicName);
      assert.deepEqual(topics.toSorted(), expected, topicFilter);
    }
  });

  it('a client that comes back to its session gets none again for what it had subscribed', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', retain: true, payload: 'x' });
    const client = await connected(broker, 4, lasting('s', 4));
    await client.subscribe('a');
    await client.expect('publish');
    client.transport.breakOff();
    const back = await connected(broker, 4, lasting('s', 4));
    await back.expectNothing();
  });

  it('retainAvailable off: RETAIN ends the connection with 0x9A, and nothing is kept', async (t) => {
    const broker = await startBroker(t, { retainAvailable: false });
    const observer = await connected(broker);
    await observer.subscribe('a');
    for (const qos of QOS_LEVELS) {
      const client = await connected(broker);
      client.publish('a', 'x', { qos, retain: true });
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.RETAIN_NOT_SUPPORTED);
      await client.expectClosed();
    }
    const earlier = await connected(broker, 4);
    earlier.publish('a', 'x', { retain: true });
    await earlier.expectClosed();
    await observer.expectNothing();
    assert.equal(broker.counts.retainedMessages, 0);
  });

  it('broker.publish retains like a client, and clears', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'x', retain: true });
    assert.equal(broker.counts.retainedMessages, 1);
    broker.publish({ topicName: 'a', retain: true });
    assert.equal(broker.counts.retainedMessages, 0);
  });
});

describe('Retain Handling (section 3.8.3.1)', () => {
  const cases: readonly [RetainHandling, boolean, boolean, string][] = [
    [0, true, true, '[MQTT-3.3.1-9] [MQTT-3.8.4-4] 0: each time'],
    [1, true, false, '[MQTT-3.3.1-10] 1: only when the subscription is new'],
    [2, false, false, '[MQTT-3.3.1-11] 2: never'],
  ];
  for (const [retainHandling, first, again, title] of cases) {
    it(title, async (t) => {
      const broker = await startBroker(t);
      broker.publish({ topicName: 'a', payload: 'kept', retain: true });
      const client = await connected(broker, 5, lasting('s'));
      const subscribe = async (): Promise<boolean> => {
        await client.subscribe('a', { retainHandling });
        return (await textsOf(client)).length > 0;
      };
      assert.equal(await subscribe(), first);
      assert.equal(await subscribe(), again);
      client.send({ type: 'unsubscribe', packetId: 2, properties: {}, topicFilters: ['a'] });
      await client.expect('unsuback');
      assert.equal(await subscribe(), first);
      client.transport.breakOff();
      const back = await connected(broker, 5, lasting('s'));
      await back.subscribe('a', { retainHandling });
      assert.equal((await textsOf(back)).length > 0, again);
    });
  }

  it('[v3.1.1 MQTT-3.8.4-3] earlier clients get them each time', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'kept', retain: true });
    for (const version of [3, 4] as const) {
      const client = await connected(broker, version);
      for (let count = 0; count < 2; count++) {
        await client.subscribe('a');
        assert.deepEqual(await textsOf(client), ['kept']);
      }
    }
  });

  it('overlapping subscriptions bring them once for each, with its identifier', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'kept', retain: true });
    const client = await connected(broker);
    await client.subscribe('a', { subscriptionIdentifier: 1 });
    assert.deepEqual((await client.expect('publish')).properties.subscriptionIdentifiers, [1]);
    await client.subscribe('#', { subscriptionIdentifier: 2 });
    assert.deepEqual((await client.expect('publish')).properties.subscriptionIdentifiers, [2]);
    await client.expectNothing();
  });

  it('Retain As Published says nothing of them: RETAIN is 1 either way', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'kept', retain: true });
    for (const retainAsPublished of [false, true]) {
      const client = await connected(broker);
      await client.subscribe('a', { retainAsPublished });
      assert.equal((await client.expect('publish')).retain, true);
    }
  });

  it('No Local says nothing of them', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.publish('a', 'own', { retain: true });
    await client.subscribe('a', { noLocal: true });
    assert.deepEqual(await textsOf(client), ['own']);
  });

  it('Shared Subscriptions get none (section 4.8.2)', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', payload: 'kept', retain: true });
    const client = await connected(broker);
    await client.subscribe('$share/g/a', { retainHandling: 0 });
    await client.expectNothing();
  });
});
