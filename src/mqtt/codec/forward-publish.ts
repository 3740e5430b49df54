import { MAX_UINT_16, MAX_VARIABLE_BYTE_INTEGER, type ProtocolVersion, type QoS } from './control-packet.ts';
import { expectPacketId } from './fixed-header.ts';
import { notEncodable } from './errors.ts';
import { SUBSCRIPTION_IDENTIFIER, TOPIC_ALIAS, TOPIC_ALIAS_BYTES } from './property.ts';
import { publishFirstByte } from './publish-flags.ts';
import type { PublishFields } from './scan-publish.ts';
import type { PacketWriter } from './writer.ts';

/** How a PUBLISH leaves that came in as bytes. One is made once and filled for variant after variant. */
export class ForwardOptions {
  version: ProtocolVersion = 5;
  qos: QoS = 0;
  dup = false;
  retain = false;
  /** 1 to 65535 at QoS 1 and 2. */
  packetId = 0;
  /** Seconds that are left; -1 leaves what came in as it was. Used only when an interval came in. */
  messageExpiryInterval = -1;
  /** The Topic Alias to send; 0 sends none. */
  topicAlias = 0;
  /** Leaves the Topic Name empty, for a Topic Alias that the receiver knows. */
  omitTopicName = false;
  /** Those of the receiver's matching subscriptions; added after the properties that came in. */
  subscriptionIdentifiers: readonly number[] | undefined = undefined;
  /** Writes all but the payload, which is sent from where it lies. */
  omitPayload = false;
}

/**
 * Encodes a PUBLISH from the bytes of one that `scanPublish` has accepted, without making strings or objects of its
 * properties: they leave as they came and in their order [MQTT-3.3.2-17] [MQTT-3.3.2-18], but for the Topic Alias,
 * which belongs to one connection. Before MQTT 5.0 they are left out.
 *
 * @param bytes - where `fields` point to
 * @param topic - the bytes of the Topic Name: those in `bytes`, or what the Topic Alias stands for
 * @returns index of the Packet Identifier in `writer.bytes()`, for `patchPacketId`; -1 at QoS 0
 */
export function forwardPublish(
  writer: PacketWriter,
  bytes: Buffer,
  fields: PublishFields,
  topic: Buffer,
  options: ForwardOptions,
): number {
  const { version, qos, packetId } = options;
  const firstByte = publishFirstByte(qos, options.dup, options.retain);
  const hasPacketId = qos > 0;
  if (hasPacketId) expectPacketId(packetId);
  if (topic.length === 0 || topic.length > MAX_UINT_16) throw notEncodable('a topic has 1 to 65,535 bytes');
  if (options.omitTopicName && (version !== 5 || options.topicAlias === 0)) {
    throw notEncodable('a PUBLISH without Topic Name needs a Topic Alias');
  }
  const topicLength = options.omitTopicName ? 0 : topic.length;
  const payloadLength = fields.payloadEnd - fields.payloadStart;
  const propertiesLength = version === 5 ? forwardedPropertiesLength(fields, options) : 0;
  const remainingLength =
    2 +
    topicLength +
    (hasPacketId ? 2 : 0) +
    (version === 5 ? variableByteIntegerLength(propertiesLength) + propertiesLength : 0) +
    payloadLength;

  const writtenLength = options.omitPayload ? remainingLength - payloadLength : remainingLength;
  writer.beginSizedPacket(firstByte, remainingLength, writtenLength);
  writer.writeUint16(topicLength);
  writer.writeSlice(topic, 0, topicLength);
  let packetIdAt = -1;
  if (hasPacketId) {
    packetIdAt = writer.position;
    writer.writeUint16(packetId);
  }
  if (version === 5) {
    writer.writeVariableByteInteger(propertiesLength);
    if (propertiesLength > 0) writeForwardedProperties(writer, bytes, fields, options);
  }
  if (!options.omitPayload) writer.writeSlice(bytes, fields.payloadStart, fields.payloadEnd);
  writer.endSizedPacket();
  return packetIdAt;
}

/** Overwrites the Packet Identifier of an encoded PUBLISH. */
export function patchPacketId(bytes: Uint8Array, packetIdAt: number, packetId: number): void {
  bytes[packetIdAt] = packetId >>> 8;
  bytes[packetIdAt + 1] = packetId;
}

function forwardedPropertiesLength(fields: PublishFields, options: ForwardOptions): number {
  let length = fields.propertiesEnd - fields.propertiesStart;
  if (fields.topicAliasAt >= 0) length -= TOPIC_ALIAS_BYTES;
  if (options.topicAlias !== 0) length += TOPIC_ALIAS_BYTES;
  const { subscriptionIdentifiers } = options;
  if (subscriptionIdentifiers !== undefined) {
    for (const identifier of subscriptionIdentifiers) {
      if (!(identifier >= 1)) throw notEncodable(`Subscription Identifier must not be ${identifier}`);
      length += 1 + variableByteIntegerLength(identifier);
    }
  }
  return length;
}

function writeForwardedProperties(
  writer: PacketWriter,
  bytes: Buffer,
  fields: PublishFields,
  options: ForwardOptions,
): void {
  const { topicAliasAt } = fields;
  if (topicAliasAt < 0) {
    writeRange(writer, bytes, fields.propertiesStart, fields.propertiesEnd, fields, options);
  } else {
    writeRange(writer, bytes, fields.propertiesStart, topicAliasAt, fields, options);
    writeRange(writer, bytes, topicAliasAt + TOPIC_ALIAS_BYTES, fields.propertiesEnd, fields, options);
  }
  if (options.topicAlias !== 0) {
    if (options.topicAlias < 0 || options.topicAlias > MAX_UINT_16)
      throw notEncodable('Topic Alias is out of range');
    writer.writeByte(TOPIC_ALIAS);
    writer.writeUint16(options.topicAlias);
  }
  const { subscriptionIdentifiers } = options;
  if (subscriptionIdentifiers === undefined) return;
  for (const identifier of subscriptionIdentifiers) {
    writer.writeByte(SUBSCRIPTION_IDENTIFIER);
    writer.writeVariableByteInteger(identifier);
  }
}

/** Copies properties, and counts the Message Expiry Interval down where it is among them [MQTT-3.3.2-6]. */
function writeRange(
  writer: PacketWriter,
  bytes: Buffer,
  start: number,
  end: number,
  fields: PublishFields,
  options: ForwardOptions,
): void {
  const { messageExpiryAt } = fields;
  if (options.messageExpiryInterval < 0 || messageExpiryAt < start || messageExpiryAt >= end) {
    writer.writeSlice(bytes, start, end);
    return;
  }
  writer.writeSlice(bytes, start, messageExpiryAt);
  writer.writeUint32(options.messageExpiryInterval);
  writer.writeSlice(bytes, messageExpiryAt + 4, end);
}

function variableByteIntegerLength(value: number): number {
  if (value < 1 << 7) return 1;
  if (value < 1 << 14) return 2;
  if (value < 1 << 21) return 3;
  if (value <= MAX_VARIABLE_BYTE_INTEGER) return 4;
  throw notEncodable(`${value} does not fit a Variable Byte Integer`);
}
