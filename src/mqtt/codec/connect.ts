import { MAX_UINT_16, MAX_UINT_32, PacketType, type ProtocolVersion, type QoS } from './control-packet.ts';
import { malformed, MqttError, notEncodable, protocolError } from './errors.ts';
import { expectReservedFlags } from './fixed-header.ts';
import { NO_PROPERTIES, type PropertiesOf } from './property.ts';
import { readProperties } from './read-properties.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

export type ConnectProperties = PropertiesOf<'CONNECT'>;
type WillProperties = PropertiesOf<'WILL'>;

/** What the server publishes when the connection ends without a DISCONNECT (section 3.1.2.5). */
export type WillMessage = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: WillProperties;
};

/** The first packet of a client (section 3.1). */
export type ConnectPacket = {
  readonly type: 'connect';
  readonly protocolVersion: ProtocolVersion;
  /** Another broker, which says so in bit 7 of the Protocol Level: a custom of Mosquitto, before MQTT 5.0. */
  readonly isBroker?: true;
  /** Clean Session in MQTT 3.1 and 3.1.1. */
  readonly cleanStart: boolean;
  /** Seconds; 0 turns it off. */
  readonly keepAlive: number;
  /**
   * Before MQTT 5.0 the only one is `sessionExpiryInterval`: 0 with Clean Session, and 0xFFFFFFFF (never) without.
   * In MQTT 5.0 it is as it was sent; absent means 0.
   */
  readonly properties: ConnectProperties;
  /** May be empty: whether that is accepted is for the server to say. */
  readonly clientId: string;
  readonly willMessage: WillMessage | undefined;
  readonly userName: string | undefined;
  readonly password: Uint8Array | undefined;
};

/** Protocol Name by Protocol Level. */
const PROTOCOL_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' };
const BROKER_BIT = 0b1000_0000;

const RESERVED = 0b0000_0001;
const CLEAN_START = 0b0000_0010;
const WILL_FLAG = 0b0000_0100;
const WILL_QOS_SHIFT = 3;
const WILL_RETAIN = 0b0010_0000;
const PASSWORD_FLAG = 0b0100_0000;
const USER_NAME_FLAG = 0b1000_0000;

/**
 * Decodes what follows the Fixed Header of a CONNECT, of any of the three versions.
 *
 * @param flags - low four bits of the packet's first byte
 * @throws {MqttError} `MQTT_UNSUPPORTED_PROTOCOL_VERSION` [MQTT-3.1.2-1] [MQTT-3.1.2-2], malformed, or protocol error.
 *   `findAnswerVersion` then says how to answer.
 */
export function decodeConnect(
  reader: PacketReader,
  flags: number,
  keepsUserProperties = true,
): ConnectPacket {
  const level = readProtocolLevel(reader);
  const protocolVersion = versionOf(level)!;
  expectReservedFlags(PacketType.CONNECT, flags, protocolVersion);
  const connectFlags = reader.readByte('Connect Flags');
  checkConnectFlags(connectFlags, protocolVersion);
  const cleanStart = (connectFlags & CLEAN_START) !== 0;
  const keepAlive = reader.readUint16('Keep Alive');
  const properties =
    protocolVersion === 5
      ? readProperties(reader, 'CONNECT', keepsUserProperties)
      : { sessionExpiryInterval: cleanStart ? 0 : MAX_UINT_32 };
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError('Authentication Data comes without Authentication Method'); // section 3.1.2.11.10
  }
  const clientId = reader.readUtf8String('Client Identifier'); // [MQTT-3.1.3-3] [MQTT-3.1.3-4]
  const willMessage =
    (connectFlags & WILL_FLAG) === 0 ? undefined : readWill(reader, connectFlags, protocolVersion);
  const userName = isFieldThere(reader, connectFlags & USER_NAME_FLAG, protocolVersion)
    ? reader.readUtf8String('User Name') // [MQTT-3.1.3-12]
    : undefined;
  const password = isFieldThere(reader, connectFlags & PASSWORD_FLAG, protocolVersion)
    ? reader.readBinaryData('Password')
    : undefined;
  reader.expectEnd('CONNECT');
  return {
    type: 'connect',
    protocolVersion,
    ...((level & BROKER_BIT) !== 0 && { isBroker: true }),
    cleanStart,
    keepAlive,
    properties,
    clientId,
    willMessage,
    userName,
    password,
  };
}

/**
 * The version in whose words a CONNECT is answered that may be wrong everywhere after its level; undefined when it is
 * not of MQTT. Whoever speaks a level that is to come understands MQTT 5.0 best [MQTT-3.1.2-2].
 */
export function findAnswerVersion(bytes: Buffer, start: number, end: number): ProtocolVersion | undefined {
  for (const name of [PROTOCOL_NAMES[3], PROTOCOL_NAMES[5]]) {
    const levelAt = start + 2 + name.length;
    if (levelAt >= end || bytes.readUInt16BE(start) !== name.length) continue;
    if (bytes.toString('latin1', start + 2, levelAt) !== name) continue;
    const level = bytes[levelAt]!;
    const version = versionOf(level);
    if (version !== undefined) return PROTOCOL_NAMES[version] === name ? version : 4;
    return level > 5 ? 5 : 4;
  }
  return undefined;
}

function versionOf(level: number): ProtocolVersion | undefined {
  const version = level & ~BROKER_BIT;
  if (version === 3 || version === 4) return version;
  return level === 5 ? 5 : undefined;
}

/** Encodes a CONNECT of its own `protocolVersion`. Properties that this version does not have are left out. */
export function encodeConnect(writer: PacketWriter, packet: ConnectPacket): void {
  const { protocolVersion, willMessage, userName, password, properties, keepAlive } = packet;
  if (protocolVersion !== 5 && password !== undefined && userName === undefined) {
    throw notEncodable('a password needs a user name before MQTT 5.0');
  }
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw notEncodable('Authentication Data needs an Authentication Method');
  }
  if (!(Number.isInteger(keepAlive) && keepAlive >= 0 && keepAlive <= MAX_UINT_16)) {
    throw notEncodable(`Keep Alive must not be ${keepAlive}`);
  }
  writer.writeUtf8String(PROTOCOL_NAMES[protocolVersion], 'Protocol Name');
  writer.writeByte(protocolVersion | (packet.isBroker === true ? BROKER_BIT : 0));
  writer.writeByte(connectFlagsOf(packet));
  writer.writeUint16(keepAlive);
  if (protocolVersion === 5) writeProperties(writer, 'CONNECT', properties);
  writer.writeUtf8String(packet.clientId, 'Client Identifier');
  if (willMessage !== undefined) {
    if (protocolVersion === 5) writeProperties(writer, 'WILL', willMessage.properties);
    writer.writeUtf8String(willMessage.topicName, 'Will Topic');
    writer.writeBinaryData(willMessage.payload, 'Will Payload');
  }
  if (userName !== undefined) writer.writeUtf8String(userName, 'User Name');
  if (password !== undefined) writer.writeBinaryData(password, 'Password');
}

function readProtocolLevel(reader: PacketReader): number {
  const name = reader.readUtf8String('Protocol Name');
  const isName = name === PROTOCOL_NAMES[3] || name === PROTOCOL_NAMES[5];
  // What follows another name is another protocol's: it may not even have a level [MQTT-3.1.2-1].
  const level = isName ? reader.readByte('Protocol Version') : 0;
  const version = versionOf(level);
  if (version !== undefined && PROTOCOL_NAMES[version] === name) return level;
  throw new MqttError(
    'MQTT_UNSUPPORTED_PROTOCOL_VERSION',
    isName ? `there is no ${name} of level ${level}` : 'the Protocol Name is not that of MQTT', // [MQTT-3.1.2-2]
  );
}

function checkConnectFlags(flags: number, version: ProtocolVersion): void {
  const willQos = (flags >> WILL_QOS_SHIFT) & 0b11;
  const hasWill = (flags & WILL_FLAG) !== 0;
  if (hasWill && willQos === 3) throw malformed('Will QoS is 3'); // [MQTT-3.1.2-12]
  if (version !== 5 && (flags & PASSWORD_FLAG) !== 0 && (flags & USER_NAME_FLAG) === 0) {
    throw malformed('there is a password without a user name'); // [v3.1.1 MQTT-3.1.2-22]
  }
  if (version === 3) return; // MQTT 3.1 disregards the reserved bit, and QoS and Retain of a Will that is not there
  if ((flags & RESERVED) !== 0) throw malformed('the reserved flag of CONNECT is set'); // [MQTT-3.1.2-3]
  if (!hasWill && willQos !== 0) throw malformed('there is a Will QoS without a Will'); // [MQTT-3.1.2-11]
  if (!hasWill && (flags & WILL_RETAIN) !== 0) throw malformed('there is a Will Retain without a Will'); // [MQTT-3.1.2-13]
}

/**
 * MQTT 3.1 section 3.1: for clients of the version before it, the Remaining Length takes precedence over the flags
 * of User Name and Password. Later versions demand what the flags say [MQTT-3.1.2-17] [MQTT-3.1.2-19].
 */
function isFieldThere(reader: PacketReader, flag: number, version: ProtocolVersion): boolean {
  return flag !== 0 && (version !== 3 || reader.remainingBytes > 0);
}

function readWill(reader: PacketReader, connectFlags: number, version: ProtocolVersion): WillMessage {
  const properties = version === 5 ? readProperties(reader, 'WILL') : NO_PROPERTIES;
  const topicName = reader.readUtf8String('Will Topic'); // [MQTT-3.1.3-11]
  const payload = reader.readBinaryData('Will Payload');
  const qos = ((connectFlags >> WILL_QOS_SHIFT) & 0b11) as QoS;
  return { topicName, payload, qos, retain: (connectFlags & WILL_RETAIN) !== 0, properties };
}

function connectFlagsOf({ cleanStart, willMessage, userName, password }: ConnectPacket): number {
  let flags = cleanStart ? CLEAN_START : 0;
  if (willMessage !== undefined) {
    const { qos, retain } = willMessage;
    if (qos !== 0 && qos !== 1 && qos !== 2) throw notEncodable(`Will QoS must not be ${String(qos)}`);
    flags |= WILL_FLAG | (qos << WILL_QOS_SHIFT) | (retain ? WILL_RETAIN : 0);
  }
  if (userName !== undefined) flags |= USER_NAME_FLAG;
  if (password !== undefined) flags |= PASSWORD_FLAG;
  return flags;
}
