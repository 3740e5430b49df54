import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { MqttErrorCode } from '../../src/mqtt/codec/errors.ts';

/** A packet in bytes and the object that it is. */
export type GoodVector = {
  /** Begins with the clause. */
  readonly name: string;
  readonly version: ProtocolVersion;
  /** See `vectorBytes`. */
  readonly bytes: string;
  readonly packet: ControlPacket;
  /** The bytes are accepted, but the codec itself would write others. */
  readonly isLongForm?: true;
};

/** A packet in bytes that must be refused, and how. */
export type BadVector = {
  readonly name: string;
  readonly version: ProtocolVersion;
  readonly bytes: string;
  readonly code: MqttErrorCode;
};

/** The vectors of one chapter of the standard. */
export type Vectors = { readonly good: readonly GoodVector[]; readonly bad: readonly BadVector[] };

/**
 * Turns the notation of the vectors into bytes: two hexadecimal digits are a byte, `'text'` is ASCII text, and `#` is
 * the Remaining Length, in one byte, of all that follows.
 */
export function vectorBytes(notation: string): Buffer {
  const bytes: number[] = [];
  let lengthAt = -1;
  for (const [token] of notation.matchAll(/'[^']*'|#|[0-9a-f]{2}|\S/g)) {
    if (token === '#') {
      lengthAt = bytes.length;
      bytes.push(0);
    } else if (token.startsWith(`'`)) {
      bytes.push(...Buffer.from(token.slice(1, -1), 'latin1'));
    } else {
      const byte = Number.parseInt(token, 16);
      if (token.length !== 2 || Number.isNaN(byte)) throw new TypeError(`no byte is written ${token}`);
      bytes.push(byte);
    }
  }
  if (lengthAt >= 0) bytes[lengthAt] = bytes.length - lengthAt - 1;
  return Buffer.from(bytes);
}

/** A vector that must be refused as malformed. */
export function malformedVector(name: string, version: ProtocolVersion, bytes: string): BadVector {
  return { name, version, bytes, code: 'MQTT_MALFORMED_PACKET' };
}

/** A vector that must be refused as a protocol error. */
export function protocolVector(name: string, version: ProtocolVersion, bytes: string): BadVector {
  return { name, version, bytes, code: 'MQTT_PROTOCOL_ERROR' };
}

/** `Uint8Array` of ASCII text. */
export function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
