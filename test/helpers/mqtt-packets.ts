import { PacketType, type ProtocolVersion, type QoS } from '../../src/mqtt/codec/control-packet.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import {
  PROPERTIES,
  type PropertiesOf,
  type Property,
  type PropertyHolder,
} from '../../src/mqtt/codec/property.ts';
import { REASON_CODES, type ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import type { RetainHandling } from '../../src/mqtt/codec/subscribe.ts';

/** A whole number from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

/** Mulberry32: small, good enough, and the same everywhere. */
export function randomFrom(start: number): Random {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

export const PACKET_TYPES: readonly ControlPacket['type'][] = [
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
];

const SNIPPETS = [
  'a',
  'Z9',
  '/',
  '$share',
  'ção',
  '温度',
  '\u{1f321}',
  '\ufeff',
  '\u0001',
  '\u007f',
  '\uffff',
  ' ',
];

/** Any text that a UTF-8 Encoded String can be; sometimes longer than 127 bytes, where lengths take another byte. */
export function anyText(random: Random): string {
  let text = '';
  for (let count = random(4); count > 0; count--) text += SNIPPETS[random(SNIPPETS.length)]!;
  const length = random(24);
  return length === 0 ? text.repeat(40) : length === 1 ? `${text}${'long '.repeat(60)}` : text;
}

/** Any Topic Name: not empty, no wildcards. */
export function anyTopicName(random: Random): string {
  return anyText(random) || 'devices/1';
}

export function anyBytes(random: Random): Uint8Array {
  const length = random(16) === 0 ? 100 + random(200) : random(6);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = random(256);
  return bytes;
}

/** A packet that this version can say exactly. */
export function anyPacket(
  random: Random,
  type: ControlPacket['type'],
  version: ProtocolVersion,
): ControlPacket {
  switch (type) {
    case 'connect':
      return anyConnect(random, version);
    case 'connack': {
      const codes = version === 5 ? codesOf('CONNACK') : ([0x00, 0x84, 0x85, 0x88, 0x86, 0x87] as const);
      const reasonCode = codes[random(codes.length)]!;
      const sessionPresent = version !== 3 && reasonCode === 0x00 && random(2) === 0;
      return { type, sessionPresent, reasonCode, properties: anyProperties(random, 'CONNACK', version) };
    }
    case 'publish':
      return anyPublish(random, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp': {
      const holder = type.toUpperCase() as 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP';
      const reasonCode = anyCode(random, holder, version);
      return {
        type,
        packetId: anyId(random),
        reasonCode,
        properties: anyProperties(random, holder, version),
      };
    }
    case 'subscribe':
      return {
        type,
        packetId: anyId(random),
        properties: anyProperties(random, 'SUBSCRIBE', version),
        subscriptions: listOf(random, () => ({
          topicFilter: anyText(random),
          qos: random(3) as QoS,
          noLocal: version === 5 && random(2) === 0,
          retainAsPublished: version === 5 && random(2) === 0,
          retainHandling: (version === 5 ? random(3) : 0) as RetainHandling,
        })),
      };
    case 'suback': {
      const codes = { 3: [0, 1, 2], 4: [0, 1, 2, 0x80], 5: codesOf('SUBACK') } as const;
      const reasonCodes = listOf(random, () => codes[version][random(codes[version].length)]!);
      return {
        type,
        packetId: anyId(random),
        properties: anyProperties(random, 'SUBACK', version),
        reasonCodes,
      };
    }
    case 'unsubscribe': {
      const properties = anyProperties(random, 'UNSUBSCRIBE', version);
      return {
        type,
        packetId: anyId(random),
        properties,
        topicFilters: listOf(random, () => anyText(random)),
      };
    }
    case 'unsuback': {
      const reasonCodes = version === 5 ? listOf(random, () => anyCode(random, 'UNSUBACK', 5)) : [];
      return {
        type,
        packetId: anyId(random),
        properties: anyProperties(random, 'UNSUBACK', version),
        reasonCodes,
      };
    }
    case 'disconnect': {
      const reasonCode = anyCode(random, 'DISCONNECT', version);
      return { type, reasonCode, properties: anyProperties(random, 'DISCONNECT', version) };
    }
    case 'auth': {
      const reasonCode = anyCode(random, 'AUTH', 5);
      if (reasonCode === 0x00 && random(2) === 0) return { type, reasonCode, properties: {} };
      const properties = anyProperties(random, 'AUTH', 5);
      return { type, reasonCode, properties: { ...properties, authenticationMethod: anyText(random) } };
    }
    default:
      return { type };
  }
}

function anyConnect(random: Random, protocolVersion: ProtocolVersion): ControlPacket {
  const cleanStart = random(2) === 0;
  const userName = random(2) === 0 ? anyText(random) : undefined;
  const hasPassword = random(2) === 0 && (userName !== undefined || protocolVersion === 5);
  return {
    type: 'connect',
    protocolVersion,
    cleanStart,
    keepAlive: random(0x1_0000),
    properties:
      protocolVersion === 5
        ? withMethod(anyProperties(random, 'CONNECT', 5))
        : { sessionExpiryInterval: cleanStart ? 0 : 0xffff_ffff },
    clientId: anyText(random),
    willMessage:
      random(2) === 0
        ? undefined
        : {
            topicName: anyTopicName(random),
            payload: anyBytes(random),
            qos: random(3) as QoS,
            retain: random(2) === 0,
            properties: anyProperties(random, 'WILL', protocolVersion),
          },
    userName,
    password: hasPassword ? anyBytes(random) : undefined,
  };
}

function anyPublish(random: Random, version: ProtocolVersion): ControlPacket {
  const qos = random(3) as QoS;
  const properties = anyProperties(random, 'PUBLISH', version);
  return {
    type: 'publish',
    dup: qos > 0 && random(2) === 0,
    qos,
    retain: random(2) === 0,
    topicName: properties.topicAlias !== undefined && random(2) === 0 ? '' : anyTopicName(random),
    packetId: qos === 0 ? 0 : anyId(random),
    properties,
    payload: anyBytes(random),
  };
}

/** Authentication Data may not come without a method. */
function withMethod(properties: PropertiesOf<'CONNECT'>): PropertiesOf<'CONNECT'> {
  return properties.authenticationData === undefined
    ? properties
    : { authenticationMethod: '', ...properties };
}

/** Some of the properties that the table gives the holder; none before MQTT 5.0. */
export function anyProperties<H extends PropertyHolder>(
  random: Random,
  holder: H,
  version: ProtocolVersion,
): PropertiesOf<H> {
  const properties: Record<string, unknown> = {};
  if (version !== 5 || random(3) === 0) return properties as PropertiesOf<H>;
  for (const row of PROPERTIES as readonly Property[]) {
    if (!row.holders.includes(holder) || random(3) > 0) continue;
    properties[row.name] =
      row.many === true ? listOf(random, () => anyValue(random, row)) : anyValue(random, row);
  }
  return properties as PropertiesOf<H>;
}

const LIMITS = { byte: 0xff, uint16: 0xffff, uint32: 0xffff_ffff, variableByteInteger: 268_435_455 } as const;

function anyValue(random: Random, row: Property): unknown {
  switch (row.type) {
    case 'flag':
      return random(2) === 0;
    case 'utf8String':
      return anyText(random);
    case 'topicName':
      return anyTopicName(random);
    case 'binaryData':
      return anyBytes(random);
    case 'utf8StringPair':
      return [anyText(random), anyText(random)];
    default: {
      const { min = 0, max = LIMITS[row.type] } = row;
      const edges = [
        min,
        max,
        Math.min(min + 1, max),
        Math.min(127, max),
        Math.min(128, max),
        Math.min(16_384, max),
      ];
      return random(2) === 0 ? edges[random(edges.length)]! : min + random(max - min + 1);
    }
  }
}

function listOf<T>(random: Random, make: () => T): T[] {
  return Array.from({ length: 1 + random(3) }, make);
}

function anyId(random: Random): number {
  return 1 + random(0xffff);
}

function anyCode(random: Random, packet: keyof typeof PacketType, version: ProtocolVersion): ReasonCode {
  const codes = codesOf(packet);
  return version === 5 ? codes[random(codes.length)]! : 0x00;
}

const CODES = new Map<string, readonly ReasonCode[]>();

function codesOf(packet: keyof typeof PacketType): readonly ReasonCode[] {
  let codes = CODES.get(packet);
  if (codes === undefined) {
    codes = REASON_CODES.filter(({ packets }) => packets.includes(packet)).map(({ code }) => code);
    CODES.set(packet, codes);
  }
  return codes;
}
