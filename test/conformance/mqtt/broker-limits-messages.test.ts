import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DropReason } from '../../../src/mqtt/broker/hooks.ts';
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

describe('Messages for a client that is away (section 4.1)', () => {
  for (const version of VERSIONS) {
    it(`[MQTT-4.5.0-1] version ${version}: QoS 1 and 2 wait for it, QoS 0 is dropped and counted`, async (t) => {
      const broker = await startBroker(t);
      const client = await connected(broker, version, lasting('s', version));
      await client.subscribe('a', { qos: 2 });
      client.transport.breakOff();
      const publisher = await connected(broker, version);
      for (const qos of QOS_LEVELS) publisher.publish('a', `${qos}`, { qos });
      const back = await connected(broker, version, lasting('s', version));
      const received = await readAcknowledging(back);
      assert.deepEqual(
        received.map((packet) => [packet.qos, textOf(packet), packet.dup]),
        [
          [1, '1', false],
          [2, '2', false],
        ],
      );
      assert.equal(broker.stats.dropped.offline, 1);
      back.transport.breakOff();
      const last = await connected(broker, version, lasting('s', version));
      await last.expectNothing();
    });
  }

  it('queueQos0: QoS 0 waits as well', async (t) => {
    const broker = await startBroker(t, { queueQos0: true });
    const client = await connected(broker, 4, lasting('s', 4));
    await client.subscribe('a', { qos: 0 });
    client.transport.breakOff();
    for (const qos of QOS_LEVELS) broker.publish({ topicName: 'a', qos, payload: `${qos}` });
    const back = await connected(broker, 4, lasting('s', 4));
    assert.deepEqual(
      publishesOf(await back.all()).map((packet) => [packet.qos, textOf(packet)]),
      [
        [0, '0'],
        [0, '1'],
        [0, '2'],
      ],
    );
    back.transport.breakOff();
    const again = await connected(broker, 4, lasting('s', 4));
    await again.expectNothing();
  });

  it('a subscription of QoS 0 keeps nothing for a client that is away', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 0 });
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 2 });
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
  });

  it('maxQueuedMessages: the oldest stay, what comes beyond is dropped, counted and told', async (t) => {
    const dropped: [string, string, DropReason][] = [];
    const hooks = [
      {
        name: 'test',
        onDropped: (topicName: string, clientId: string, why: DropReason) =>
          void dropped.push([topicName, clientId, why]),
      },
    ];
    const broker = await startBroker(t, { maxQueuedMessages: 3, hooks });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    for (const payload of ['1', '2', '3', '4', '5']) broker.publish({ topicName: 'a', qos: 1, payload });
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(await textsOf(back), ['1', '2', '3']);
    assert.equal(broker.stats.dropped['queue-full'], 2);
    assert.deepEqual(dropped, [
      ['a', 's', 'queue-full'],
      ['a', 's', 'queue-full'],
    ]);
  });

  it('maxQueuedMessages 0: nothing waits', async (t) => {
    const broker = await startBroker(t, { maxQueuedMessages: 0 });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 1 });
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
    assert.equal(broker.stats.dropped['queue-full'], 1);
  });

  it('maxQueuedBytes: what fits stays, what does not is dropped and counted', async (t) => {
    const broker = await startBroker(t, { maxQueuedBytes: 10_000 });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    for (const size of [4000, 4000, 4000, 100, 20_000])
      broker.publish({ topicName: 'a', qos: 1, payload: Buffer.alloc(size) });
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual(
      (await readAcknowledging(back)).map(({ payload }) => payload.length),
      [4000, 4000, 100],
    );
    assert.equal(broker.stats.dropped['queue-full'], 2);
    broker.publish({ topicName: 'a', qos: 1, payload: Buffer.alloc(20_000) });
    assert.equal((await back.expect('publish')).payload.length, 20_000);
  });

  it('a queue that was emptied takes as many again', async (t) => {
    const broker = await startBroker(t, { maxQueuedMessages: 3 });
    const first = await connected(broker, 5, lasting('s'));
    await first.subscribe('a', { qos: 1 });
    first.transport.breakOff();
    for (let round = 0; round < 4; round++) {
      const client = await connected(broker, 5, lasting('s'));
      assert.equal((await readAcknowledging(client)).length, round === 0 ? 0 : 3);
      client.transport.breakOff();
      for (let count = 0; count < 3; count++) broker.publish({ topicName: 'a', qos: 1 });
    }
    assert.equal(broker.stats.dropped['queue-full'], 0);
  });

  it('a connected client that does not acknowledge has the same limits', async (t) => {
    const broker = await startBroker(t, { maxQueuedMessages: 3, maxInflightMessages: 2 });
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2 });
    for (let index = 0; index < 8; index++) broker.publish({ topicName: 'a', qos: 2, payload: `${index}` });
    assert.equal(broker.stats.dropped['queue-full'], 3);
    assert.deepEqual((await readAcknowledging(client)).map(textOf), ['0', '1', '2', '3', '4']);
  });
});

describe('Maximum Packet Size of a client (section 3.1.2.11.4)', () => {
  it('[MQTT-3.1.2-24] [MQTT-3.1.2-25] a larger message is dropped as if it was acknowledged', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, {
      ...lasting('s'),
      properties: { maximumPacketSize: 30, receiveMaximum: 1, sessionExpiryInterval: 60 },
    });
    await client.subscribe('a', { qos: 2 });
    for (const qos of QOS_LEVELS) {
      // First byte, Remaining Length, topic, identifier, properties.
      const overhead = 2 + 3 + (qos === 0 ? 0 : 2) + 1;
      broker.publish({ topicName: 'a', qos, payload: 'x'.repeat(31 - overhead) });
      broker.publish({ topicName: 'a', qos, payload: 'x'.repeat(30 - overhead) });
      const received = await readAcknowledging(client);
      assert.deepEqual(
        received.map((packet) => [packet.qos, packet.payload.length]),
        [[qos, 30 - overhead]],
      );
    }
    assert.equal(broker.stats.dropped['packet-too-large'], 3);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    await back.expectNothing();
  });

  it('what a Subscription Identifier adds counts', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, { properties: { maximumPacketSize: 30 } });
    await client.subscribe('a', { subscriptionIdentifier: 300 });
    broker.publish({ topicName: 'a', payload: 'x'.repeat(22) });
    broker.publish({ topicName: 'a', payload: 'x'.repeat(21) });
    assert.deepEqual(
      (await textsOf(client)).map(({ length }) => length),
      [21],
    );
  });

  it('one that waited, and one that is retained, is dropped too, and others are not', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1 });
    client.transport.breakOff();
    const [large, small] = ['x'.repeat(100), 'small'];
    for (const payload of [large, small]) broker.publish({ topicName: 'a', qos: 1, payload });
    broker.publish({ topicName: 'kept', payload: large, retain: true });
    const other = await connected(broker);
    await other.subscribe('kept');
    const back = await connected(broker, 5, {
      ...lasting('s'),
      properties: { maximumPacketSize: 50, sessionExpiryInterval: 60 },
    });
    await back.expect('publish').then(({ payload, packetId }) => {
      assert.equal(Buffer.from(payload).toString(), small);
      acknowledge(back, 'puback', packetId);
    });
    await back.subscribe('kept');
    await back.expectNothing();
    assert.equal((await other.expect('publish')).payload.length, 100);
    assert.equal(broker.stats.dropped['packet-too-large'], 2);
  });
});

describe('A client that does not read', () => {
  it('maxOutboxBytes: QoS 0 beyond it is dropped and counted, QoS 1 waits', async (t) => {
    const broker = await startBroker(t, { maxOutboxBytes: 10_000 });
    const client = await connected(broker, 5, {}, { maxUnreadBytes: 1000 });
    await client.subscribe('a', { qos: 1 });
    const other = await connected(broker, 5, {}, { maxUnreadBytes: 10_000_000 });
    await other.subscribe('a', { qos: 1 });
    broker.publish({ topicName: 'a', payload: 'x'.repeat(70_000) });
    for (let index = 0; index < 50; index++)
      broker.publish({ topicName: 'a', payload: `${index} ${'x'.repeat(1000)}` });
    broker.publish({ topicName: 'a', qos: 1, payload: 'waits' });
    const dropped = broker.stats.dropped['outbox-full'];
    assert.ok(dropped >= 40 && dropped < 50, `${dropped}`);
    const received = await readAcknowledging(client);
    assert.equal(received.length, 52 - dropped);
    assert.ok(received.some((packet) => textOf(packet) === 'waits'));
    assert.equal((await readAcknowledging(other)).length, 52);
    broker.publish({ topicName: 'a', payload: 'again' });
    assert.deepEqual(await textsOf(client), ['again']);
  });
});

describe('What a listener does not offer', () => {
  it('[MQTT-3.2.2-10] [MQTT-3.2.2-11] maximumQos: less is granted, and a PUBLISH above it refused', async (t) => {
    const broker = await startBroker(t, { maximumQos: 1 });
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      assert.deepEqual((await client.subscribe('a', { qos: 2 })).reasonCodes, [1]);
      broker.publish({ topicName: 'a', qos: 2, payload: 'x' });
      assert.deepEqual(
        (await readAcknowledging(client)).map(({ qos }) => qos),
        [1],
      );
      client.publish('a', 'x', { qos: 1, packetId: 3 });
      assert.equal((await readAcknowledging(client)).length, 1);
      client.publish('a', 'x', { qos: 2, packetId: 4 });
      if (version === 5)
        assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.QOS_NOT_SUPPORTED);
      await client.expectClosed();
    }
    const none = await startBroker(t, { maximumQos: 0 });
    const client = await connected(none);
    assert.deepEqual((await client.subscribe('a', { qos: 1 })).reasonCodes, [0]);
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.QOS_NOT_SUPPORTED);
  });

  it('wildcardSubscriptionAvailable off: 0xA2, also for a shared one', async (t) => {
    const broker = await startBroker(t, { wildcardSubscriptionAvailable: false });
    const client = await connected(broker);
    for (const [topicFilter, code] of [
      ['#', 0xa2],
      ['a/+/b', 0xa2],
      ['$share/g/#', 0xa2],
      ['a', 0],
      ['$share/g/a', 0],
    ] as const)
      assert.deepEqual((await client.subscribe(topicFilter)).reasonCodes, [code], topicFilter);
    const earlier = await connected(broker, 4);
    assert.deepEqual((await earlier.subscribe('#')).reasonCodes, [0x80]);
  });

  it('subscriptionIdentifierAvailable off: 0xA1', async (t) => {
    const broker = await startBroker(t, { subscriptionIdentifierAvailable: false });
    const client = await connected(broker);
    assert.deepEqual((await client.subscribe('a', { subscriptionIdentifier: 1 })).reasonCodes, [0xa1]);
    assert.deepEqual((await client.subscribe('a')).reasonCodes, [0]);
  });

  it('maxSubscriptionsPerClient: 0x97 beyond it; those that are there may change, others may subscribe', async (t) => {
    const broker = await startBroker(t, { maxSubscriptionsPerClient: 2 });
    const client = await connected(broker, 5, lasting('s'));
    assert.deepEqual((await client.subscribe('a')).reasonCodes, [0]);
    assert.deepEqual((await client.subscribe('$share/g/a')).reasonCodes, [0]);
    assert.deepEqual((await client.subscribe('b')).reasonCodes, [ReasonCode.QUOTA_EXCEEDED]);
    assert.deepEqual((await client.subscribe('a', { qos: 1 })).reasonCodes, [1]);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual((await back.subscribe('c')).reasonCodes, [ReasonCode.QUOTA_EXCEEDED]);
    const other = await connected(broker);
    assert.deepEqual((await other.subscribe('b')).reasonCodes, [0]);
  });

  it('listeners of one broker may differ', async (t) => {
    const broker = await startBroker(t);
    const strict = broker.acceptor({ name: 'strict', maximumQos: 0, retainAvailable: false });
    const [inside, outside] = [await connected(broker), await connected(strict)];
    assert.deepEqual((await inside.subscribe('a', { qos: 2 })).reasonCodes, [2]);
    assert.deepEqual((await outside.subscribe('a', { qos: 2 })).reasonCodes, [0]);
    inside.publish('a', 'x', { qos: 2 });
    assert.equal((await outside.expect('publish')).qos, 0);
    outside.publish('a', 'x', { retain: true });
    assert.equal((await outside.expect('disconnect')).reasonCode, ReasonCode.RETAIN_NOT_SUPPORTED);
  });
});
