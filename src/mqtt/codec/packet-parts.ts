import { PacketType, type PacketName, type ProtocolVersion } from './control-packet.ts';
import { notEncodable, protocolError, type MqttError } from './errors.ts';
import { NO_PROPERTIES, type PropertiesOf, type PropertyHolder } from './property.ts';
import { readProperties } from './read-properties.ts';
import { isReasonCodeOf, ReasonCode } from './reason-code.ts';
import type { PacketReader } from './reader.ts';
import { hasProperties, writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** The packets at whose end a Reason Code of 0 may be left out, and then properties that are none. */
type ReasonHolder = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP' | 'DISCONNECT' | 'AUTH';

type Holder = PacketName & PropertyHolder;

/** Reads the properties where they always stand; there are none before MQTT 5.0. */
export function readPropertiesOf<H extends Holder>(
  reader: PacketReader,
  holder: H,
  version: ProtocolVersion,
): PropertiesOf<H> {
  return version === 5 ? readProperties(reader, holder) : NO_PROPERTIES;
}

/** Reads the properties where they may be left out at the end. */
export function readLastProperties<H extends Holder>(
  reader: PacketReader,
  holder: H,
  version: ProtocolVersion,
): PropertiesOf<H> {
  return reader.remainingBytes > 0 ? readPropertiesOf(reader, holder, version) : NO_PROPERTIES;
}

/** Reads a Reason Code that may be left out at the end. Before MQTT 5.0 a packet says nothing but Success. */
export function readLastReasonCode(
  reader: PacketReader,
  holder: ReasonHolder,
  version: ProtocolVersion,
): ReasonCode {
  return version === 5 && reader.remainingBytes > 0 ? readReasonCode(reader, holder) : ReasonCode.SUCCESS;
}

/** Reads a Reason Code; it must be one that may stand in this packet. */
export function readReasonCode(reader: PacketReader, holder: PacketName): ReasonCode {
  const code = reader.readByte('Reason Code');
  if (!isReasonCodeOf(PacketType[holder], code)) throw forbiddenReasonCode(holder, code);
  return code;
}

export function forbiddenReasonCode(holder: PacketName, code: number): MqttError {
  return protocolError(`${holder} must not have the Reason Code ${code}`);
}

/** Writes Reason Code and properties in the shortest form; nothing before MQTT 5.0. */
export function writeReason<H extends ReasonHolder>(
  writer: PacketWriter,
  holder: H,
  { reasonCode, properties }: { readonly reasonCode: ReasonCode; readonly properties: PropertiesOf<H> },
  version: ProtocolVersion,
): void {
  expectReasonCode(holder, reasonCode);
  if (version !== 5) return;
  const isLong = hasProperties(holder, properties);
  if (isLong || reasonCode !== ReasonCode.SUCCESS) writer.writeByte(reasonCode);
  if (isLong) writeProperties(writer, holder, properties);
}

/** [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.14.2-1] [MQTT-3.15.2-1] and the like. */
export function expectReasonCode(holder: PacketName, reasonCode: number): void {
  if (isReasonCodeOf(PacketType[holder], reasonCode)) return;
  throw notEncodable(`${holder} must not have the Reason Code ${String(reasonCode)}`);
}
