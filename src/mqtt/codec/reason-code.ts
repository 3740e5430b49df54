import { PacketType, type PacketName } from './control-packet.ts';

/** Reason Codes (section 2.4, table 2-6). Below 0x80 the operation succeeded. */
export const ReasonCode = {
  SUCCESS: 0x00,
  NORMAL_DISCONNECTION: 0x00,
  GRANTED_QOS_0: 0x00,
  GRANTED_QOS_1: 0x01,
  GRANTED_QOS_2: 0x02,
  DISCONNECT_WITH_WILL_MESSAGE: 0x04,
  NO_MATCHING_SUBSCRIBERS: 0x10,
  NO_SUBSCRIPTION_EXISTED: 0x11,
  CONTINUE_AUTHENTICATION: 0x18,
  RE_AUTHENTICATE: 0x19,
  UNSPECIFIED_ERROR: 0x80,
  MALFORMED_PACKET: 0x81,
  PROTOCOL_ERROR: 0x82,
  IMPLEMENTATION_SPECIFIC_ERROR: 0x83,
  UNSUPPORTED_PROTOCOL_VERSION: 0x84,
  CLIENT_IDENTIFIER_NOT_VALID: 0x85,
  BAD_USER_NAME_OR_PASSWORD: 0x86,
  NOT_AUTHORIZED: 0x87,
  SERVER_UNAVAILABLE: 0x88,
  SERVER_BUSY: 0x89,
  BANNED: 0x8a,
  SERVER_SHUTTING_DOWN: 0x8b,
  BAD_AUTHENTICATION_METHOD: 0x8c,
  KEEP_ALIVE_TIMEOUT: 0x8d,
  SESSION_TAKEN_OVER: 0x8e,
  TOPIC_FILTER_INVALID: 0x8f,
  TOPIC_NAME_INVALID: 0x90,
  PACKET_IDENTIFIER_IN_USE: 0x91,
  PACKET_IDENTIFIER_NOT_FOUND: 0x92,
  RECEIVE_MAXIMUM_EXCEEDED: 0x93,
  TOPIC_ALIAS_INVALID: 0x94,
  PACKET_TOO_LARGE: 0x95,
  MESSAGE_RATE_TOO_HIGH: 0x96,
  QUOTA_EXCEEDED: 0x97,
  ADMINISTRATIVE_ACTION: 0x98,
  PAYLOAD_FORMAT_INVALID: 0x99,
  RETAIN_NOT_SUPPORTED: 0x9a,
  QOS_NOT_SUPPORTED: 0x9b,
  USE_ANOTHER_SERVER: 0x9c,
  SERVER_MOVED: 0x9d,
  SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: 0x9e,
  CONNECTION_RATE_EXCEEDED: 0x9f,
  MAXIMUM_CONNECT_TIME: 0xa0,
  SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: 0xa1,
  WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: 0xa2,
} as const;
export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode];

/** From here on they say that something was not done. */
export const FIRST_FAILURE_CODE = 0x80;

type ReasonCodeRow = {
  readonly code: ReasonCode;
  /** The standard's own words. */
  readonly name: string;
  /** The packets in which it may stand. */
  readonly packets: readonly PacketName[];
};

/** Table 2-6. Three rows share 0x00, which has another name in DISCONNECT and in SUBACK. */
export const REASON_CODES: readonly ReasonCodeRow[] = [
  row(0x00, 'Success', 'CONNACK PUBACK PUBREC PUBREL PUBCOMP UNSUBACK AUTH'),
  row(0x00, 'Normal disconnection', 'DISCONNECT'),
  row(0x00, 'Granted QoS 0', 'SUBACK'),
  row(0x01, 'Granted QoS 1', 'SUBACK'),
  row(0x02, 'Granted QoS 2', 'SUBACK'),
  row(0x04, 'Disconnect with Will Message', 'DISCONNECT'),
  row(0x10, 'No matching subscribers', 'PUBACK PUBREC'),
  row(0x11, 'No subscription existed', 'UNSUBACK'),
  row(0x18, 'Continue authentication', 'AUTH'),
  row(0x19, 'Re-authenticate', 'AUTH'),
  row(0x80, 'Unspecified error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'),
  row(0x81, 'Malformed Packet', 'CONNACK DISCONNECT'),
  row(0x82, 'Protocol Error', 'CONNACK DISCONNECT'),
  row(0x83, 'Implementation specific error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'),
  row(0x84, 'Unsupported Protocol Version', 'CONNACK'),
  row(0x85, 'Client Identifier not valid', 'CONNACK'),
  row(0x86, 'Bad User Name or Password', 'CONNACK'),
  row(0x87, 'Not authorized', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'),
  row(0x88, 'Server unavailable', 'CONNACK'),
  row(0x89, 'Server busy', 'CONNACK DISCONNECT'),
  row(0x8a, 'Banned', 'CONNACK'),
  row(0x8b, 'Server shutting down', 'DISCONNECT'),
  row(0x8c, 'Bad authentication method', 'CONNACK DISCONNECT'),
  row(0x8d, 'Keep Alive timeout', 'DISCONNECT'),
  row(0x8e, 'Session taken over', 'DISCONNECT'),
  row(0x8f, 'Topic Filter invalid', 'SUBACK UNSUBACK DISCONNECT'),
  row(0x90, 'Topic Name invalid', 'CONNACK PUBACK PUBREC DISCONNECT'),
  row(0x91, 'Packet Identifier in use', 'PUBACK PUBREC SUBACK UNSUBACK'),
  row(0x92, 'Packet Identifier not found', 'PUBREL PUBCOMP'),
  row(0x93, 'Receive Maximum exceeded', 'DISCONNECT'),
  row(0x94, 'Topic Alias invalid', 'DISCONNECT'),
  row(0x95, 'Packet too large', 'CONNACK DISCONNECT'),
  row(0x96, 'Message rate too high', 'DISCONNECT'),
  row(0x97, 'Quota exceeded', 'CONNACK PUBACK PUBREC SUBACK DISCONNECT'),
  row(0x98, 'Administrative action', 'DISCONNECT'),
  row(0x99, 'Payload format invalid', 'CONNACK PUBACK PUBREC DISCONNECT'),
  row(0x9a, 'Retain not supported', 'CONNACK DISCONNECT'),
  row(0x9b, 'QoS not supported', 'CONNACK DISCONNECT'),
  row(0x9c, 'Use another server', 'CONNACK DISCONNECT'),
  row(0x9d, 'Server moved', 'CONNACK DISCONNECT'),
  row(0x9e, 'Shared Subscriptions not supported', 'SUBACK DISCONNECT'),
  row(0x9f, 'Connection rate exceeded', 'CONNACK DISCONNECT'),
  row(0xa0, 'Maximum connect time', 'DISCONNECT'),
  row(0xa1, 'Subscription Identifiers not supported', 'SUBACK DISCONNECT'),
  row(0xa2, 'Wildcard Subscriptions not supported', 'SUBACK DISCONNECT'),
];

/** By code: one bit for each packet type in which it may stand. */
const PACKETS_OF_CODE = bitsByCode();

/** Whether a Reason Code may stand in a packet, for instance [MQTT-3.2.2-8] and [MQTT-3.4.2-1]. */
export function isReasonCodeOf(type: PacketType, code: number): code is ReasonCode {
  return code >= 0 && code <= 0xff && (PACKETS_OF_CODE[code]! & (1 << type)) !== 0;
}

/** The standard's name of a Reason Code, as it is called in that packet: `Granted QoS 0` in a SUBACK. */
export function reasonCodeName(code: number, packet?: PacketName): string {
  const rows = REASON_CODES.filter((candidate) => candidate.code === code);
  const found = rows.find(({ packets }) => packet === undefined || packets.includes(packet)) ?? rows[0];
  return found?.name ?? `0x${code.toString(16).padStart(2, '0')}`;
}

function row(code: ReasonCode, name: string, packets: string): ReasonCodeRow {
  return { code, name, packets: packets.split(' ') as PacketName[] };
}

function bitsByCode(): Uint16Array {
  const bits = new Uint16Array(256);
  for (const { code, packets } of REASON_CODES) {
    for (const packet of packets) bits[code]! |= 1 << PacketType[packet];
  }
  return bits;
}
