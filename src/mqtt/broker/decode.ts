import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import type { Connection } from './connection.ts';

/** Decodes the framer's packet into an object, for all types but the hot ones. */
export function decodeShown<T extends ControlPacket['type']>(
  connection: Connection,
  framer: Framer,
): Extract<ControlPacket, { type: T }> {
  const reader = new PacketReader().over(framer.bytes, framer.bodyStart, framer.bodyEnd);
  return decodePacket(reader, framer.firstByte, connection.version) as Extract<ControlPacket, { type: T }>;
}
