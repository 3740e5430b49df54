import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { malformed, notEncodable, protocolError } from './errors.ts';
import { expectReasonCode, forbiddenReasonCode, readPropertiesOf } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import { isReasonCodeOf, ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

export type ConnackProperties = PropertiesOf<'CONNACK'>;

/** The server's answer to a CONNECT (section 3.2). */
export type ConnackPacket = {
  readonly type: 'connack';
  /** Always false in MQTT 3.1, which does not tell. */
  readonly sessionPresent: boolean;
  /** Before MQTT 5.0, the Reason Code that means what the return code says. */
  readonly reasonCode: ReasonCode;
  readonly properties: ConnackProperties;
};

/** By return code of MQTT 3.1 and 3.1.1 (table 3.1 there): the Reason Code that means the same. */
const RETURN_CODES: readonly ReasonCode[] = [
  ReasonCode.SUCCESS,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  ReasonCode.SERVER_UNAVAILABLE,
  ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  ReasonCode.NOT_AUTHORIZED,
];

const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/** Reason Codes that speak of the server, and for which an earlier version has a wider word. */
const OF_THE_SERVER: ReadonlySet<number> = new Set([
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
  ReasonCode.SERVER_BUSY,
  ReasonCode.USE_ANOTHER_SERVER,
  ReasonCode.SERVER_MOVED,
  ReasonCode.QUOTA_EXCEEDED,
  ReasonCode.CONNECTION_RATE_EXCEEDED,
]);

/**
 * The return code with which MQTT 3.1 and 3.1.1 say a Reason Code. Where they have no word for what a client asks and
 * does not get, such as a Will, it is not authorized: closed without any, it would try again for ever.
 */
export function connectReturnCode(reasonCode: ReasonCode): number {
  const exact = RETURN_CODES.indexOf(reasonCode);
  if (exact >= 0) return exact;
  return OF_THE_SERVER.has(reasonCode) ? SERVER_UNAVAILABLE : NOT_AUTHORIZED;
}

/** Decodes what follows the Fixed Header of a CONNACK. */
export function decodeConnack(reader: PacketReader, version: ProtocolVersion): ConnackPacket {
  const acknowledgeFlags = reader.readByte('Connect Acknowledge Flags');
  if (acknowledgeFlags > 1 && version !== 3) throw malformed('reserved Connect Acknowledge Flags are set'); // [MQTT-3.2.2-1]
  const sessionPresent = version !== 3 && acknowledgeFlags === 1;
  const code = reader.readByte('Connect Reason Code');
  const reasonCode = version === 5 ? code : RETURN_CODES[code];
  if (reasonCode === undefined || !isReasonCodeOf(PacketType.CONNACK, reasonCode)) {
    throw forbiddenReasonCode('CONNACK', code); // [MQTT-3.2.2-8]
  }
  if (sessionPresent && code !== 0) {
    throw protocolError('CONNACK refuses and says that a session is present'); // [MQTT-3.2.2-6] [v3.1.1 MQTT-3.2.2-4]
  }
  const properties = readPropertiesOf(reader, 'CONNACK', version);
  return { type: 'connack', sessionPresent, reasonCode, properties };
}

/** Encodes a CONNACK. Earlier versions than MQTT 5.0 are given a return code, and no properties. */
export function encodeConnack(writer: PacketWriter, packet: ConnackPacket, version: ProtocolVersion): void {
  const { sessionPresent, reasonCode } = packet;
  if (sessionPresent && reasonCode !== ReasonCode.SUCCESS) {
    throw notEncodable('a CONNACK that refuses cannot say that a session is present');
  }
  expectReasonCode('CONNACK', reasonCode);
  writer.writeByte(sessionPresent && version !== 3 ? 1 : 0);
  writer.writeByte(version === 5 ? reasonCode : connectReturnCode(reasonCode));
  if (version === 5) writeProperties(writer, 'CONNACK', packet.properties);
}
