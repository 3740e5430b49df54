import { PacketType, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError } from './errors.ts';
import { expectReservedFlags, firstByteOf, writePacketId } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

type UnsubscribeProperties = PropertiesOf<'UNSUBSCRIBE'>;

/** Section 3.10. */
export type UnsubscribePacket = {
  readonly type: 'unsubscribe';
  readonly packetId: number;
  readonly properties: UnsubscribeProperties;
  /** At least one. */
  readonly topicFilters: readonly string[];
};

/** Decodes what follows the Fixed Header of an UNSUBSCRIBE. */
export function decodeUnsubscribe(
  reader: PacketReader,
  flags: number,
  version: ProtocolVersion,
): UnsubscribePacket {
  expectReservedFlags(PacketType.UNSUBSCRIBE, flags, version); // [MQTT-3.10.1-1]
  const packetId = reader.readPacketId();
  const properties = version === 5 ? readProperties(reader, 'UNSUBSCRIBE') : NO_PROPERTIES;
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
  writer.beginPacket(firstByteOf(PacketType.UNSUBSCRIBE));
  writePacketId(writer, packet.packetId);
  if (version === 5) writeProperties(writer, 'UNSUBSCRIBE', packet.properties);
  for (const topicFilter of packet.topicFilters) writer.writeUtf8String(topicFilter, 'Topic Filter');
  writer.endPacket();
}
