import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { QoS } from '../../../src/mqtt/codec/control-packet.ts';
import { decodePacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { forwardPublish, ForwardOptions, patchPacketId } from '../../../src/mqtt/codec/forward-publish.ts';
import type { PublishPacket } from '../../../src/mqtt/codec/publish.ts';
import { PacketReader } from '../../../src/mqtt/codec/reader.ts';
import { PublishFields, scanPublish } from '../../../src/mqtt/codec/scan-publish.ts';
import { vectorBytes } from '../../vectors/vector.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';

const RICH = `30 # 00 03 'a/b' 23 26 00 01 'b' 00 01 '1' 02 00 00 00 3c 23 00 07 09 00 02 00 ff 26 00 01 'a' 00 01 '2'
  08 00 03 'r/t' 01 01 'hi'`;

function forward(
  notation: string,
  changes: Partial<ForwardOptions>,
  topic = 'a/b',
): { bytes: Buffer; packetIdAt: number } {
  const bytes = vectorBytes(notation);
  const fields = new PublishFields();
  scanPublish(bytes, 2, bytes.length, bytes[0]! & 0x0f, 5, fields);
  const writer = new PacketWriter(8);
  writer.beginSizedPacket(0xc0, 0);
  writer.endSizedPacket();
  const options = Object.assign(new ForwardOptions(), changes);
  const packetIdAt = forwardPublish(writer, bytes, fields, Buffer.from(topic), options);
  return { bytes: writer.take(), packetIdAt };
}

function decoded(bytes: Buffer, version: 3 | 4 | 5): PublishPacket {
  const packet = decodePacket(new PacketReader().over(bytes, 4, bytes.length), bytes[2]!, version);
  assert.ok(packet.type === 'publish');
  return packet;
}

describe('forwardPublish', () => {
  it('[MQTT-3.3.2-17] [MQTT-3.3.2-18] sends the properties on as they came, without the Topic Alias', () => {
    const { bytes, packetIdAt } = forward(RICH, {});
    const { topicName, properties, payload } = decoded(bytes, 5);
    assert.equal(topicName, 'a/b');
    assert.deepEqual(properties, {
      userProperties: [
        ['b', '1'],
        ['a', '2'],
      ],
      messageExpiryInterval: 60,
      correlationData: Uint8Array.of(0, 0xff),
      responseTopic: 'r/t',
      payloadFormatIndicator: 1,
    });
    assert.equal(Buffer.from(payload).toString(), 'hi');
    assert.equal(packetIdAt, -1);
  });

  it('[MQTT-3.3.2-6] counts the Message Expiry Interval down', () => {
    const { bytes } = forward(RICH, { messageExpiryInterval: 5 });
    assert.equal(decoded(bytes, 5).properties.messageExpiryInterval, 5);
  });

  it('does not invent an expiry where none came', () => {
    const { bytes } = forward("30 # 00 01 'a' 00", { messageExpiryInterval: 5 });
    assert.deepEqual(decoded(bytes, 5).properties, {});
  });

  it('[MQTT-3.3.4-3] adds Subscription Identifiers and a Topic Alias of its own', () => {
    const { bytes } = forward(RICH, {
      subscriptionIdentifiers: [1, 300],
      topicAlias: 2,
      omitTopicName: true,
    });
    const { topicName, properties } = decoded(bytes, 5);
    assert.equal(topicName, '');
    assert.equal(properties.topicAlias, 2);
    assert.deepEqual(properties.subscriptionIdentifiers, [1, 300]);
  });

  it('leaves properties out before MQTT 5.0', () => {
    const { bytes } = forward(RICH, { version: 4, subscriptionIdentifiers: undefined });
    assert.equal(bytes.toString('hex'), vectorBytes("c0 00 30 07 00 03 'a/b' 'hi'").toString('hex'));
  });

  it('tells where the Packet Identifier is', () => {
    const { bytes, packetIdAt } = forward(RICH, { qos: 1, dup: true, retain: true, packetId: 1 });
    patchPacketId(bytes, packetIdAt, 0xabcd);
    const { packetId, qos, dup, retain } = decoded(bytes, 5);
    assert.deepEqual([packetId, qos, dup, retain], [0xabcd, 1, true, true]);
  });

  it('refuses what no decoder accepts', () => {
    for (const changes of [
      { qos: 3 as QoS, packetId: 1 },
      { dup: true },
      { qos: 1, packetId: 0 },
      { subscriptionIdentifiers: [0] },
      { subscriptionIdentifiers: [268_435_456] },
      { omitTopicName: true },
      { version: 4, omitTopicName: true, topicAlias: 1 },
      { topicAlias: 65_536 },
    ] as const) {
      assert.throws(() => forward(RICH, changes), { code: 'MQTT_NOT_ENCODABLE' }, JSON.stringify(changes));
    }
    assert.throws(() => forward(RICH, {}, ''), { code: 'MQTT_NOT_ENCODABLE' });
  });
});
