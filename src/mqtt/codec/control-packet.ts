/** Control Packet types: the high four bits of a packet's first byte (section 2.1.2). */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  /** Only in MQTT 5.0. */
  AUTH: 15,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** The standard's name of a Control Packet. */
export type PacketName = keyof typeof PacketType;

/** By packet type; index 0 is reserved. */
export const PACKET_NAMES: readonly (PacketName | undefined)[] = namesByType();

/** The Protocol Level of CONNECT: 3 is MQTT 3.1 (`MQIsdp`), 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5;

export type QoS = 0 | 1 | 2;

/** What a Variable Byte Integer can hold, and so the largest Remaining Length (section 1.5.5). */
export const MAX_VARIABLE_BYTE_INTEGER = 268_435_455;

/** Fixed Header included: one byte, four bytes of Remaining Length, and the rest. */
export const MAX_PACKET_BYTES = MAX_VARIABLE_BYTE_INTEGER + 5;

/** The largest UTF-8 Encoded String or Binary Data (sections 1.5.4 and 1.5.6). */
export const MAX_STRING_BYTES = 65_535;

export const MAX_UINT_16 = 0xffff;
export const MAX_UINT_32 = 0xffff_ffff;

function namesByType(): (PacketName | undefined)[] {
  const names: (PacketName | undefined)[] = Array.from({ length: 16 }, () => undefined);
  for (const [name, type] of Object.entries(PacketType)) names[type] = name as PacketName;
  return names;
}
