import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  lasting,
  publishesOf,
  startBroker,
  textOf,
  textsOf,
} from '../../helpers/mqtt-broker-rig.ts';
import type { WireClient } from '../../helpers/mqtt-wire-client.ts';

function unsubscribeFrom(client: WireClient, packetId: number, ...topicFilters: string[]): void {
  client.send({ type: 'unsubscribe', packetId, properties: {}, topicFilters });
}

describe('UNSUBSCRIBE and UNSUBACK (sections 3.10 and 3.11)', () => {
  it('[MQTT-3.10.4-4] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] a Reason Code for each filter', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    for (const topicFilter of ['a', 'b/#', '$share/g/a']) await client.subscribe(topicFilter);
    unsubscribeFrom(client, 700, 'a', 'unknown', 'b/#', 'a/'.repeat(64), '$share/g/a', 'a');
    const { packetId, reasonCodes } = await client.expect('unsuback');
    assert.equal(packetId, 700);
    const none = ReasonCode.NO_SUBSCRIPTION_EXISTED;
    assert.deepEqual(reasonCodes, [0, none, 0, ReasonCode.TOPIC_FILTER_INVALID, 0, none]);
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('[MQTT-4.7.1-1] [MQTT-4.7.3-1] a filter that is malformed ends the connection, and nothing is taken away', async (t) => {
    const broker = await startBroker(t);
    for (const bad of ['', 'bad#', '$share/g']) {
      const client = await connected(broker, 5, lasting('s'));
      await client.subscribe('a');
      unsubscribeFrom(client, 700, 'a', bad);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
      assert.equal(broker.counts.subscriptions, 1);
    }
  });

  it('[MQTT-3.10.4-5] [v3.1.1 MQTT-3.10.4-5] an answer comes also when nothing was there', async (t) => {
    const broker = await startBroker(t);
    for (const version of [3, 4] as const) {
      const client = await connected(broker, version);
      await client.subscribe('a');
      unsubscribeFrom(client, 258, 'a', 'b');
      assert.deepEqual(await client.bytes(), Buffer.from([0xb0, 2, 1, 2]));
    }
  });

  it('[MQTT-3.10.4-1] filters are compared character by character', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    for (const topicFilter of ['a/+', 'a/b', 'A/b', 'a/b/', '\u00c5']) await client.subscribe(topicFilter);
    unsubscribeFrom(client, 1, 'a/#', '#', '+/b', 'a', 'a/b//', 'A\u030a', 'a/b');
    const { reasonCodes } = await client.expect('unsuback');
    const none = ReasonCode.NO_SUBSCRIPTION_EXISTED;
    assert.deepEqual(reasonCodes, [none, none, none, none, none, none, 0]);
    assert.equal(broker.counts.subscriptions, 4);
    broker.publish({ topicName: 'a/b', payload: 'by a/+' });
    assert.deepEqual(await textsOf(client), ['by a/+']);
  });

  it('[MQTT-3.10.4-2] no new message comes after it, not even with it in one piece', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a');
    broker.publish({ topicName: 'a', payload: 'before' });
    unsubscribeFrom(client, 1, 'a');
    client.publish('a', 'after');
    broker.publish({ topicName: 'a', payload: 'after' });
    assert.deepEqual(
      (await client.all()).map(({ type }) => type),
      ['publish', 'unsuback'],
    );
  });

  it('[MQTT-3.10.4-3] what has begun at QoS 1 and 2 is completed, also across a reconnect', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 2 });
    broker.publish({ topicName: 'a', qos: 1, payload: '1' });
    broker.publish({ topicName: 'a', qos: 2, payload: '2' });
    const packets = publishesOf(await client.all());
    unsubscribeFrom(client, 1, 'a');
    await client.expect('unsuback');
    acknowledge(client, 'pubrec', packets[1]!.packetId);
    await client.expect('pubrel');
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    assert.equal((await back.expect('pubrel')).packetId, packets[1]!.packetId);
    assert.equal(textOf(await back.expect('publish')), '1');
    await back.expectNothing();
  });

  it('other subscriptions of the client, and those of others, stay', async (t) => {
    const broker = await startBroker(t);
    const [client, other] = [await connected(broker), await connected(broker)];
    for (const topicFilter of ['a', 'b']) {
      await client.subscribe(topicFilter);
      await other.subscribe(topicFilter);
    }
    unsubscribeFrom(client, 1, 'a');
    await client.expect('unsuback');
    for (const topicName of ['a', 'b']) broker.publish({ topicName, payload: topicName });
    assert.deepEqual(await textsOf(client), ['b']);
    assert.deepEqual(await textsOf(other), ['a', 'b']);
  });

  it('an ordinary subscription and a shared one with the same filter are two', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    for (const topicFilter of ['a', '$share/g/a', '$share/h/a']) await client.subscribe(topicFilter);
    unsubscribeFrom(client, 1, '$share/g/a');
    await client.expect('unsuback');
    broker.publish({ topicName: 'a', payload: 'x' });
    assert.deepEqual(await textsOf(client), ['x', 'x']);
    unsubscribeFrom(client, 1, 'a');
    await client.expect('unsuback');
    broker.publish({ topicName: 'a', payload: 'y' });
    assert.deepEqual(await textsOf(client), ['y']);
  });

  it('makes room under maxSubscriptionsPerClient', async (t) => {
    const broker = await startBroker(t, { maxSubscriptionsPerClient: 1 });
    const client = await connected(broker);
    await client.subscribe('a');
    assert.deepEqual((await client.subscribe('b')).reasonCodes, [ReasonCode.QUOTA_EXCEEDED]);
    unsubscribeFrom(client, 1, 'a');
    await client.expect('unsuback');
    assert.deepEqual((await client.subscribe('b')).reasonCodes, [0]);
  });

  it('[MQTT-3.10.1-1] [MQTT-3.10.3-1] [MQTT-3.10.3-2] a malformed UNSUBSCRIBE ends the connection', async (t) => {
    const broker = await startBroker(t);
    for (const [bytes, codes] of [
      ['a0 06 0001 00 0001 61', [ReasonCode.MALFORMED_PACKET]],
      ['a2 03 0001 00', [ReasonCode.PROTOCOL_ERROR]],
      ['a2 06 0000 00 0001 61', [ReasonCode.PROTOCOL_ERROR, ReasonCode.MALFORMED_PACKET]],
      ['a2 06 0001 00 0001 ff', [ReasonCode.MALFORMED_PACKET]],
    ] as const) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      const { reasonCode } = await client.expect('disconnect');
      assert.ok((codes as readonly number[]).includes(reasonCode), `${bytes}: ${reasonCode}`);
      await client.expectClosed();
    }
  });

  it('is of the session: it holds when the client comes back', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 4, lasting('s', 4));
    await client.subscribe('a', { qos: 1 });
    await client.subscribe('b', { qos: 1 });
    unsubscribeFrom(client, 1, 'a');
    await client.expect('unsuback');
    client.transport.breakOff();
    for (const topicName of ['a', 'b']) broker.publish({ topicName, payload: topicName, qos: 1 });
    const back = await connected(broker, 4, lasting('s', 4));
    assert.deepEqual(await textsOf(back), ['b']);
  });
});
