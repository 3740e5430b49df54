import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import { malformed, MqttError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import { parseTopicFilter, type TopicFilter } from '../topics/topic-filter.ts';
import { isWellFormed } from '../topics/topic-name.ts';
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

/**
 * A Topic Filter of a client; undefined when only this server does not take it.
 *
 * @throws {MqttError} malformed: [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.8.2-1] [MQTT-4.8.2-2]
 */
export function readTopicFilter(text: string, maxTopicLevels: number): TopicFilter | undefined {
  const parsed = parseTopicFilter(text, maxTopicLevels);
  if (parsed.ok) return parsed.value;
  if (!isWellFormed(parsed.failure)) throw malformed(`a Topic Filter is refused: ${parsed.failure}`);
  return undefined;
}
