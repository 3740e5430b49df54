import type { ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { writePacketId } from './fixed-header.ts';
import { expectReasonCode, forbiddenReasonCode, readPropertiesOf, readReasonCode } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import { ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** Section 3.9. */
export type SubackPacket = {
  readonly type: 'suback';
  readonly packetId: number;
  readonly properties: PropertiesOf<'SUBACK'>;
  /** At least one: for each Topic Filter the granted QoS, or why there is no subscription, in their order. */
  readonly reasonCodes: readonly ReasonCode[];
};

/** Decodes what follows the Fixed Header of a SUBACK. */
export function decodeSuback(reader: PacketReader, version: ProtocolVersion): SubackPacket {
  const packetId = reader.readPacketId();
  const properties = readPropertiesOf(reader, 'SUBACK', version);
  const reasonCodes: ReasonCode[] = [];
  while (reader.remainingBytes > 0) reasonCodes.push(readGrant(reader, version));
  if (reasonCodes.length === 0) throw protocolError('SUBACK has no Reason Code'); // [MQTT-3.8.4-6]
  return { type: 'suback', packetId, properties, reasonCodes };
}

/**
 * Encodes a SUBACK. MQTT 3.1.1 has one word for every failure, 0x80. MQTT 3.1 has none: its section 3.8 has the
 * server grant a subscription that it will not serve, so QoS 0 is sent.
 */
export function encodeSuback(writer: PacketWriter, packet: SubackPacket, version: ProtocolVersion): void {
  if (packet.reasonCodes.length === 0) throw notEncodable('SUBACK has no Reason Code');
  writePacketId(writer, packet.packetId);
  if (version === 5) writeProperties(writer, 'SUBACK', packet.properties);
  for (const code of packet.reasonCodes) {
    expectReasonCode('SUBACK', code);
    writer.writeByte(code >= 0x80 ? failureCode(code, version) : code);
  }
}

/** [MQTT-3.9.3-2] [v3.1.1 MQTT-3.9.3-2] */
function readGrant(reader: PacketReader, version: ProtocolVersion): ReasonCode {
  const code = readReasonCode(reader, 'SUBACK');
  const isOfVersion =
    version === 5 ||
    code <= ReasonCode.GRANTED_QOS_2 ||
    (version === 4 && code === ReasonCode.UNSPECIFIED_ERROR);
  if (!isOfVersion) throw forbiddenReasonCode('SUBACK', code);
  return code;
}

function failureCode(code: ReasonCode, version: ProtocolVersion): ReasonCode {
  if (version === 5) return code;
  return version === 4 ? ReasonCode.UNSPECIFIED_ERROR : ReasonCode.GRANTED_QOS_0;
}
