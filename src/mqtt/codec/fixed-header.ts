import { MAX_UINT_16, PACKET_NAMES, PacketType, type ProtocolVersion } from './control-packet.ts';
import { malformed, notEncodable } from './errors.ts';
import type { PacketWriter } from './writer.ts';

/** The flags that the standard fixes for every packet but PUBLISH (section 2.1.3, table 2-2). */
function reservedFlagsOf(type: PacketType): number {
  return type === PacketType.PUBREL || type === PacketType.SUBSCRIBE || type === PacketType.UNSUBSCRIBE
    ? 0b0010
    : 0;
}

/**
 * Throws when the reserved flags have other values than the standard lists [MQTT-2.1.3-1]. MQTT 3.1 had DUP and
 * QoS in these bits, and called them not used in the other packets: nothing is refused there.
 */
export function expectReservedFlags(type: PacketType, flags: number, version: ProtocolVersion): void {
  if (version === 3 || flags === reservedFlagsOf(type)) return;
  throw malformed(`${PACKET_NAMES[type]} has reserved flags 0x${flags.toString(16)}`);
}

/** First byte of every packet but PUBLISH. */
export function firstByteOf(type: PacketType): number {
  return (type << 4) | reservedFlagsOf(type);
}

/** Writes a Packet Identifier; 0 and what does not fit are refused. */
export function writePacketId(writer: PacketWriter, packetId: number): void {
  expectPacketId(packetId);
  writer.writeUint16(packetId);
}

/** [MQTT-2.2.1-3] [MQTT-2.2.1-4] */
export function expectPacketId(packetId: number): void {
  if (Number.isInteger(packetId) && packetId >= 1 && packetId <= MAX_UINT_16) return;
  throw notEncodable(`Packet Identifier must not be ${packetId}`);
}
