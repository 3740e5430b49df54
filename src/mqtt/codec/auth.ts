import type { ProtocolVersion } from './control-packet.ts';
import { malformed, notEncodable, protocolError } from './errors.ts';
import { readReasonCode, writeReason } from './packet-parts.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import { ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { hasProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

type AuthProperties = PropertiesOf<'AUTH'>;

/** A step of enhanced authentication (sections 3.15 and 4.12). Only in MQTT 5.0. */
export type AuthPacket = {
  readonly type: 'auth';
  readonly reasonCode: ReasonCode;
  /** The Authentication Method is always there but in the short form, which is Success and nothing else. */
  readonly properties: AuthProperties;
};

/** Decodes what follows the Fixed Header of an AUTH. */
export function decodeAuth(reader: PacketReader, version: ProtocolVersion): AuthPacket {
  if (version !== 5) throw malformed('packet type 15 is reserved before MQTT 5.0');
  if (reader.remainingBytes === 0) {
    return { type: 'auth', reasonCode: ReasonCode.SUCCESS, properties: NO_PROPERTIES }; // section 3.15.2.1
  }
  const reasonCode = readReasonCode(reader, 'AUTH');
  const properties = readProperties(reader, 'AUTH');
  if (properties.authenticationMethod === undefined) {
    throw protocolError('AUTH has no Authentication Method'); // section 3.15.2.2.2
  }
  return { type: 'auth', reasonCode, properties };
}

/** Encodes an AUTH; the short form when it says Success and has no properties. */
export function encodeAuth(writer: PacketWriter, packet: AuthPacket, version: ProtocolVersion): void {
  const { reasonCode, properties } = packet;
  if (version !== 5) throw notEncodable('there is no AUTH before MQTT 5.0');
  const isLong = reasonCode !== ReasonCode.SUCCESS || hasProperties('AUTH', properties);
  if (isLong && properties.authenticationMethod === undefined) {
    throw notEncodable('AUTH needs an Authentication Method');
  }
  writeReason(writer, 'AUTH', packet, version);
}
