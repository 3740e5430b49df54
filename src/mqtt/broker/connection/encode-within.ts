import type { ProtocolVersion } from '../../codec/control-packet.ts';
import type { ControlPacket } from '../../codec/decode-packet.ts';
import { encodePacket } from '../../codec/encode-packet.ts';
import type { PacketWriter } from '../../codec/writer.ts';

/**
 * Encodes a packet for a client that takes no larger ones than `maximumPacketSize` bytes; a Reason String is left out
 * where it would make the packet too large.
 *
 * @returns false, and nothing is written, when it is too large all the same [MQTT-3.1.2-24]
 */
export function encodeWithin(
  writer: PacketWriter,
  packet: ControlPacket,
  version: ProtocolVersion,
  maximumPacketSize: number,
): boolean {
  const before = writer.length;
  encodePacket(writer, packet, version);
  if (writer.length - before <= maximumPacketSize) return true;
  writer.truncate(before);
  // [MQTT-3.2.2-19] [MQTT-3.2.2-20] [MQTT-3.14.2-3]: what is for people goes first.
  encodePacket(writer, withoutReasonString(packet), version);
  if (writer.length - before <= maximumPacketSize) return true;
  writer.truncate(before);
  return false;
}

function withoutReasonString(packet: ControlPacket): ControlPacket {
  if (!('properties' in packet)) return packet;
  return { ...packet, properties: { ...packet.properties, reasonString: undefined } } as ControlPacket;
}
