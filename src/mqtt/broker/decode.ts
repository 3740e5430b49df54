import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import type { Connection } from './connection.ts';

/**
 * Bytes of any packet that is neither CONNECT nor PUBLISH, Fixed Header not counted. `maximumPacketSize` is meant for
 * payloads: filled with Topic Filters it would be a million objects, and a second of everybody's time.
 */
export const MAX_SHOWN_BYTES = 131_072;

/** Refuses a packet that is not worth its decoding. */
export function expectModestSize({ bodyStart, bodyEnd }: Framer): void {
  const bytes = bodyEnd - bodyStart;
  if (bytes <= MAX_SHOWN_BYTES) return;
  const message = `a packet other than PUBLISH came with ${bytes} bytes where ${MAX_SHOWN_BYTES} are accepted`;
  throw new MqttError('MQTT_PACKET_TOO_LARGE', message);
}

/** Decodes the framer's packet into an object, for all types but the hot ones. */
export function decodeShown<T extends ControlPacket['type']>(
  connection: Connection,
  framer: Framer,
): Extract<ControlPacket, { type: T }> {
  expectModestSize(framer);
  const reader = new PacketReader().over(framer.bytes, framer.bodyStart, framer.bodyEnd);
  return decodePacket(reader, framer.firstByte, connection.version) as Extract<ControlPacket, { type: T }>;
}
