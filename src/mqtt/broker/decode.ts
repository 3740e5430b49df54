import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import type { Connection } from './connection/connection.ts';

/** Decodes the framer's packet into an object, for all types but the hot ones; refuses one not worth its decoding. */
export function decodeShown<T extends ControlPacket['type']>(
  { engine, acceptor, version }: Connection,
  { bytes, bodyStart, bodyEnd, firstByte }: Framer,
): Extract<ControlPacket, { type: T }> {
  const { maxControlPacketBytes } = acceptor.options;
  const size = bodyEnd - bodyStart;
  if (size > maxControlPacketBytes) {
    engine.stats.controlPacketsTooLarge++;
    const message = `a packet other than PUBLISH came with ${size} bytes where ${maxControlPacketBytes} are accepted`;
    throw new MqttError('MQTT_PACKET_TOO_LARGE', message);
  }
  const reader = new PacketReader().over(bytes, bodyStart, bodyEnd);
  return decodePacket(reader, firstByte, version) as Extract<ControlPacket, { type: T }>;
}
