import { PacketType, type QoS } from './control-packet.ts';
import { notEncodable } from './errors.ts';

/** What the first byte of a PUBLISH says (section 3.3.1): QoS, DUP and RETAIN in its low four bits. */
const FIRST_BYTE = PacketType.PUBLISH << 4;
const RETAIN = 0b0001;
const QOS_SHIFT = 1;
const QOS_MASK = 0b11;
const DUP = 0b1000;

/**
 * The first byte of a PUBLISH.
 *
 * @throws {MqttError} `MQTT_NOT_ENCODABLE`
 */
export function publishFirstByte(qos: QoS, dup: boolean, retain: boolean): number {
  expectQos(qos);
  if (qos === 0 && dup) throw notEncodable('DUP must not be set at QoS 0'); // [MQTT-3.3.1-2]
  return FIRST_BYTE | (dup ? DUP : 0) | (qos << QOS_SHIFT) | (retain ? RETAIN : 0);
}

/** 3 is none [MQTT-3.3.1-4]. */
export function qosOfFlags(flags: number): QoS | 3 {
  return ((flags >> QOS_SHIFT) & QOS_MASK) as QoS | 3;
}

export function hasDup(flags: number): boolean {
  return (flags & DUP) !== 0;
}

export function hasRetain(flags: number): boolean {
  return (flags & RETAIN) !== 0;
}

/** Refuses what is not a QoS, from a program that is not held to types. */
export function expectQos(qos: QoS): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw notEncodable(`QoS must not be ${String(qos)}`);
}
