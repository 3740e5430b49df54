import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { expectReservedFlags, firstByteOf, writePacketId } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import { isReasonCodeOf, type ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

type UnsubackProperties = PropertiesOf<'UNSUBACK'>;

/** Section 3.11. */
export type UnsubackPacket = {
  readonly type: 'unsuback';
  readonly packetId: number;
  readonly properties: UnsubackProperties;
  /** One for each Topic Filter, in their order; none before MQTT 5.0, which does not tell. */
  readonly reasonCodes: readonly ReasonCode[];
};

/** Decodes what follows the Fixed Header of an UNSUBACK. */
export function decodeUnsuback(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): UnsubackPacket {
  expectReservedFlags(PacketType.UNSUBACK, flags, version);
  const packetId = reader.readPacketId();
  if (version !== 5) {
    reader.expectEnd('UNSUBACK');
    return { type: 'unsuback', packetId, properties: NO_PROPERTIES, reasonCodes: [] };
  }
  const properties = readProperties(reader, 'UNSUBACK');
  const reasonCodes: ReasonCode[] = [];
  while (reader.remainingBytes > 0) {
    const code = reader.readByte('Reason Code');
    if (!isReasonCodeOf(PacketType.UNSUBACK, code)) {
      throw protocolError(`UNSUBACK must not have the Reason Code ${code}`); // [MQTT-3.11.3-2]
    }
    reasonCodes.push(code);
  }
  if (reasonCodes.length === 0) throw protocolError('UNSUBACK has no Reason Code'); // [MQTT-3.11.3-2]
  return { type: 'unsuback', packetId, properties, reasonCodes };
}

/** Encodes an UNSUBACK. Before MQTT 5.0 the Packet Identifier is all there is. */
export function encodeUnsuback(writer: PacketWriter, packet: UnsubackPacket, version: ProtocolVersion): void {
  if (version === 5 && packet.reasonCodes.length === 0) throw notEncodable('UNSUBACK has no Reason Code');
  writer.beginPacket(firstByteOf(PacketType.UNSUBACK));
  writePacketId(writer, packet.packetId);
  if (version === 5) {
    writeProperties(writer, 'UNSUBACK', packet.properties);
    for (const code of packet.reasonCodes) {
      if (!isReasonCodeOf(PacketType.UNSUBACK, code)) {
        throw notEncodable(`UNSUBACK must not have the Reason Code ${String(code)}`);
      }
      writer.writeByte(code);
    }
  }
  writer.endPacket();
}
