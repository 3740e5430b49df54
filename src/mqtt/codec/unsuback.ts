import type { ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { writePacketId } from './fixed-header.ts';
import { expectReasonCode, readReasonCode } from './packet-parts.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import type { ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** Section 3.11. */
export type UnsubackPacket = {
  readonly type: 'unsuback';
  readonly packetId: number;
  readonly properties: PropertiesOf<'UNSUBACK'>;
  /** One for each Topic Filter, in their order; none before MQTT 5.0, which does not tell. */
  readonly reasonCodes: readonly ReasonCode[];
};

/** Decodes what follows the Fixed Header of an UNSUBACK. */
export function decodeUnsuback(reader: PacketReader, version: ProtocolVersion): UnsubackPacket {
  const packetId = reader.readPacketId();
  if (version !== 5) return { type: 'unsuback', packetId, properties: NO_PROPERTIES, reasonCodes: [] };
  const properties = readProperties(reader, 'UNSUBACK');
  const reasonCodes: ReasonCode[] = [];
  while (reader.remainingBytes > 0) reasonCodes.push(readReasonCode(reader, 'UNSUBACK')); // [MQTT-3.11.3-2]
  if (reasonCodes.length === 0) throw protocolError('UNSUBACK has no Reason Code'); // [MQTT-3.11.3-2]
  return { type: 'unsuback', packetId, properties, reasonCodes };
}

/** Encodes an UNSUBACK. Before MQTT 5.0 the Packet Identifier is all there is. */
export function encodeUnsuback(writer: PacketWriter, packet: UnsubackPacket, version: ProtocolVersion): void {
  writePacketId(writer, packet.packetId);
  if (version !== 5) return;
  if (packet.reasonCodes.length === 0) throw notEncodable('UNSUBACK has no Reason Code');
  writeProperties(writer, 'UNSUBACK', packet.properties);
  for (const code of packet.reasonCodes) {
    expectReasonCode('UNSUBACK', code);
    writer.writeByte(code);
  }
}
