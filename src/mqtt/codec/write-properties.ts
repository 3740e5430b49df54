import { MAX_UINT_16, MAX_UINT_32, MAX_VARIABLE_BYTE_INTEGER } from './control-packet.ts';
import { notEncodable } from './errors.ts';
import {
  NO_PROPERTIES,
  propertiesInOrder,
  type PropertiesOf,
  type Property,
  type PropertyHolder,
} from './property.ts';
import { describeBadTopicName, isInRange } from './read-properties.ts';
import type { PacketWriter } from './writer.ts';

/**
 * Writes the Property Length and the properties that are there, in the order of their identifiers [MQTT-2.2.2-1].
 *
 * @throws {MqttError} `MQTT_NOT_ENCODABLE` for a value that a decoder would refuse
 */
export function writeProperties<H extends PropertyHolder>(
  writer: PacketWriter,
  holder: H,
  properties: PropertiesOf<H>,
): void {
  const lengthAt = writer.beginPart();
  if (properties !== NO_PROPERTIES) {
    const values = properties as Readonly<Record<string, unknown>>;
    for (const row of propertiesInOrder(holder)) {
      writeProperty(writer, row, values[row.name]);
    }
  }
  writer.endPart(lengthAt);
}

/** Whether `writeProperties` would write more than a length of 0. */
export function hasProperties<H extends PropertyHolder>(holder: H, properties: PropertiesOf<H>): boolean {
  if (properties === NO_PROPERTIES) return false;
  const values = properties as Readonly<Record<string, unknown>>;
  for (const row of propertiesInOrder(holder)) {
    const value = values[row.name];
    if (value !== undefined && !(row.many === true && (value as readonly unknown[]).length === 0))
      return true;
  }
  return false;
}

/** Writes one property as often as its value says; not at all when that is undefined. */
export function writeProperty(writer: PacketWriter, row: Property, value: unknown): void {
  if (value === undefined) return;
  if (row.many !== true) {
    writeValue(writer, row, value);
    return;
  }
  for (const item of value as readonly unknown[]) writeValue(writer, row, item);
}

function writeValue(writer: PacketWriter, row: Property, value: unknown): void {
  writer.writeByte(row.id); // every identifier is below 0x80, so this is a whole Variable Byte Integer
  switch (row.type) {
    case 'flag':
      writer.writeByte(value === true ? 1 : 0);
      return;
    case 'byte':
      writer.writeByte(checkedInteger(value, row, 0xff));
      return;
    case 'uint16':
      writer.writeUint16(checkedInteger(value, row, MAX_UINT_16));
      return;
    case 'uint32':
      writer.writeUint32(checkedInteger(value, row, MAX_UINT_32));
      return;
    case 'variableByteInteger':
      writer.writeVariableByteInteger(checkedInteger(value, row, MAX_VARIABLE_BYTE_INTEGER));
      return;
    case 'topicName': {
      const wrong = describeBadTopicName(value as string);
      if (wrong !== undefined) throw notEncodable(`${row.title} ${wrong}`);
      writer.writeUtf8String(value as string, row.title);
      return;
    }
    case 'utf8String':
      writer.writeUtf8String(value as string, row.title);
      return;
    case 'binaryData':
      writer.writeBinaryData(value as Uint8Array, row.title);
      return;
    case 'utf8StringPair': {
      const [name, text] = value as readonly [string, string];
      writer.writeUtf8String(name, row.title);
      writer.writeUtf8String(text, row.title);
    }
  }
}

function checkedInteger(value: unknown, row: Property, limit: number): number {
  const number = value as number;
  if (Number.isInteger(number) && number >= 0 && number <= limit && isInRange(number, row)) return number;
  throw notEncodable(`${row.title} must not be ${number}`);
}
