import type { ProtocolVersion, QoS } from './control-packet.ts';
import { malformed, notEncodable } from './errors.ts';
import { expectPacketId } from './fixed-header.ts';
import { publishFirstByte } from './publish-flags.ts';
import {
  MESSAGE_EXPIRY_INTERVAL,
  NO_PROPERTIES,
  propertiesInOrder,
  TOPIC_ALIAS,
  type PropertiesOf,
} from './property.ts';
import { readProperties } from './read-properties.ts';
import type { PacketReader } from './reader.ts';
import { PublishFields, scanPublish } from './scan-publish.ts';
import { writeProperties, writeProperty } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

export type PublishProperties = PropertiesOf<'PUBLISH'>;

/** An Application Message on the wire (section 3.3). */
export type PublishPacket = {
  readonly type: 'publish';
  readonly dup: boolean;
  readonly qos: QoS;
  readonly retain: boolean;
  /** Empty when the sender gave a Topic Alias instead. */
  readonly topicName: string;
  /** 1 to 65535; 0 at QoS 0, which has no Packet Identifier. */
  readonly packetId: number;
  /** Empty before MQTT 5.0. */
  readonly properties: PublishProperties;
  /** Borrowed when decoded: a view into the receive buffer. Copy it to keep it past this call. */
  readonly payload: Uint8Array;
};

const scanned = new PublishFields();

/**
 * Decodes what follows the Fixed Header of a PUBLISH into an object: for clients, tests and where few messages pass.
 * A broker's hot path uses `scanPublish`.
 *
 * @param flags - low four bits of the packet's first byte
 */
export function decodePublish(reader: PacketReader, flags: number, version: ProtocolVersion): PublishPacket {
  scanPublish(reader.bytes, reader.position, reader.end, flags, version, scanned);
  const { dup, qos, retain, packetId, payloadStart } = scanned;
  const topicName = reader.readUtf8String('Topic Name'); // [MQTT-3.3.2-1]
  if (hasWildcard(topicName)) throw malformed('Topic Name contains a wildcard'); // [MQTT-3.3.2-2]
  if (qos > 0) reader.position += 2;
  const properties = version === 5 ? readProperties(reader, 'PUBLISH') : NO_PROPERTIES;
  reader.position = payloadStart;
  return { type: 'publish', dup, qos, retain, topicName, packetId, properties, payload: reader.readRest() };
}

/** Encodes a PUBLISH. Properties are left out before MQTT 5.0. */
export function encodePublish(writer: PacketWriter, packet: PublishPacket, version: ProtocolVersion): void {
  const { qos, topicName, packetId, properties, payload } = packet;
  const firstByte = publishFirstByte(qos, packet.dup, packet.retain);
  expectNoWildcard(topicName);
  if (topicName === '' && (version !== 5 || properties.topicAlias === undefined)) {
    throw notEncodable('PUBLISH needs a Topic Name or a Topic Alias');
  }
  if (qos > 0) expectPacketId(packetId);
  writer.beginPacket(firstByte);
  writer.writeUtf8String(topicName, 'Topic Name');
  if (qos > 0) writer.writeUint16(packetId);
  if (version === 5) writeProperties(writer, 'PUBLISH', properties);
  writer.writeBytes(payload);
  writer.endPacket();
}

/**
 * Encodes Topic Name and properties as they lie in a PUBLISH of MQTT 5.0, one after the other, without their lengths,
 * and says in `fields` where they are: of a message that does not come as a packet.
 *
 * @throws {MqttError} `MQTT_NOT_ENCODABLE` when a client could not send it
 */
export function encodePublishHead(
  writer: PacketWriter,
  topicName: string,
  properties: PublishProperties,
  fields: PublishFields,
): void {
  expectNoWildcard(topicName);
  fields.forgetProperties();
  fields.topicStart = writer.position + 2;
  writer.writeUtf8String(topicName, 'Topic Name');
  fields.topicEnd = writer.position;
  fields.propertiesStart = writer.position;
  const values = properties as Readonly<Record<string, unknown>>;
  for (const row of propertiesInOrder('PUBLISH')) {
    const value = values[row.name];
    if (value === undefined) continue;
    if (row.id === TOPIC_ALIAS) fields.topicAliasAt = writer.position;
    writeProperty(writer, row, value);
    if (row.id !== MESSAGE_EXPIRY_INTERVAL) continue;
    fields.messageExpiryInterval = value as number;
    fields.messageExpiryAt = writer.position - 4;
  }
  fields.propertiesEnd = writer.position;
}

function expectNoWildcard(topicName: string): void {
  if (hasWildcard(topicName)) throw notEncodable('Topic Name contains a wildcard'); // [MQTT-3.3.2-2]
}

function hasWildcard(topicName: string): boolean {
  return topicName.includes('#') || topicName.includes('+');
}
