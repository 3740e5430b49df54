import type { ProtocolVersion, QoS } from './control-packet.ts';
import { malformed, notEncodable, protocolError } from './errors.ts';
import { writePacketId } from './fixed-header.ts';
import { readPropertiesOf } from './packet-parts.ts';
import type { PropertiesOf } from './property.ts';
import type { PacketReader } from './reader.ts';
import { writeProperties } from './write-properties.ts';
import type { PacketWriter } from './writer.ts';

/** What is sent of the retained messages: 0 all, 1 all if the subscription is new, 2 none (section 3.8.3.1). */
export type RetainHandling = 0 | 1 | 2;

/** One Topic Filter of a SUBSCRIBE and its Subscription Options. */
export type SubscriptionRequest = {
  /** Not checked here but for its encoding: wildcards, levels and `$share` are for those who match. */
  readonly topicFilter: string;
  /** The highest that the client wants to receive. */
  readonly qos: QoS;
  /** False before MQTT 5.0, like the next. */
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0 before MQTT 5.0. */
  readonly retainHandling: RetainHandling;
};

/** Section 3.8. */
export type SubscribePacket = {
  readonly type: 'subscribe';
  readonly packetId: number;
  readonly properties: PropertiesOf<'SUBSCRIBE'>;
  /** At least one. */
  readonly subscriptions: readonly SubscriptionRequest[];
};

const QOS_BITS = 0b0000_0011;
const NO_LOCAL = 0b0000_0100;
const RETAIN_AS_PUBLISHED = 0b0000_1000;
const RETAIN_HANDLING_SHIFT = 4;
const RESERVED = 0b1100_0000;

/** Decodes what follows the Fixed Header of a SUBSCRIBE. */
export function decodeSubscribe(reader: PacketReader, version: ProtocolVersion): SubscribePacket {
  const packetId = reader.readPacketId();
  const properties = readPropertiesOf(reader, 'SUBSCRIBE', version);
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remainingBytes > 0) {
    const topicFilter = reader.readUtf8String('Topic Filter'); // [MQTT-3.8.3-1]
    subscriptions.push(readOptions(topicFilter, reader.readByte('Subscription Options'), version));
  }
  if (subscriptions.length === 0) throw protocolError('SUBSCRIBE has no Topic Filter'); // [MQTT-3.8.3-2]
  return { type: 'subscribe', packetId, properties, subscriptions };
}

/** Encodes a SUBSCRIBE. Before MQTT 5.0 only Topic Filters and QoS are sent. */
export function encodeSubscribe(
  writer: PacketWriter,
  packet: SubscribePacket,
  version: ProtocolVersion,
): void {
  if (packet.subscriptions.length === 0) throw notEncodable('SUBSCRIBE has no Topic Filter');
  writePacketId(writer, packet.packetId);
  if (version === 5) writeProperties(writer, 'SUBSCRIBE', packet.properties);
  for (const subscription of packet.subscriptions) {
    writer.writeUtf8String(subscription.topicFilter, 'Topic Filter');
    writer.writeByte(optionsByte(subscription, version));
  }
}

function readOptions(topicFilter: string, options: number, version: ProtocolVersion): SubscriptionRequest {
  const qos = options & QOS_BITS;
  if (version !== 5) {
    // MQTT 3.1 has nothing to say about the other bits; MQTT 3.1.1 does [v3.1.1 MQTT-3-8.3-4].
    if (version === 4 && options !== qos) throw malformed('SUBSCRIBE has reserved bits set beside the QoS');
    if (qos === 3) throw malformed('SUBSCRIBE asks for QoS 3');
    return { topicFilter, qos: qos as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 };
  }
  const retainHandling = (options >> RETAIN_HANDLING_SHIFT) & 0b11;
  if ((options & RESERVED) !== 0) throw malformed('SUBSCRIBE has reserved Subscription Options'); // [MQTT-3.8.3-5]
  if (qos === 3) throw protocolError('SUBSCRIBE asks for QoS 3'); // section 3.8.3.1
  if (retainHandling === 3) throw protocolError('Retain Handling is 3'); // section 3.8.3.1
  return {
    topicFilter,
    qos: qos as QoS,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as RetainHandling,
  };
}

function optionsByte(subscription: SubscriptionRequest, version: ProtocolVersion): number {
  const { qos, noLocal, retainAsPublished, retainHandling } = subscription;
  if (qos !== 0 && qos !== 1 && qos !== 2) throw notEncodable(`QoS must not be ${String(qos)}`);
  if (version !== 5) return qos;
  if (retainHandling !== 0 && retainHandling !== 1 && retainHandling !== 2) {
    throw notEncodable(`Retain Handling must not be ${String(retainHandling)}`);
  }
  return (
    qos |
    (noLocal ? NO_LOCAL : 0) |
    (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
    (retainHandling << RETAIN_HANDLING_SHIFT)
  );
}
