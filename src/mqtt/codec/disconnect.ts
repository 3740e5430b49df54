import type { ProtocolVersion } from './control-packet.ts';
import { readLastProperties, readLastReasonCode, writeReason } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import type { ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import type { PacketWriter } from './writer.ts';

export type DisconnectProperties = PropertiesOf<'DISCONNECT'>;

/** The last packet of a connection (section 3.14). Before MQTT 5.0 only clients send it. */
export type DisconnectPacket = {
  readonly type: 'disconnect';
  /** Normal disconnection before MQTT 5.0, which cannot say anything else. */
  readonly reasonCode: ReasonCode;
  /** Only a client may send a Session Expiry Interval [MQTT-3.14.2-2]. */
  readonly properties: DisconnectProperties;
};

/** Decodes what follows the Fixed Header of a DISCONNECT. Reason Code and properties may be left out at the end. */
export function decodeDisconnect(reader: PacketReader, version: ProtocolVersion): DisconnectPacket {
  const reasonCode = readLastReasonCode(reader, 'DISCONNECT', version);
  return { type: 'disconnect', reasonCode, properties: readLastProperties(reader, 'DISCONNECT', version) };
}

/** Encodes a DISCONNECT in the shortest form. Before MQTT 5.0 it says nothing. */
export function encodeDisconnect(
  writer: PacketWriter,
  packet: DisconnectPacket,
  version: ProtocolVersion,
): void {
  writeReason(writer, 'DISCONNECT', packet, version);
}
