import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { expectReservedFlags, firstByteOf, writePacketId } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import { isReasonCodeOf, ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

type SubackProperties = PropertiesOf<'SUBACK'>;

/** Section 3.9. */
export type SubackPacket = {
  readonly type: 'suback';
  readonly packetId: number;
  readonly properties: SubackProperties;
  /** At least one: for each Topic Filter the granted QoS, or why there is no subscription, in their order. */
  readonly reasonCodes: readonly ReasonCode[];
};

/** Decodes what follows the Fixed Header of a SUBACK. */
export function decodeSuback(reader: PacketReader, flags: number, version: ProtocolVersion): SubackPacket {
  expectReservedFlags(PacketType.SUBACK, flags, version);
  const packetId = reader.readPacketId();
  const properties = version === 5 ? readProperties(reader, 'SUBACK') : NO_PROPERTIES;
  const reasonCodes: ReasonCode[] = [];
  while (reader.remainingBytes > 0) {
    const code = reader.readByte('Reason Code');
    if (!isCodeOfVersion(code, version)) {
      throw protocolError(`SUBACK must not have the Reason Code ${code}`); // [MQTT-3.9.3-2] [v3.1.1 MQTT-3.9.3-2]
    }
    reasonCodes.push(code);
  }
  if (reasonCodes.length === 0) throw protocolError('SUBACK has no Reason Code'); // [MQTT-3.8.4-6]
  return { type: 'suback', packetId, properties, reasonCodes };
}

/**
 * Encodes a SUBACK. MQTT 3.1.1 has one word for every failure, 0x80. MQTT 3.1 has none: its section 3.8 has the
 * server grant a subscription that it will not serve, so QoS 0 is sent.
 */
export function encodeSuback(writer: PacketWriter, packet: SubackPacket, version: ProtocolVersion): void {
  if (packet.reasonCodes.length === 0) throw notEncodable('SUBACK has no Reason Code');
  writer.beginPacket(firstByteOf(PacketType.SUBACK));
  writePacketId(writer, packet.packetId);
  if (version === 5) writeProperties(writer, 'SUBACK', packet.properties);
  for (const code of packet.reasonCodes) {
    if (!isReasonCodeOf(PacketType.SUBACK, code)) {
      throw notEncodable(`SUBACK must not have the Reason Code ${String(code)}`);
    }
    writer.writeByte(code >= 0x80 ? failureCode(code, version) : code);
  }
  writer.endPacket();
}

function failureCode(code: ReasonCode, version: ProtocolVersion): ReasonCode {
  if (version === 5) return code;
  return version === 4 ? ReasonCode.UNSPECIFIED_ERROR : ReasonCode.GRANTED_QOS_0;
}

function isCodeOfVersion(code: number, version: ProtocolVersion): code is ReasonCode {
  if (version === 5) return isReasonCodeOf(PacketType.SUBACK, code);
  return code <= ReasonCode.GRANTED_QOS_2 || (version === 4 && code === ReasonCode.UNSPECIFIED_ERROR);
}
