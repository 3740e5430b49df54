import { PACKET_NAMES, PacketType, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { expectPacketId, expectReservedFlags, firstByteOf } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import { isReasonCodeOf, ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { hasProperties, writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** The four hold the same properties: a Reason String and User Properties. */
type AcknowledgementProperties = PropertiesOf<'PUBACK'>;

/** PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7). */
export type AcknowledgementPacket = {
  readonly type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  readonly packetId: number;
  /** Success before MQTT 5.0, which cannot say anything else. */
  readonly reasonCode: ReasonCode;
  readonly properties: AcknowledgementProperties;
};

/** The types of the four packets. */
export type AcknowledgementType =
  | typeof PacketType.PUBACK
  | typeof PacketType.PUBREC
  | typeof PacketType.PUBREL
  | typeof PacketType.PUBCOMP;

const TYPES = {
  puback: PacketType.PUBACK,
  pubrec: PacketType.PUBREC,
  pubrel: PacketType.PUBREL,
  pubcomp: PacketType.PUBCOMP,
} as const;

const NAMES = {
  [PacketType.PUBACK]: { type: 'puback', holder: 'PUBACK' },
  [PacketType.PUBREC]: { type: 'pubrec', holder: 'PUBREC' },
  [PacketType.PUBREL]: { type: 'pubrel', holder: 'PUBREL' },
  [PacketType.PUBCOMP]: { type: 'pubcomp', holder: 'PUBCOMP' },
} as const;

/** Decodes what follows the Fixed Header of one of the four. Reason Code and properties may be left out at the end. */
export function decodeAcknowledgement(
  reader: PacketReader,
  type: AcknowledgementType,
  flags: number,
  version: ProtocolVersion,
): AcknowledgementPacket {
  expectReservedFlags(type, flags, version); // of PUBREL [MQTT-3.6.1-1]
  const name = NAMES[type];
  const packetId = reader.readPacketId();
  let reasonCode: number = ReasonCode.SUCCESS;
  let properties: AcknowledgementProperties = NO_PROPERTIES;
  if (version === 5 && reader.remainingBytes > 0) {
    reasonCode = reader.readByte('Reason Code');
    if (reader.remainingBytes > 0) properties = readProperties(reader, name.holder);
  }
  if (!isReasonCodeOf(type, reasonCode)) {
    // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
    throw protocolError(`${name.holder} must not have the Reason Code ${reasonCode}`);
  }
  reader.expectEnd(name.holder);
  return { type: name.type, packetId, reasonCode, properties };
}

/** Encodes one of the four, in the shortest form. Before MQTT 5.0 the Packet Identifier is all there is. */
export function encodeAcknowledgement(
  writer: PacketWriter,
  packet: AcknowledgementPacket,
  version: ProtocolVersion,
): void {
  const type = TYPES[packet.type];
  const { holder } = NAMES[type];
  if (version !== 5 || !hasProperties(holder, packet.properties)) {
    writeAcknowledgement(writer, type, packet.packetId, packet.reasonCode, version);
    return;
  }
  expectPacketId(packet.packetId);
  expectReasonCode(type, packet.reasonCode);
  writer.beginPacket(firstByteOf(type));
  writer.writeUint16(packet.packetId);
  writer.writeByte(packet.reasonCode);
  writeProperties(writer, holder, packet.properties);
  writer.endPacket();
}

/** Encodes one of the four without properties and without an object: the hot path of QoS 1 and 2. */
export function writeAcknowledgement(
  writer: PacketWriter,
  type: AcknowledgementType,
  packetId: number,
  reasonCode: ReasonCode,
  version: ProtocolVersion,
): void {
  expectPacketId(packetId);
  expectReasonCode(type, reasonCode);
  const hasReasonCode = version === 5 && reasonCode !== ReasonCode.SUCCESS;
  writer.beginSizedPacket(firstByteOf(type), hasReasonCode ? 3 : 2);
  writer.writeUint16(packetId);
  if (hasReasonCode) writer.writeByte(reasonCode);
  writer.endSizedPacket();
}

function expectReasonCode(type: AcknowledgementType, reasonCode: number): void {
  if (isReasonCodeOf(type, reasonCode)) return;
  throw notEncodable(`${PACKET_NAMES[type]} must not have the Reason Code ${reasonCode}`);
}
