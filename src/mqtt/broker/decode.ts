import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import type { Connection } from './connection/connection.ts';

/** Refuses a packet that is not worth its decoding. */
export function expectModestSize({ engine, acceptor }: Connection, { bodyStart, bodyEnd }: Framer): void {
  const { maxControlPacketBytes } = acceptor.options;
  const bytes = bodyEnd - bodyStart;
  if (bytes <= maxControlPacketBytes) return;
  engine.stats.controlPacketsTooLarge++;
  const message = `a packet other than PUBLISH came with ${bytes} bytes where ${maxControlPacketBytes} are accepted`;
  throw new MqttError('MQTT_PACKET_TOO_LARGE', message);
}

/** Decodes the framer's packet into an object, for all types but the hot ones. */
export function decodeShown<T extends ControlPacket['type']>(
  connection: Connection,
  framer: Framer,
): Extract<ControlPacket, { type: T }> {
  expectModestSize(connection, framer);
  const reader = new PacketReader().over(framer.bytes, framer.bodyStart, framer.bodyEnd);
  return decodePacket(reader, framer.firstByte, connection.version) as Extract<ControlPacket, { type: T }>;
}
