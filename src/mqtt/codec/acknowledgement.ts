import { PACKET_NAMES, PacketType, type ProtocolVersion } from './control-packet.ts';
import { expectPacketId, firstByteOf, writePacketId } from './fixed-header.ts';
import { expectReasonCode, readLastProperties, readLastReasonCode, writeReason } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import { ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
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

const NAMES = { puback: 'PUBACK', pubrec: 'PUBREC', pubrel: 'PUBREL', pubcomp: 'PUBCOMP' } as const;

/** Gives what decodes one of the four. Reason Code and properties may be left out at the end. */
export function acknowledgementDecoder(type: AcknowledgementPacket['type']) {
  const name = NAMES[type];
  return (reader: PacketReader, version: ProtocolVersion): AcknowledgementPacket => ({
    type,
    packetId: reader.readPacketId(),
    reasonCode: readLastReasonCode(reader, name, version),
    properties: readLastProperties(reader, name, version),
  });
}

/** Encodes one of the four, in the shortest form. Before MQTT 5.0 the Packet Identifier is all there is. */
export function encodeAcknowledgement(
  writer: PacketWriter,
  packet: AcknowledgementPacket,
  version: ProtocolVersion,
): void {
  writePacketId(writer, packet.packetId);
  writeReason(writer, NAMES[packet.type], packet, version);
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
  expectReasonCode(PACKET_NAMES[type]!, reasonCode);
  const hasReasonCode = version === 5 && reasonCode !== ReasonCode.SUCCESS;
  writer.beginSizedPacket(firstByteOf(type), hasReasonCode ? 3 : 2);
  writer.writeUint16(packetId);
  if (hasReasonCode) writer.writeByte(reasonCode);
  writer.endSizedPacket();
}
