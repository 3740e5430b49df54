import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PublishProperties } from '../../../src/mqtt/codec/publish.ts';
import { ReasonCode } from '../../../src/mqtt/codec/reason-code.ts';
import {
  acknowledge,
  connected,
  publishesOf,
  QOS_LEVELS,
  readAcknowledging,
  startBroker,
  textOf,
  textsOf,
  VERSIONS,
} from '../../helpers/mqtt-broker-rig.ts';

describe('PUBLISH, Fixed Header (section 3.3.1)', () => {
  it('[MQTT-3.3.1-3] DUP of what came in says nothing of what goes out', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a', { qos: 2 });
    for (const qos of [1, 2] as const) {
      publisher.publish('a', 'x', { qos, dup: true, packetId: qos });
      assert.deepEqual(
        (await readAcknowledging(subscriber)).map(({ dup }) => dup),
        [false],
      );
    }
  });

  it('[MQTT-4.3.2-2] [MQTT-4.3.3-2] DUP is 0 the first time, with an identifier', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a', { qos: 2 });
    for (const qos of [1, 2] as const) {
      broker.publish({ topicName: 'a', qos });
      const received = await subscriber.expect('publish');
      assert.equal(received.dup, false);
      assert.equal(received.qos, qos);
      assert.notEqual(received.packetId, 0);
    }
  });

  it('[MQTT-3.3.1-2] [MQTT-3.3.1-4] DUP at QoS 0 and QoS 3 end the connection with 0x81', async (t) => {
    const broker = await startBroker(t);
    for (const firstByte of [0x38, 0x36, 0x3e]) {
      const client = await connected(broker);
      client.sendBytes([firstByte, 6, 0, 1, 0x61, 0, 1, 0]);
      assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.MALFORMED_PACKET);
      await client.expectClosed();
    }
    assert.equal(broker.stats.protocolErrors, 3);
  });

  it('[v3.1.1 MQTT-3.3.1-2] [v3.1.1 MQTT-3.3.1-4] earlier clients are cut off; 3.1 may say DUP at QoS 0', async (t) => {
    const broker = await startBroker(t);
    const observer = await connected(broker);
    await observer.subscribe('a');
    for (const [version, firstByte, isClosed] of [
      [4, 0x38, true],
      [4, 0x36, true],
      [3, 0x36, true],
      [3, 0x38, false],
    ] as const) {
      const client = await connected(broker, version);
      client.sendBytes([firstByte, 4, 0, 1, 0x61, 0x62]);
      if (isClosed) await client.expectClosed();
      else await client.expectNothing();
      assert.equal(client.transport.isClosed, isClosed);
    }
    assert.equal((await observer.expect('publish')).dup, false);
    await observer.expectNothing();
  });

  it('[MQTT-3.3.1-12] RETAIN is 0 when a message goes on to a subscription that was there', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const [publisher, subscriber] = [await connected(broker, version), await connected(broker, version)];
      await subscriber.subscribe(`r/${version}`);
      publisher.publish(`r/${version}`, 'x', { retain: true });
      assert.equal((await subscriber.expect('publish')).retain, false);
    }
  });

  it('[MQTT-3.3.1-13] with Retain As Published RETAIN goes on as it came', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a', { retainAsPublished: true });
    publisher.publish('a', 'x', { retain: true });
    publisher.publish('a', 'y', { retain: false });
    publisher.publish('a', '', { retain: true });
    const flags = publishesOf(await subscriber.all()).map(({ retain }) => retain);
    assert.deepEqual(flags, [true, false, true]);
  });
});

describe('PUBLISH, properties (section 3.3.2.3)', () => {
  const untouched: PublishProperties = {
    payloadFormatIndicator: 1,
    contentType: 'application/json; charset=ütf-8',
    responseTopic: 'answers/to/me',
    correlationData: Uint8Array.of(0, 1, 2, 0xff, 0x80),
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '1'],
      ['', ''],
      ['a', '☃'],
    ],
  };

  it('[MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20] go on as they came', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker);
    const [plain, identified, aliased] = [
      await connected(broker),
      await connected(broker),
      await connected(broker, 5, { properties: { topicAliasMaximum: 3 } }),
    ];
    for (const client of [plain, aliased]) await client.subscribe('q', { qos: 2 });
    await identified.subscribe('q', { qos: 2, subscriptionIdentifier: 7 });
    for (const qos of QOS_LEVELS) {
      publisher.publish('q', 'body', { qos, properties: untouched });
      for (const client of [plain, identified, aliased]) {
        const { properties, payload } = (await readAcknowledging(client))[0]!;
        const { topicAlias: _, subscriptionIdentifiers, ...rest } = properties;
        assert.deepEqual(rest, untouched);
        assert.deepEqual(subscriptionIdentifiers, client === identified ? [7] : undefined);
        assert.equal(Buffer.from(payload).toString(), 'body');
      }
    }
  });

  it('[MQTT-3.3.2-4] [MQTT-3.3.2-18] also when retained, and when queued', async (t) => {
    const broker = await startBroker(t);
    const publisher = await connected(broker);
    const session = { clientId: 'away', cleanStart: false, properties: { sessionExpiryInterval: 60 } };
    const away = await connected(broker, 5, session);
    await away.subscribe('q', { qos: 1 });
    away.transport.breakOff();
    publisher.publish('q', 'body', { qos: 1, retain: true, properties: untouched });
    const back = await connected(broker, 5, session);
    assert.deepEqual((await back.expect('publish')).properties, untouched);
    const late = await connected(broker);
    await late.subscribe('q');
    assert.deepEqual((await late.expect('publish')).properties, untouched);
  });

  it('an absent Payload Format Indicator is not made up, and 0 stays 0', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    publisher.publish('a', 'x');
    publisher.publish('a', 'x', { properties: { payloadFormatIndicator: 0 } });
    assert.deepEqual((await subscriber.expect('publish')).properties, {});
    assert.deepEqual((await subscriber.expect('publish')).properties, { payloadFormatIndicator: 0 });
  });

  it('a payload that breaks the promise of its Payload Format Indicator goes on: nobody has to look', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('a');
    publisher.publish('a', Buffer.from([0xff, 0xfe]), { properties: { payloadFormatIndicator: 1 } });
    assert.deepEqual([...(await subscriber.expect('publish')).payload], [0xff, 0xfe]);
  });

  it('what is malformed among the properties ends the connection, and goes to nobody', async (t) => {
    const broker = await startBroker(t);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    const cases: [string, ReasonCode][] = [
      ['01 02', ReasonCode.PROTOCOL_ERROR], // Payload Format Indicator 2
      ['01 00 01 00', ReasonCode.PROTOCOL_ERROR], // twice
      ['02 00000001 02 00000001', ReasonCode.PROTOCOL_ERROR],
      ['03 0002 c3 28', ReasonCode.MALFORMED_PACKET], // [MQTT-3.3.2-19] not UTF-8
      ['08 0001 23', ReasonCode.PROTOCOL_ERROR], // [MQTT-3.3.2-14] a wildcard
      ['08 0001 ff', ReasonCode.MALFORMED_PACKET], // [MQTT-3.3.2-13]
      ['09 0001 00 09 0001 00', ReasonCode.PROTOCOL_ERROR],
      ['26 0001 61', ReasonCode.MALFORMED_PACKET], // a name without value
      ['11 00000001', ReasonCode.MALFORMED_PACKET], // Session Expiry Interval is not of PUBLISH
    ];
    for (const [properties, expected] of cases) {
      const client = await connected(broker);
      const bytes = Buffer.from(properties.replaceAll(' ', ''), 'hex');
      client.sendBytes([0x30, 4 + bytes.length, 0, 1, 0x61, bytes.length, ...bytes]);
      const { reasonCode } = await client.expect('disconnect');
      const isFit = reasonCode === expected || reasonCode === ReasonCode.MALFORMED_PACKET;
      assert.ok(isFit, `${properties}: ${reasonCode}`);
      await client.expectClosed();
    }
    await subscriber.expectNothing();
  });

  it('[MQTT-3.3.4-6] a Subscription Identifier from a client is a Protocol Error', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.publish('a', 'x', { properties: { subscriptionIdentifiers: [1] } });
    assert.equal((await client.expect('disconnect')).reasonCode, ReasonCode.PROTOCOL_ERROR);
    await client.expectClosed();
  });
});

describe('Request and response (section 4.10)', () => {
  it('a request and its answer find each other through the broker', async (t) => {
    const broker = await startBroker(t, { responseInformation: 'answers/' });
    const [requester, responder] = [await connected(broker), await connected(broker)];
    await requester.subscribe('answers/1', { qos: 1 });
    await responder.subscribe('requests', { qos: 1 });
    const correlationData = Uint8Array.of(9, 8, 7);
    requester.publish('requests', 'how much?', {
      qos: 1,
      properties: { responseTopic: 'answers/1', correlationData },
    });
    await requester.expect('puback');
    const request = await responder.expect('publish');
    acknowledge(responder, 'puback', request.packetId);
    responder.publish(request.properties.responseTopic!, '42', {
      properties: { correlationData: request.properties.correlationData },
    });
    const answer = await requester.expect('publish');
    assert.equal(textOf(answer), '42');
    assert.deepEqual(answer.properties, { correlationData });
  });
});

describe('PUBLISH, actions (section 3.3.4)', () => {
  it('[MQTT-3.3.4-1] is answered as its QoS says', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const client = await connected(broker, version);
      client.publish('a', 'x', { qos: 0 });
      await client.expectNothing();
      client.publish('a', 'x', { qos: 1, packetId: 65_535 });
      assert.equal((await client.expect('puback')).packetId, 65_535);
      client.publish('a', 'x', { qos: 2, packetId: 256 });
      assert.equal((await client.expect('pubrec')).packetId, 256);
    }
  });

  it('0x10 tells a client of MQTT 5.0 that nobody has subscribed', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker);
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.NO_MATCHING_SUBSCRIBERS);
    client.publish('a', 'x', { qos: 2 });
    assert.equal((await client.expect('pubrec')).reasonCode, ReasonCode.NO_MATCHING_SUBSCRIBERS);
    acknowledge(client, 'pubrel', 1);
    assert.equal((await client.expect('pubcomp')).reasonCode, ReasonCode.SUCCESS);
    const subscriber = await connected(broker);
    await subscriber.subscribe('a');
    client.publish('a', 'x', { qos: 1 });
    assert.equal((await client.expect('puback')).reasonCode, ReasonCode.SUCCESS);
    const earlier = await connected(broker, 4);
    earlier.publish('nobody', 'x', { qos: 1, packetId: 3 });
    assert.deepEqual(await earlier.bytes(), Buffer.from([0x40, 2, 0, 3]));
  });

  it('a message with an empty payload goes on as one', async (t) => {
    const broker = await startBroker(t);
    for (const version of VERSIONS) {
      const [publisher, subscriber] = [await connected(broker, version), await connected(broker, version)];
      await subscriber.subscribe('e', { qos: 1 });
      publisher.publish('e', '', { qos: 1 });
      assert.equal((await subscriber.expect('publish')).payload.length, 0);
      acknowledge(subscriber, 'puback', 1);
    }
  });

  it('[MQTT-3.3.2-2] [MQTT-4.7.0-1] a Topic Name with wildcards ends the connection, with 0x81', async (t) => {
    const broker = await startBroker(t);
    for (const topic of ['+', '#', 'a/+', 'a/#', 'a+b', '$SYS/+']) {
      const name = Buffer.from(topic);
      const client = await connected(broker);
      client.sendBytes([0x30, name.length + 3, 0, name.length, ...name, 0]);
      const { reasonCode } = await client.expect('disconnect');
      assert.equal(reasonCode, ReasonCode.MALFORMED_PACKET, topic);
      await client.expectClosed();
      const earlier = await connected(broker, 4);
      earlier.sendBytes([0x30, name.length + 2, 0, name.length, ...name]);
      await earlier.expectClosed();
    }
  });

  it('[MQTT-3.3.2-1] [MQTT-4.7.3-1] [MQTT-4.7.3-2] a Topic Name that is none ends the connection', async (t) => {
    const broker = await startBroker(t);
    const observer = await connected(broker);
    await observer.subscribe('#');
    const cases: [string, ReasonCode[]][] = [
      ['30 03 0000 00', [ReasonCode.PROTOCOL_ERROR]], // empty
      ['30 04 0001 00 00', [ReasonCode.MALFORMED_PACKET]], // U+0000
      ['30 04 0001 ff 00', [ReasonCode.MALFORMED_PACKET]], // not UTF-8
      ['30 06 0003 eda080 00', [ReasonCode.MALFORMED_PACKET]], // half of a surrogate pair
      ['30 03 0005 61', [ReasonCode.MALFORMED_PACKET]], // cut short
    ];
    for (const [bytes, expected] of cases) {
      const client = await connected(broker);
      client.sendBytes(bytes);
      const { reasonCode } = await client.expect('disconnect');
      assert.ok(expected.includes(reasonCode), `${bytes}: ${reasonCode}`);
      await client.expectClosed();
    }
    await observer.expectNothing();
  });

  it('[v3.1.1 MQTT-4.7.3-1] a Topic Name without characters cuts an earlier client off', async (t) => {
    const broker = await startBroker(t);
    const client = await connected(broker, 4);
    client.sendBytes('30 02 0000');
    await client.expectClosed();
  });

  it('[MQTT-3.3.2-3] a subscriber gets the Topic Name as it was published, byte for byte', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    const topics = [
      '/',
      '//',
      ' ',
      'Ä/ö',
      'A\u030a',
      '\u00c5',
      '\ufeffa',
      '𝔘',
      'a/',
      '/a',
      'x'.repeat(65_535),
    ];
    for (const topic of topics) publisher.publish(topic);
    for (const topic of topics) assert.equal((await subscriber.expect('publish')).topicName, topic);
    await subscriber.expectNothing();
  });

  it('what comes after a bad packet is not handled', async (t) => {
    const broker = await startBroker(t);
    const [publisher, subscriber] = [await connected(broker), await connected(broker)];
    await subscriber.subscribe('#');
    publisher.sendBytes('30 05 0001 61 00 31  36 04 0001 62 00  30 05 0001 63 00 33');
    assert.deepEqual(await textsOf(subscriber), ['1']);
  });
});
