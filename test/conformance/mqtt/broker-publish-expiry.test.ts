import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  startRig,
  textOf,
  textsOf,
} from '../../helpers/mqtt-broker-rig.ts';

const expiry = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } });

describe('Message Expiry Interval (section 3.3.2.3.3)', () => {
  it('[MQTT-3.3.2-6] goes on as it came when nothing waited', async (t) => {
    const { broker } = await startRig(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    for (const seconds of [0, 1, 100, 0xffff_ffff]) {
      publisher.publish('a', 'x', expiry(seconds));
      const { properties } = await subscriber.expect('publish');
      assert.equal(properties.messageExpiryInterval, seconds);
    }
  });

  it('[MQTT-3.3.2-6] is less by the time that a message waited in a session', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    const publisher = await connected(broker);
    publisher.publish('a', 'early', { qos: 1, ...expiry(100) });
    clock.advance(30_000);
    publisher.publish('a', 'late', { qos: 1, ...expiry(100) });
    publisher.publish('a', 'for ever', { qos: 1 });
    clock.advance(10_000);
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(
      publishesOf(await back.all()).map((packet) => [
        textOf(packet),
        packet.properties.messageExpiryInterval,
      ]),
      [
        ['early', 60],
        ['late', 90],
        ['for ever', undefined],
      ],
    );
  });

  it('[MQTT-3.3.2-5] a message that waited longer is not sent, and counted', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 2 });
    client.transport.breakOff();
    const publisher = await connected(broker);
    publisher.publish('a', '10', { qos: 1, ...expiry(10) });
    publisher.publish('a', '20', { qos: 2, packetId: 2, ...expiry(20) });
    publisher.publish('a', 'never', { qos: 1, ...expiry(0) });
    clock.advance(10_000);
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(back), ['20']);
    assert.equal(broker.stats.dropped.expired, 2);
    assert.equal([...broker.sessions()].find(({ client: { clientId } }) => clientId === 's')!.queuedCount, 0);
  });

  it('[MQTT-3.3.2-5] for a client of an earlier version too, which is not told', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 4, lasting('s', 4));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    const publisher = await connected(broker);
    publisher.publish('a', '10', { qos: 1, ...expiry(10) });
    publisher.publish('a', '20', { qos: 1, ...expiry(20) });
    clock.advance(15_000);
    const back = await connected(broker, 4, lasting('s', 4));
    const received = publishesOf(await back.all());
    assert.deepEqual(received.map(textOf), ['20']);
    assert.deepEqual(received[0]!.properties, {});
  });

  it('[MQTT-3.3.2-5] [MQTT-3.3.2-6] also while a connected client takes no more', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 5, { properties: { receiveMaximum: 1 } });
    await client.subscribe('a', { qos: 1 });
    for (const [payload, seconds] of [
      ['1', 5],
      ['2', 5],
      ['3', 50],
    ] as const)
      broker.publish({ topicName: 'a', qos: 1, payload, ...expiry(seconds) });
    const { packetId } = await client.expect('publish');
    clock.advance(7000);
    acknowledge(client, 'puback', packetId);
    const next = await client.expect('publish');
    assert.deepEqual([textOf(next), next.properties.messageExpiryInterval], ['3', 43]);
    assert.equal(broker.stats.dropped.expired, 1);
  });

  it('[MQTT-3.3.2-6] is less by the time that a message was retained', async (t) => {
    const { broker, clock } = await startRig(t);
    broker.publish({ topicName: 'a', payload: 'x', retain: true, ...expiry(100) });
    for (const [waitMs, left] of [
      [0, 100],
      [40_000, 60],
      [59_000, 1],
    ] as const) {
      clock.advance(waitMs);
      const late = await connected(broker);
      await late.subscribe('a');
      assert.equal((await late.expect('publish')).properties.messageExpiryInterval, left);
    }
    clock.advance(1000);
    for (const version of [3, 4, 5] as const) {
      const late = await connected(broker, version);
      await late.subscribe('#');
      await late.expectNothing();
    }
  });

  it('[MQTT-3.3.2-5] retained messages that have expired go, though nobody asks for them', async (t) => {
    const { broker, clock } = await startRig(t);
    for (let index = 0; index < 100; index++)
      broker.publish({ topicName: `a/${index}`, payload: 'x', retain: true, ...expiry(10) });
    broker.publish({ topicName: 'kept', payload: 'x', retain: true });
    clock.advance(9000);
    assert.equal(broker.counts.retainedMessages, 101);
    clock.advance(2000);
    assert.equal(broker.counts.retainedMessages, 1);
  });

  it('the properties beside it keep their places and values', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1, subscriptionIdentifier: 9 });
    client.transport.breakOff();
    const properties = {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 0x0102_0304,
      contentType: 'text',
      userProperties: [['a', 'b']] as const,
    };
    const publisher = await connected(broker);
    publisher.publish('a', 'x', { qos: 1, properties: { ...properties, topicAlias: 3 } });
    clock.advance(4000);
    const back = await connected(broker, 5, lasting('s'));
    const expected = {
      ...properties,
      messageExpiryInterval: 0x0102_0300,
      subscriptionIdentifiers: [9],
    };
    assert.deepEqual((await back.expect('publish')).properties, expected);
  });

  it('[MQTT-3.3.2-6] is found wherever it stands among the properties', async (t) => {
    const { broker, clock } = await startRig(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    const publisher = await connected(broker);
    // Topic Alias, Content Type, Message Expiry Interval 100; then Topic Alias, and a retained one with it last.
    publisher.sendBytes('32 13 0001 61 0001 0c 230001 030001 74 0200000064 78');
    publisher.sendBytes('33 12 0000    0002 0c 0200000064 030001 74 230001 79');
    clock.advance(40_000);
    const back = await connected(broker, 5, lasting('s'));
    const expected = { contentType: 't', messageExpiryInterval: 60 };
    const received = publishesOf(await back.all());
    assert.deepEqual(
      received.map((packet) => [textOf(packet), packet.properties]),
      [
        ['x', expected],
        ['y', expected],
      ],
    );
    const late = await connected(broker);
    await late.subscribe('a');
    assert.deepEqual((await late.expect('publish')).properties, expected);
  });

  it('expired messages make room in a full queue', async (t) => {
    const { broker, clock } = await startRig(t, { maxQueuedMessages: 2 });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 1, payload: 'old', ...expiry(5) });
    broker.publish({ topicName: 'a', qos: 1, payload: 'lasting' });
    broker.publish({ topicName: 'a', qos: 1, payload: 'too many' });
    clock.advance(6000);
    broker.publish({ topicName: 'a', qos: 1, payload: 'new' });
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(back), ['lasting', 'new']);
    assert.deepEqual([broker.stats.dropped.expired, broker.stats.dropped['queue-full']], [1, 1]);
  });
});
