import { PacketType, type ProtocolVersion, type QoS } from './control-packet.ts';
import { malformed, notEncodable } from './errors.ts';
import { expectPacketId } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import type { PacketReader } from './reader.ts';
import { PublishFields, scanPublish } from './scan-publish.ts';
import { writeProperties } from './write-properties.ts';
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
  const flags = publishFlags(qos, packet.dup, packet.retain);
  if (hasWildcard(topicName)) throw notEncodable('Topic Name contains a wildcard'); // [MQTT-3.3.2-2]
  if (topicName === '' && (version !== 5 || properties.topicAlias === undefined)) {
    throw notEncodable('PUBLISH needs a Topic Name or a Topic Alias');
  }
  if (qos > 0) expectPacketId(packetId);
  writer.beginPacket((PacketType.PUBLISH << 4) | flags);
  writer.writeUtf8String(topicName, 'Topic Name');
  if (qos > 0) writer.writeUint16(packetId);
  if (version === 5) writeProperties(writer, 'PUBLISH', properties);
  writer.writeBytes(payload);
  writer.endPacket();
}

/** The low four bits of the first byte of a PUBLISH. */
export function publishFlags(qos: QoS, dup: boolean, retain: boolean): number {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw notEncodable(`QoS must not be ${String(qos)}`);
  if (qos === 0 && dup) throw notEncodable('DUP must not be set at QoS 0'); // [MQTT-3.3.1-2]
  return (dup ? 0b1000 : 0) | (qos << 1) | (retain ? 0b1 : 0);
}

function hasWildcard(topicName: string): boolean {
  return topicName.includes('#') || topicName.includes('+');
}
