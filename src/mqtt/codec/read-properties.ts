import { malformed, MqttError, protocolError } from './errors.ts';
import {
  NO_PROPERTIES,
  propertiesById,
  type PropertiesOf,
  type Property,
  type PropertyHolder,
} from './property.ts';
import type { PacketReader } from './reader.ts';

/**
 * Reads the Property Length and the properties behind it (section 2.2.2).
 *
 * @throws {MqttError} malformed: an identifier that does not belong to the holder, or a value that is cut short;
 *   protocol error: a property that comes twice and may not, or a value that the standard forbids
 *
 * @param keepsUserProperties - false where nobody looks at them: checked they are all the same
 */
export function readProperties<H extends PropertyHolder>(
  reader: PacketReader,
  holder: H,
  keepsUserProperties = true,
): PropertiesOf<H> {
  const length = reader.readVariableByteInteger('Property Length');
  if (length === 0) return NO_PROPERTIES;
  const outerEnd = reader.end;
  const end = reader.position + length;
  if (end > outerEnd) throw malformed('the properties are longer than the packet');
  reader.end = end; // no value may reach past the properties
  const found = readPropertiesToEnd(reader, holder, keepsUserProperties);
  reader.end = outerEnd;
  return found;
}

/** As {@link readProperties}, where the properties are all that the reader has, without their length. */
export function readPropertiesToEnd<H extends PropertyHolder>(
  reader: PacketReader,
  holder: H,
  keepsUserProperties = true,
): PropertiesOf<H> {
  const { end } = reader;
  const rows = propertiesById(holder);
  const found: Record<string, unknown> = {};
  while (reader.position < end) {
    const id = reader.readVariableByteInteger('Property Identifier');
    const row = rows[id];
    if (row === undefined) throw malformed(`property 0x${id.toString(16)} does not belong in ${holder}`);
    const earlier = found[row.name];
    if (row.many === true) {
      const value = readValue(reader, row);
      if (!keepsUserProperties && row.name === 'userProperties') continue;
      if (earlier === undefined) found[row.name] = [value];
      else (earlier as unknown[]).push(value);
    } else {
      if (earlier !== undefined) throw protocolError(`${row.title} comes more than once`);
      found[row.name] = readValue(reader, row);
    }
  }
  return found as PropertiesOf<H>;
}

function readValue(reader: PacketReader, row: Property): unknown {
  const { title } = row;
  switch (row.type) {
    case 'flag': {
      const value = reader.readByte(title);
      if (value > 1) throw protocolError(`${title} is neither 0 nor 1`);
      return value === 1;
    }
    case 'byte':
      return inRange(reader.readByte(title), row);
    case 'uint16':
      return inRange(reader.readUint16(title), row);
    case 'uint32':
      return inRange(reader.readUint32(title), row);
    case 'variableByteInteger':
      return inRange(reader.readVariableByteInteger(title), row);
    case 'utf8String':
      return reader.readUtf8String(title);
    case 'topicName': {
      const text = reader.readUtf8String(title);
      const wrong = describeBadTopicName(text);
      if (wrong !== undefined) throw protocolError(`${title} ${wrong}`);
      return text;
    }
    case 'binaryData':
      return reader.readBinaryData(title);
    default: // a UTF-8 String Pair [MQTT-1.5.7-1]
      return [reader.readUtf8String(title), reader.readUtf8String(title)];
  }
}

function inRange(value: number, row: Property): number {
  if (isInRange(value, row)) return value;
  const message = `${row.title} must not be ${value}`;
  // Table 3-13 has a Reason Code of its own for Topic Aliases [MQTT-3.3.2-8].
  throw row.name === 'topicAlias'
    ? new MqttError('MQTT_TOPIC_ALIAS_INVALID', message)
    : protocolError(message);
}

/** Whether the standard allows the value; the type's own limits are not looked at. */
export function isInRange(value: number, row: Property): boolean {
  return (row.min === undefined || value >= row.min) && (row.max === undefined || value <= row.max);
}

/** What is wrong with a Topic Name in a property [MQTT-3.3.2-14] [MQTT-4.7.3-1]; undefined when nothing is. */
export function describeBadTopicName(text: string): string | undefined {
  if (text === '') return 'is empty';
  return text.includes('#') || text.includes('+') ? 'contains a wildcard' : undefined;
}
