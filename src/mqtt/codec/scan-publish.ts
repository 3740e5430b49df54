import { MAX_PACKET_BYTES, type ProtocolVersion, type QoS } from './control-packet.ts';
import { malformed, MqttError, protocolError } from './errors.ts';
import {
  MESSAGE_EXPIRY_INTERVAL,
  PAYLOAD_FORMAT_INDICATOR,
  propertiesInOrder,
  RESPONSE_TOPIC,
  SUBSCRIPTION_IDENTIFIER,
  TOPIC_ALIAS,
  USER_PROPERTY,
  type PropertyType,
} from './property.ts';
import { hasDup, hasRetain, qosOfFlags } from './publish-flags.ts';
import { judgeUtf8, Utf8Kind } from './utf8.ts';

/** Where the parts of a PUBLISH lie in the receive buffer. One is made once and filled for message after message. */
export class PublishFields {
  qos: QoS = 0;
  dup = false;
  retain = false;
  /** 1 to 65535; 0 at QoS 0, which has none. */
  packetId = 0;
  /** The bytes of the Topic Name, without its length; none when only a Topic Alias came. */
  topicStart = 0;
  topicEnd = 0;
  /** The properties, without their length; empty before MQTT 5.0. */
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** 0 when there is none. */
  topicAlias = 0;
  /** Index of the Topic Alias property, three bytes with its identifier; -1 when there is none. */
  topicAliasAt = -1;
  /** Seconds; -1 when there is none. */
  messageExpiryInterval = -1;
  /** Index of the interval's four bytes; -1 when there is none. */
  messageExpiryAt = -1;
  /** A client must not send one [MQTT-3.3.4-6]; a server may send many. */
  hasSubscriptionIdentifier = false;

  /** Says that there are none, before they are looked for. */
  forgetProperties(): void {
    this.topicAlias = 0;
    this.topicAliasAt = -1;
    this.messageExpiryInterval = -1;
    this.messageExpiryAt = -1;
    this.hasSubscriptionIdentifier = false;
  }
}

const NUMBER_SIGN = 0x23;
const PLUS_SIGN = 0x2b;

/** How to step over a value. */
const Shape = {
  NONE: 0,
  BYTE: 1,
  UINT_16: 2,
  UINT_32: 3,
  VARIABLE: 4,
  STRING: 5,
  BINARY: 6,
  PAIR: 7,
} as const;
type Shape = (typeof Shape)[keyof typeof Shape];

const SHAPES: Readonly<Record<PropertyType, Shape>> = {
  flag: Shape.BYTE,
  byte: Shape.BYTE,
  uint16: Shape.UINT_16,
  uint32: Shape.UINT_32,
  variableByteInteger: Shape.VARIABLE,
  utf8String: Shape.STRING,
  topicName: Shape.STRING,
  binaryData: Shape.BINARY,
  utf8StringPair: Shape.PAIR,
};

/** By identifier: the shape of each property that a PUBLISH may hold. */
const SHAPE_BY_ID = shapesOfPublish();

/**
 * Finds the parts of a PUBLISH and checks everything but the characters of its topic: those are checked once for each
 * topic, by whoever turns the bytes into a topic, and not once for each message. Makes no object.
 *
 * @param start - index after the Fixed Header
 * @param end - index after the packet
 * @param flags - low four bits of the packet's first byte
 * @param maxPropertiesBytes - each of them is looked at: beyond it none is
 * @throws {MqttError} malformed, protocol error, or `MQTT_TOPIC_ALIAS_INVALID`
 */
export function scanPublish(
  bytes: Buffer,
  start: number,
  end: number,
  flags: number,
  version: ProtocolVersion,
  fields: PublishFields,
  maxPropertiesBytes = MAX_PACKET_BYTES,
): void {
  const qos = qosOfFlags(flags);
  const dup = hasDup(flags);
  if (qos === 3) throw malformed('PUBLISH has both QoS bits set'); // [MQTT-3.3.1-4]
  if (qos === 0 && dup && version !== 3) throw malformed('PUBLISH has DUP at QoS 0'); // [MQTT-3.3.1-2]
  fields.qos = qos;
  fields.dup = dup && qos !== 0; // in MQTT 3.1 it says nothing at QoS 0
  fields.retain = hasRetain(flags);
  fields.forgetProperties();

  if (end - start < 2) throw malformed('PUBLISH ends within its Topic Name');
  const topicStart = start + 2;
  let at = topicStart + ((bytes[start]! << 8) | bytes[start + 1]!);
  if (at > end) throw malformed('PUBLISH ends within its Topic Name');
  const topicEnd = at;
  fields.topicStart = topicStart;
  fields.topicEnd = topicEnd;

  if (qos === 0) {
    fields.packetId = 0; // [MQTT-2.2.1-2]
  } else {
    if (end - at < 2) throw malformed('PUBLISH ends within its Packet Identifier');
    const packetId = (bytes[at]! << 8) | bytes[at + 1]!;
    if (packetId === 0) throw protocolError('Packet Identifier is 0'); // [MQTT-2.2.1-3]
    fields.packetId = packetId;
    at += 2;
  }

  if (version === 5) {
    at = scanProperties(bytes, at, end, fields, maxPropertiesBytes);
  } else {
    fields.propertiesStart = at;
    fields.propertiesEnd = at;
  }
  if (topicStart === topicEnd && fields.topicAlias === 0) {
    throw protocolError('PUBLISH has neither Topic Name nor Topic Alias'); // section 3.3.2.1, [MQTT-4.7.3-1]
  }
  fields.payloadStart = at;
  fields.payloadEnd = end;
}

/** Finds and checks the properties whose length is at `at`; index after them. */
function scanProperties(
  bytes: Buffer,
  at: number,
  end: number,
  fields: PublishFields,
  maxBytes: number,
): number {
  if (at < end && bytes[at] === 0) {
    fields.propertiesStart = at + 1;
    fields.propertiesEnd = at + 1;
    return at + 1;
  }
  const start = skipVariableByteInteger(bytes, at, end, 'Property Length');
  const propertiesEnd = start + variableByteIntegerAt(bytes, at, start);
  if (propertiesEnd > end) throw malformed('the properties are longer than the packet');
  if (propertiesEnd - start > maxBytes) {
    const message = `the properties of a PUBLISH have more than ${maxBytes} bytes`;
    throw new MqttError('MQTT_PACKET_TOO_LARGE', message);
  }
  fields.propertiesStart = start;
  fields.propertiesEnd = propertiesEnd;
  let seen = 0;
  let next = start;
  while (next < propertiesEnd) {
    const id = bytes[next]!;
    const shape = SHAPE_BY_ID[id]! as Shape;
    if (shape === Shape.NONE) throw malformed(`property 0x${id.toString(16)} does not belong in PUBLISH`);
    if (id !== USER_PROPERTY && id !== SUBSCRIPTION_IDENTIFIER) {
      // A shift takes its count modulo 32: 0x23 would have the bit of 0x03.
      const bit = id === TOPIC_ALIAS ? 1 << 31 : 1 << id;
      if ((seen & bit) !== 0) throw protocolError(`property 0x${id.toString(16)} comes more than once`);
      seen |= bit;
    }
    const valueAt = next + 1;
    next = skipValue(bytes, valueAt, propertiesEnd, shape);
    if (SPECIAL[id] !== 0) keepSpecial(bytes, id, valueAt, next, fields);
  }
  return propertiesEnd;
}

/** Identifiers whose value routing needs, or must be of a certain kind. */
const SPECIAL = Uint8Array.from({ length: 256 }, (_, id) =>
  id === PAYLOAD_FORMAT_INDICATOR ||
  id === MESSAGE_EXPIRY_INTERVAL ||
  id === RESPONSE_TOPIC ||
  id === SUBSCRIPTION_IDENTIFIER ||
  id === TOPIC_ALIAS
    ? 1
    : 0,
);

function keepSpecial(bytes: Buffer, id: number, at: number, end: number, fields: PublishFields): void {
  switch (id) {
    case PAYLOAD_FORMAT_INDICATOR: {
      const indicator = bytes[at]!;
      if (indicator > 1) throw protocolError(`Payload Format Indicator must not be ${indicator}`);
      return;
    }
    case MESSAGE_EXPIRY_INTERVAL:
      fields.messageExpiryInterval = bytes.readUInt32BE(at);
      fields.messageExpiryAt = at;
      return;
    case RESPONSE_TOPIC:
      if (end - at === 2) throw protocolError('Response Topic is empty'); // [MQTT-4.7.3-1]
      for (let index = at + 2; index < end; index++) {
        const byte = bytes[index]!;
        if (byte === NUMBER_SIGN || byte === PLUS_SIGN)
          throw protocolError('Response Topic contains a wildcard'); // [MQTT-3.3.2-14]
      }
      return;
    case SUBSCRIPTION_IDENTIFIER:
      if (bytes[at] === 0) throw protocolError('Subscription Identifier must not be 0'); // section 3.3.2.3.8
      fields.hasSubscriptionIdentifier = true;
      return;
    default:
      fields.topicAlias = (bytes[at]! << 8) | bytes[at + 1]!;
      fields.topicAliasAt = at - 1;
      if (fields.topicAlias === 0)
        throw new MqttError('MQTT_TOPIC_ALIAS_INVALID', 'Topic Alias must not be 0'); // [MQTT-3.3.2-8]
  }
}

/** Index after a value, which must end within `end`. */
function skipValue(bytes: Buffer, at: number, end: number, shape: Shape): number {
  switch (shape) {
    case Shape.STRING:
      return skipString(bytes, at, end);
    case Shape.PAIR:
      return skipString(bytes, skipString(bytes, at, end), end); // [MQTT-1.5.7-1]
    case Shape.BINARY:
      return skipLengthAndBytes(bytes, at, end);
    case Shape.VARIABLE:
      return skipVariableByteInteger(bytes, at, end, 'Subscription Identifier');
    default: {
      const next = at + (shape === Shape.BYTE ? 1 : shape === Shape.UINT_16 ? 2 : 4);
      if (next > end) throw cutShort();
      return next;
    }
  }
}

function skipString(bytes: Buffer, at: number, end: number): number {
  const next = skipLengthAndBytes(bytes, at, end);
  const kind = judgeUtf8(bytes, at + 2, next);
  if (kind === Utf8Kind.HAS_NULL) throw malformed('a property contains U+0000'); // [MQTT-1.5.4-2]
  if (kind === Utf8Kind.ILL_FORMED) throw malformed('a property is not well-formed UTF-8'); // [MQTT-1.5.4-1]
  return next;
}

function skipLengthAndBytes(bytes: Buffer, at: number, end: number): number {
  if (end - at < 2) throw cutShort();
  const next = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
  if (next > end) throw cutShort();
  return next;
}

/** Index after a Variable Byte Integer of at most four bytes, and no more than it needs [MQTT-1.5.5-1]. */
function skipVariableByteInteger(bytes: Buffer, at: number, end: number, what: string): number {
  for (let next = at; next < at + 4; next++) {
    if (next >= end) throw cutShort();
    const byte = bytes[next]!;
    if (byte >= 0x80) continue;
    if (byte === 0 && next > at) throw malformed(`${what} takes more bytes than it needs`);
    return next + 1;
  }
  throw malformed(`${what} has more than four bytes`);
}

function variableByteIntegerAt(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  for (let index = end - 1; index >= at; index--) value = (value << 7) | (bytes[index]! & 0x7f);
  return value;
}

function cutShort(): MqttError {
  return malformed('PUBLISH ends within its properties');
}

function shapesOfPublish(): Uint8Array {
  const shapes = new Uint8Array(256);
  for (const row of propertiesInOrder('PUBLISH')) shapes[row.id] = SHAPES[row.type];
  return shapes;
}
