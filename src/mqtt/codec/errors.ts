import { ReasonCode } from './reason-code.ts';

/** Every error of the codec: its stable code, and the Reason Code that the peer is told (section 4.13). */
export const MQTT_ERRORS = {
  /** The bytes cannot be parsed as the standard says. */
  MQTT_MALFORMED_PACKET: ReasonCode.MALFORMED_PACKET,
  /** The bytes can be parsed, and say what they must not say. */
  MQTT_PROTOCOL_ERROR: ReasonCode.PROTOCOL_ERROR,
  /** A CONNECT of another protocol, or of a version other than 3.1, 3.1.1 and 5.0. */
  MQTT_UNSUPPORTED_PROTOCOL_VERSION: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  MQTT_TOPIC_ALIAS_INVALID: ReasonCode.TOPIC_ALIAS_INVALID,
  /** Beyond `maxPacketBytes` when it came in, or beyond what a Remaining Length can say when it was to go out. */
  MQTT_PACKET_TOO_LARGE: ReasonCode.PACKET_TOO_LARGE,
  /** What was given to encode is not what a decoder would accept: a fault of the program, not of the peer. */
  MQTT_NOT_ENCODABLE: ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
} as const satisfies Record<string, ReasonCode>;

/** A stable code: programs may compare it; the texts around it may change. */
export type MqttErrorCode = keyof typeof MQTT_ERRORS;

/**
 * What the codec throws, and all that it throws. While decoding it means the connection cannot go on: an MQTT 5.0
 * peer may be told `reasonCode` in a CONNACK or DISCONNECT, earlier versions know no way to tell.
 */
export class MqttError extends Error {
  readonly code: MqttErrorCode;
  readonly reasonCode: ReasonCode;

  constructor(code: MqttErrorCode, message: string) {
    super(message);
    this.name = 'MqttError';
    this.code = code;
    this.reasonCode = MQTT_ERRORS[code];
  }
}

/** For bytes that cannot be parsed: Reason Code 0x81. */
export function malformed(message: string): MqttError {
  return new MqttError('MQTT_MALFORMED_PACKET', message);
}

/** For what can be parsed and must not be: Reason Code 0x82. */
export function protocolError(message: string): MqttError {
  return new MqttError('MQTT_PROTOCOL_ERROR', message);
}

/** For what a program wants to send and must not. */
export function notEncodable(message: string): MqttError {
  return new MqttError('MQTT_NOT_ENCODABLE', message);
}
