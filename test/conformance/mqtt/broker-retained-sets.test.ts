import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Broker } from '../../../src/mqtt/broker/broker.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  publishesOf,
  readAcknowledging,
  startBroker,
  textOf,
  textsOf,
  willOf,
} from '../../helpers/mqtt-broker-rig.ts';
import { turnEnd, type WireClient, subscribePacket } from '../../helpers/mqtt-wire-client.ts';

/** `house/{0…}/room/{0…9}`, each with its own name as payload. */
function fill(broker: Broker, count: number, qos: 0 | 1 | 2 = 0): string[] {
  const topics = Array.from({ length: count }, (_, at) => `house/${Math.floor(at / 10)}/room/${at % 10}`);
  for (const topicName of topics) broker.publish({ topicName, payload: topicName, retain: true, qos });
  return topics;
}

async function retainedOf(client: WireClient, topicFilter: string, qos: 0 | 1 | 2 = 0): Promise<string[]> {
  await client.subscribe(topicFilter, { qos });
  const packets = await readAcknowledging(client);
  for (const packet of packets) assert.equal(textOf(packet), packet.topicName);
  return packets.map(({ topicName }) => topicName).toSorted();
}

describe('Many retained messages', () => {
  it('# and + bring each of thousands exactly once, in pieces', async (t) => {
    const broker = await startBroker(t);
    const topics = fill(broker, 5000);
    broker.publish({ topicName: 'elsewhere', payload: 'elsewhere', retain: true });
    const client = await connected(broker, 5, {}, { maxUnreadBytes: 10_000_000 });
    assert.deepEqual(await retainedOf(client, '#'), [...topics, 'elsewhere'].toSorted());
    assert.deepEqual(await retainedOf(client, 'house/+/room/+'), topics.toSorted());
    const third = topics.filter((topic) => topic.endsWith('/room/3')).toSorted();
    assert.deepEqual(await retainedOf(client, 'house/+/room/3'), third);
    assert.deepEqual(await retainedOf(client, 'house/17/#'), topics.slice(170, 180).toSorted());
    assert.deepEqual(await retainedOf(client, 'house/17'), []);
  });

  for (const qos of [0, 1, 2] as const) {
    it(`QoS ${qos}: a client that reads slowly gets them all`, async (t) => {
      const broker = await startBroker(t, { maxOutboxBytes: 2048, maxInflightMessages: 16 });
      const topics = fill(broker, 3000, qos);
      for (const version of [4, 5] as const) {
        const client = await connected(broker, version, {}, { maxUnreadBytes: 4000 });
        assert.deepEqual(await retainedOf(client, '#', qos), topics.toSorted());
      }
      assert.deepEqual(broker.stats.dropped, {
        'outbox-full': 0,
        'queue-full': 0,
        offline: 0,
        expired: 0,
        'packet-too-large': 0,
      });
    });

    it(`QoS ${qos}: large ones get through to a client that reads slowly`, async (t) => {
      const broker = await startBroker(t, { maxOutboxBytes: 65_536, maxQueuedBytes: 65_536 });
      for (let index = 0; index < 100; index++)
        broker.publish({
          topicName: `big/${index}`,
          payload: Buffer.alloc(30_000, index),
          retain: true,
          qos,
        });
      const client = await connected(broker, 5, {}, { maxUnreadBytes: 4000 });
      await client.subscribe('big/+', { qos });
      const received = await readAcknowledging(client);
      assert.equal(received.length, 100);
      for (const { topicName, payload } of received)
        assert.ok(payload.every((byte) => byte === Number(topicName.slice(4))));
    });
  }

  it('a queue that is short, or may hold nothing, loses none', async (t) => {
    for (const maxQueuedMessages of [0, 10]) {
      const broker = await startBroker(t, { maxQueuedMessages });
      const topics = fill(broker, 400, 1);
      const client = await connected(broker, 5, { properties: { receiveMaximum: 3 } });
      assert.deepEqual(await retainedOf(client, '#', 1), topics.toSorted());
      assert.equal(broker.stats.dropped['queue-full'], 0);
    }
  });

  it('other clients are served between the pieces', async (t) => {
    const broker = await startBroker(t);
    fill(broker, 5000);
    const [many, other] = [
      await connected(broker, 5, {}, { maxUnreadBytes: 10_000_000 }),
      await connected(broker),
    ];
    many.send(subscribePacket(['#']));
    await turnEnd();
    other.send({ type: 'pingreq' });
    await turnEnd();
    await turnEnd();
    const before = (await other.all()).length;
    assert.equal(before, 1);
    assert.equal(publishesOf(await many.all()).length, 5000);
  });

  it('[MQTT-3.10.4-2] UNSUBSCRIBE ends what was not sent; that of a shared one does not', async (t) => {
    const broker = await startBroker(t);
    fill(broker, 3000, 1);
    const client = await connected(broker, 5, { properties: { receiveMaximum: 10 } });
    await client.subscribe('$share/g/house/#', { qos: 1 });
    await client.subscribe('house/#', { qos: 1 });
    const first = publishesOf(await client.all());
    assert.equal(first.length, 10);
    client.send({ type: 'unsubscribe', packetId: 2, properties: {}, topicFilters: ['$share/g/house/#'] });
    await client.expect('unsuback');
    for (const { packetId } of first) acknowledge(client, 'puback', packetId);
    const second = publishesOf(await client.all());
    assert.equal(second.length, 10);
    client.send({ type: 'unsubscribe', packetId: 3, properties: {}, topicFilters: ['house/#'] });
    await client.expect('unsuback');
    for (const { packetId } of second) acknowledge(client, 'puback', packetId);
    await client.expectNothing();
  });

  it('one that is replaced or removed before it was sent does not come as it was', async (t) => {
    const broker = await startBroker(t);
    const topics = fill(broker, 100, 1);
    const client = await connected(broker, 5, { properties: { receiveMaximum: 1 } });
    await client.subscribe('house/#', { qos: 1 });
    const first = await client.expect('publish');
    for (const topicName of topics) {
      if (topicName === first.topicName) continue;
      const isKept = topicName.endsWith('5');
      broker.publish({ topicName, payload: isKept ? 'new' : '', retain: true, qos: 0 });
    }
    const live = publishesOf(await client.all());
    assert.equal(live.length, 99);
    acknowledge(client, 'puback', first.packetId);
    const later = await readAcknowledging(client);
    for (const packet of later) assert.equal(textOf(packet), 'new');
  });

  it('a client that leaves in the midst of it leaves nothing behind', async (t) => {
    const broker = await startBroker(t);
    fill(broker, 3000, 1);
    const client = await connected(broker, 4);
    await client.subscribe('#', { qos: 1 });
    await client.expect('publish');
    client.transport.breakOff();
    const next = await connected(broker, 5, {}, { maxUnreadBytes: 10_000_000 });
    await next.subscribe('house/1/#');
    assert.equal((await textsOf(next)).length, 10);
    assert.equal(broker.counts.subscriptions, 1);
  });

  it('a session that goes on gets the rest when its client is back', async (t) => {
    const broker = await startBroker(t);
    const topics = fill(broker, 1000, 1);
    const session = {
      clientId: 's',
      cleanStart: false,
      properties: { sessionExpiryInterval: 60, receiveMaximum: 10 },
    };
    const client = await connected(broker, 5, session);
    await client.subscribe('#', { qos: 1 });
    await client.expect('publish');
    client.transport.breakOff();
    const back = await connected(broker, 5, session);
    const received = new Set((await readAcknowledging(back)).map(({ topicName }) => topicName));
    assert.deepEqual([...received].toSorted(), topics.toSorted());
  });
});

describe('Limits of retained messages', () => {
  it('maxRetainedMessages: a new topic is refused with 0x97, one that is there is replaced', async (t) => {
    const broker = await startBroker(t, { maxRetainedMessages: 2 });
    const [client, observer] = [await connected(broker), await connected(broker)];
    await observer.subscribe('#', { qos: 1 });
    for (const topic of ['a', 'b']) {
      client.publish(topic, '1', { qos: 1, retain: true });
      assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    }
    assert.equal((await observer.all()).length, 2);
    client.publish('c', '1', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.QUOTA_EXCEEDED);
    client.publish('c', '1', { qos: 2, retain: true });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.QUOTA_EXCEEDED);
    client.publish('c', '1', { retain: true });
    await client.expectNothing();
    await observer.expectNothing();
    assert.equal(broker.stats.retainRefused, 3);
    client.publish('a', '2', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    client.publish('a', '', { qos: 1, retain: true });
    await client.expect('puback');
    client.publish('c', '1', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    assert.equal(broker.counts.retainedMessages, 2);
  });

  it('maxRetainedBytes: what does not fit is refused with 0x97, and what was there stays', async (t) => {
    const broker = await startBroker(t, { maxRetainedBytes: 1000 });
    const client = await connected(broker);
    client.publish('a', 'small', { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NO_MATCHING_SUBSCRIBERS);
    client.publish('a', 'x'.repeat(2000), { qos: 1, retain: true });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.QUOTA_EXCEEDED);
    const late = await connected(broker);
    await late.subscribe('#');
    assert.deepEqual(await textsOf(late), ['small']);
    assert.ok(broker.counts.retainedBytes > 0 && broker.counts.retainedBytes <= 1000);
  });

  it('broker.publish is refused as a whole, and a Will goes to those who are there without RETAIN', async (t) => {
    const broker = await startBroker(t, { maxRetainedMessages: 0 });
    const observer = await connected(broker);
    await observer.subscribe('#', { qos: 1, retainAsPublished: true });
    const full = { code: 'MQTT_RETAINED_FULL' };
    assert.throws(() => broker.publish({ topicName: 'a', payload: '1', retain: true }), full);
    await observer.expectNothing();
    const client = await connected(broker, 5, { willMessage: willOf({ topicName: 'gone', retain: true }) });
    client.transport.breakOff();
    const will = await observer.expect('publish');
    assert.deepEqual([will.topicName, will.retain], ['gone', false]);
    assert.deepEqual([broker.stats.retainRefused, broker.counts.retainedMessages], [2, 0]);
  });

  it('[v3.1.1] an earlier client is acknowledged, for it has no other word', async (t) => {
    const broker = await startBroker(t, { maxRetainedMessages: 0 });
    const client = await connected(broker, 4);
    client.publish('a', 'x', { qos: 1, retain: true, packetId: 5 });
    assert.deepEqual(await client.bytes(), Buffer.from([0x40, 2, 0, 5]));
    assert.equal(broker.stats.retainRefused, 1);
  });
});
