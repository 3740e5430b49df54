import type { ProtocolVersion } from '../codec/control-packet.ts';
import { decodePacket, type ControlPacket } from '../codec/decode-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { Framer } from '../codec/framer.ts';
import { PacketReader } from '../codec/reader.ts';
import type { MqttClientLimits } from './client-options.ts';

/**
 * Decodes a packet that is no PUBLISH.
 *
 * @throws {MqttError} also where it is larger than any that is worth its decoding
 */
export function decodeControl(
  { bytes, bodyStart, bodyEnd, firstByte }: Framer,
  version: ProtocolVersion,
  { maxControlPacketBytes }: MqttClientLimits,
): ControlPacket {
  const size = bodyEnd - bodyStart;
  if (size > maxControlPacketBytes) {
    const message = `a packet other than PUBLISH came with ${size} bytes where ${maxControlPacketBytes} are accepted`;
    throw new MqttError('MQTT_PACKET_TOO_LARGE', message);
  }
  return decodePacket(new PacketReader().over(bytes, bodyStart, bodyEnd), firstByte, version);
}
