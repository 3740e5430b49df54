import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QoS } from '../../../src/mqtt/codec/control-packet.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import type { SubscriptionRequest } from '../../../src/mqtt/codec/subscribe.ts';
import {
  connected,
  lasting,
  QOS_LEVELS,
  startBroker,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

function request(
  topicFilter: string,
  qos: QoS = 0,
  more: Partial<SubscriptionRequest> = {},
): SubscriptionRequest {
  return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0, ...more };
}

describe('SUBSCRIBE and SUBACK (sections 3.8 and 3.9)', () => {
  it('[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-7] SUBACK has the identifier and the granted QoS', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      for (const qos of QOS_LEVELS) {
        const suback = await client.subscribe(`a/${qos}`, { qos, packetId: 300 + qos });
        assert.equal(suback.packetId, 300 + qos);
        assert.deepEqual(suback.reasonCodes, [qos]);
      }
    }
  });

  it('[MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.9.3-1] a Reason Code for each filter, in their order', async (t) => {
    const broker = await startBroker(t);
    const [client, publisher] = [await connected(broker), await connected(broker)];
    const subscriptions = [
      request('a', 2),
      request('a/'.repeat(64), 0),
      request('c', 0),
      request(`$share/g/${'d/'.repeat(64)}`, 1),
      request('e', 1),
    ];
    client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions });
    const invalid = ReasonCode.TOPIC_FILTER_INVALID;
    assert.deepEqual((await client.expect('suback')).reasonCodes, [2, invalid, 0, invalid, 1]);
    for (const topic of ['a', 'c', 'e']) publisher.publish(topic, topic);
    assert.deepEqual(await textsOf(client), ['a', 'c', 'e']);
  });

  it('[MQTT-3.8.4-5] the same filter twice in one SUBSCRIBE: the last one holds', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const subscriptions = [request('a', 2), request('a', 1)];
    client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions });
    assert.deepEqual((await client.expect('suback')).reasonCodes, [2, 1]);
    broker.publish({ topicName: 'a', qos: 2 });
    assert.equal((await client.expect('publish')).qos, 1);
    await client.expectNothing();
    assert.equal(broker.counts.subscriptions, 1);
  });

  it('one SUBSCRIBE may have a thousand filters', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const subscriptions = Array.from({ length: 1000 }, (_, index) => request(`many/${index}`, 1));
    client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions });
    const { reasonCodes } = await client.expect('suback');
    assert.equal(reasonCodes.length, 1000);
    assert.ok(reasonCodes.every((code) => code === 1));
  });

  it('[v3.1.1 MQTT-3.9.3-2] 3.1.1 has 0x80 for every failure; 3.1 has no word for it', async (t) => {
    const broker = await startBroker(t);
    for (const [version, codes] of [
      [4, [1, 0x80, 2]],
      [3, [1, 0, 2]],
    ] as const) {
      const client = await connected(broker, version);
      const subscriptions = [request('a', 1), request('a/'.repeat(64), 1), request('b', 2)];
      client.send({ type: 'subscribe', packetId: 9, properties: {}, subscriptions });
      assert.deepEqual(await client.bytes(), Buffer.from([0x90, 5, 0, 9, ...codes]));
    }
  });

  it('[MQTT-3.8.4-3] a filter that is there gets new options, and stays one subscription', async (t) => {
    const broker = await startBroker(t);
    const [client, publisher] = [await connected(broker), await connected(broker)];
    await client.subscribe('a', { qos: 0, subscriptionIdentifier: 1 });
    await client.subscribe('a', { qos: 1, subscriptionIdentifier: 2, retainAsPublished: true });
    publisher.publish('a', 'x', { qos: 1, retain: true });
    const received = await client.expect('publish');
    assert.deepEqual([received.qos, received.retain], [1, true]);
    assert.deepEqual(received.properties.subscriptionIdentifiers, [2]);
    await client.subscribe('a', { qos: 0, retainHandling: 2 });
    publisher.publish('a', 'x', { qos: 1 });
    const last = await client.expect('publish');
    assert.deepEqual([last.qos, last.properties.subscriptionIdentifiers], [0, undefined]);
    await client.expectNothing();
    assert.equal(broker.counts.subscriptions, 1);
  });

  it('[MQTT-3.8.4-4] replacing loses no message that waits', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, { properties: { receiveMaximum: 1 } });
    await client.subscribe('a', { qos: 1 });
    for (const payload of ['1', '2', '3']) broker.publish({ topicName: 'a', qos: 1, payload });
    await client.expect('publish');
    await client.subscribe('a', { qos: 0, packetId: 2 });
    client.send({ type: 'puback', packetId: 1, reasonCode: 0, properties: {} });
    const second = await client.expect('publish');
    client.send({ type: 'puback', packetId: second.packetId, reasonCode: 0, properties: {} });
    await client.expect('publish');
  });

  it('[MQTT-3.8.1-1] [MQTT-3.8.3-2] [MQTT-3.8.3-5] a malformed SUBSCRIBE ends the connection', async (t) => {
    const broker = await startBroker(t);
    const cases: [string, ReasonCode[]][] = [
      ['80 07 0001 00 0001 61 00', [ReasonCode.MALFORMED_PACKET]], // flags
      ['82 03 0001 00', [ReasonCode.PROTOCOL_ERROR]], // no filter
      ['82 07 0001 00 0001 61 03', [ReasonCode.PROTOCOL_ERROR, ReasonCode.MALFORMED_PACKET]], // QoS 3
      ['82 07 0001 00 0001 61 40', [ReasonCode.MALFORMED_PACKET]], // a reserved bit
      ['82 07 0001 00 0001 61 30', [ReasonCode.PROTOCOL_ERROR]], // Retain Handling 3
      ['82 07 0000 00 0001 61 00', [ReasonCode.PROTOCOL_ERROR, ReasonCode.MALFORMED_PACKET]], // identifier 0
      ['82 09 0001 02 0b00 0001 61 00', [ReasonCode.PROTOCOL_ERROR]], // Subscription Identifier 0
      ['82 0b 0001 04 0b010b02 0001 61 00', [ReasonCode.PROTOCOL_ERROR]], // two of them
      ['82 07 0001 00 0001 ff 00', [ReasonCode.MALFORMED_PACKET]], // [MQTT-3.8.3-1]
      ['82 06 0001 00 0001 61', [ReasonCode.MALFORMED_PACKET]], // without options
    ];
    for (const [bytes, codes] of cases) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      const { reasonCode } = await client.expect('disconnect');
      assert.ok(codes.includes(reasonCode), `${bytes}: ${reasonCode}`);
      await client.expectClosed();
    }
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('[v3.1.1 MQTT-3.8.3-4] reserved bits beside the QoS cut a client of 3.1.1 off', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 4);
    client.sendBytes('82 06 0001 0001 61 04');
    await client.expectClosed();
  });

  it('[MQTT-3.8.3-4] No Local on a Shared Subscription is a Protocol Error', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const subscriptions = [request('a'), request('$share/g/a', 0, { noLocal: true })];
    client.send({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
    await client.expectClosed();
    assert.equal(broker.counts.subscriptions, 0);
  });

  it('[MQTT-3.8.3-3] No Local keeps from a client what it published itself, and nothing else', async (t) => {
    const broker = await startBroker(t);
    const [client, other] = [await connected(broker, 5, lasting('s')), await connected(broker)];
    await client.subscribe('a', { qos: 1, noLocal: true });
    client.publish('a', 'own');
    client.publish('a', 'own', { qos: 1, packetId: 5 });
    const puback = await client.expect('puback');
    assert.equal(puback.reasonCode, ReasonCode.NO_MATCHING_SUBSCRIBERS);
    other.publish('a', 'of another');
    broker.publish({ topicName: 'a', payload: 'of the server' });
    assert.deepEqual(await textsOf(client), ['of another', 'of the server']);
    client.transport.breakOff();
    const back = await connected(broker, 5, lasting('s'));
    back.publish('a', 'own again');
    await back.expectNothing();
  });

  it('without No Local a client gets what it published itself; earlier clients always do', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      await client.subscribe(`own/${version}`);
      client.publish(`own/${version}`, 'x');
      assert.deepEqual(await textsOf(client), ['x']);
    }
  });

  it('the SUBACK comes before the first message', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    broker.publish({ topicName: 'a', retain: true, payload: 'retained' });
    client.send({ type: 'subscribe', packetId: 1, properties: {}, subscriptions: [request('a', 1)] });
    client.publish('a', 'own');
    const types = (await client.all()).map(({ type }) => type);
    assert.deepEqual(types, ['suback', 'publish', 'publish']);
  });

  it('user properties of SUBSCRIBE are taken without a word', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const properties = { userProperties: [['a', 'b']] as const };
    client.send({ type: 'subscribe', packetId: 1, properties, subscriptions: [request('a')] });
    assert.deepEqual((await client.expect('suback')).properties, {});
  });
});

describe('Subscription Identifiers (section 3.8.2.1.2)', () => {
  it('[MQTT-3.3.4-3] come with the messages of their subscription', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    const identifiers = [1, 127, 128, 16_383, 16_384, 2_097_152, 268_435_455];
    for (const subscriptionIdentifier of identifiers)
      await client.subscribe(`id/${subscriptionIdentifier}`, { subscriptionIdentifier });
    for (const identifier of identifiers) {
      broker.publish({ topicName: `id/${identifier}`, properties: { contentType: 'x' } });
      const { properties } = await client.expect('publish');
      assert.deepEqual(properties, { contentType: 'x', subscriptionIdentifiers: [identifier] });
    }
  });

  it('[MQTT-3.3.4-3] come with retained messages, with queued ones, and to each client its own', async (t) => {
    const broker = await startBroker(t);
    broker.publish({ topicName: 'a', retain: true, qos: 1, payload: 'x' });
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1, subscriptionIdentifier: 5 });
    const retained = await client.expect('publish');
    assert.deepEqual([retained.retain, retained.properties.subscriptionIdentifiers], [true, [5]]);
    client.send({ type: 'puback', packetId: retained.packetId, reasonCode: 0, properties: {} });
    const others = [];
    for (const subscriptionIdentifier of [6, 7]) {
      const other = await connected(broker);
      await other.subscribe('a', { subscriptionIdentifier, retainHandling: 2 });
      others.push(other);
    }
    client.transport.breakOff();
    broker.publish({ topicName: 'a', qos: 1 });
    for (const [index, other] of others.entries())
      assert.deepEqual((await other.expect('publish')).properties.subscriptionIdentifiers, [6 + index]);
    const back = await connected(broker, 5, lasting('s'));
    assert.deepEqual((await back.expect('publish')).properties.subscriptionIdentifiers, [5]);
  });

  it('are left out for clients of earlier versions', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 5, lasting('s'));
    await client.subscribe('a', { qos: 1, subscriptionIdentifier: 5 });
    client.transport.breakOff();
    const back = await connected(broker, 4, lasting('s', 4));
    broker.publish({ topicName: 'a', payload: 'x' });
    assert.deepEqual(await back.bytes(), Buffer.from([0x30, 4, 0, 1, 0x61, 0x78]));
  });
});

describe('Overlapping subscriptions (section 3.3.4)', () => {
  it('[MQTT-3.3.4-2] [MQTT-3.3.4-4] one copy with the highest QoS and all identifiers', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a/b', { qos: 0, subscriptionIdentifier: 1 });
    await client.subscribe('a/+', { qos: 2, subscriptionIdentifier: 2 });
    await client.subscribe('#', { qos: 1, subscriptionIdentifier: 3 });
    await client.subscribe('a/#', { qos: 0 });
    broker.publish({ topicName: 'a/b', qos: 2 });
    const received = await client.expect('publish');
    assert.equal(received.qos, 2);
    const identifiers = [...received.properties.subscriptionIdentifiers!].toSorted((one, two) => one - two);
    assert.deepEqual(identifiers, [1, 2, 3]);
    await client.expectNothing();
  });

  it('[v3.1.1 MQTT-3.3.5-1] the highest QoS for earlier clients too', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      await client.subscribe(`o/${version}`, { qos: 0 });
      await client.subscribe(`o/${version}/#`, { qos: 2 });
      broker.publish({ topicName: `o/${version}`, qos: 2 });
      assert.equal((await client.expect('publish')).qos, 2);
      await client.expectNothing();
    }
  });

  it('[MQTT-3.8.3-3] No Local of one of them takes nothing from the other', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { qos: 2, noLocal: true, subscriptionIdentifier: 1 });
    await client.subscribe('#', { qos: 1, subscriptionIdentifier: 2 });
    client.publish('a', 'own', { qos: 2, packetId: 9 });
    await client.expect('pubrec');
    const own = await client.expect('publish');
    assert.deepEqual([own.qos, own.properties.subscriptionIdentifiers], [1, [2]]);
    broker.publish({ topicName: 'a', qos: 2 });
    const other = await client.expect('publish');
    assert.equal(other.qos, 2);
    assert.equal(other.properties.subscriptionIdentifiers!.length, 2);
  });

  it('[MQTT-3.3.4-5] a Shared Subscription beside an ordinary one makes a copy of its own', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    await client.subscribe('a', { subscriptionIdentifier: 1 });
    await client.subscribe('$share/g/a', { subscriptionIdentifier: 2 });
    broker.publish({ topicName: 'a' });
    const packets = [await client.expect('publish'), await client.expect('publish')];
    assert.deepEqual(
      packets.map(({ properties }) => properties.subscriptionIdentifiers),
      [[1], [2]],
    );
    await client.expectNothing();
  });
});
