import type { ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { writePacketId } from './fixed-header.ts';
import { readPropertiesOf } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** Section 3.10. */
export type UnsubscribePacket = {
  readonly type: 'unsubscribe';
  readonly packetId: number;
  readonly properties: PropertiesOf<'UNSUBSCRIBE'>;
  /** At least one. */
  readonly topicFilters: readonly string[];
};

/** Decodes what follows the Fixed Header of an UNSUBSCRIBE. */
export function decodeUnsubscribe(reader: PacketReader, version: ProtocolVersion): UnsubscribePacket {
  const packetId = reader.readPacketId();
  const properties = readPropertiesOf(reader, 'UNSUBSCRIBE', version);
  const topicFilters: string[] = [];
  while (reader.remainingBytes > 0) topicFilters.push(reader.readUtf8String('Topic Filter')); // [MQTT-3.10.3-1]
  if (topicFilters.length === 0) throw protocolError('UNSUBSCRIBE has no Topic Filter'); // [MQTT-3.10.3-2]
  return { type: 'unsubscribe', packetId, properties, topicFilters };
}

/** Encodes an UNSUBSCRIBE. */
export function encodeUnsubscribe(
  writer: PacketWriter,
  packet: UnsubscribePacket,
  version: ProtocolVersion,
): void {
  if (packet.topicFilters.length === 0) throw notEncodable('UNSUBSCRIBE has no Topic Filter');
  writePacketId(writer, packet.packetId);
  if (version === 5) writeProperties(writer, 'UNSUBSCRIBE', packet.properties);
  for (const topicFilter of packet.topicFilters) writer.writeUtf8String(topicFilter, 'Topic Filter');
}
