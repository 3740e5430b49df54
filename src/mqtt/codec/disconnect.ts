import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { expectReservedFlags, firstByteOf } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import { isReasonCodeOf, ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { hasProperties, writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

type DisconnectProperties = PropertiesOf<'DISCONNECT'>;

/** The last packet of a connection (section 3.14). Before MQTT 5.0 only clients send it. */
export type DisconnectPacket = {
  readonly type: 'disconnect';
  /** Normal disconnection before MQTT 5.0, which cannot say anything else. */
  readonly reasonCode: ReasonCode;
  /** Only a client may send a Session Expiry Interval [MQTT-3.14.2-2]. */
  readonly properties: DisconnectProperties;
};

/** Decodes what follows the Fixed Header of a DISCONNECT. Reason Code and properties may be left out at the end. */
export function decodeDisconnect(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): DisconnectPacket {
  expectReservedFlags(PacketType.DISCONNECT, flags, version); // [MQTT-3.14.1-1]
  let reasonCode: number = ReasonCode.NORMAL_DISCONNECTION;
  let properties: DisconnectProperties = NO_PROPERTIES;
  if (version === 5 && reader.remainingBytes > 0) {
    reasonCode = reader.readByte('Disconnect Reason Code');
    if (reader.remainingBytes > 0) properties = readProperties(reader, 'DISCONNECT');
  }
  if (!isReasonCodeOf(PacketType.DISCONNECT, reasonCode)) {
    throw protocolError(`DISCONNECT must not have the Reason Code ${reasonCode}`); // [MQTT-3.14.2-1]
  }
  reader.expectEnd('DISCONNECT');
  return { type: 'disconnect', reasonCode, properties };
}

/** Encodes a DISCONNECT in the shortest form. Before MQTT 5.0 it says nothing. */
export function encodeDisconnect(
  writer: PacketWriter,
  packet: DisconnectPacket,
  version: ProtocolVersion,
): void {
  const { reasonCode, properties } = packet;
  if (!isReasonCodeOf(PacketType.DISCONNECT, reasonCode)) {
    throw notEncodable(`DISCONNECT must not have the Reason Code ${String(reasonCode)}`);
  }
  writer.beginPacket(firstByteOf(PacketType.DISCONNECT));
  if (version === 5) {
    const isLong = hasProperties('DISCONNECT', properties);
    if (isLong || reasonCode !== ReasonCode.NORMAL_DISCONNECTION) writer.writeByte(reasonCode);
    if (isLong) writeProperties(writer, 'DISCONNECT', properties);
  }
  writer.endPacket();
}
