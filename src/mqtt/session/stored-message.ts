import type { PooledBlock } from '../../base/blocks.ts';
import { MAX_UINT_32, type QoS } from '../codec/control-packet.ts';
import { TOPIC_ALIAS_BYTES } from '../codec/property.ts';
import type { PublishFields } from '../codec/scan-publish.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** A payload from so many bytes on is kept as bytes. */
export const LARGE_PAYLOAD_BYTES = 8192;

/**
 * A message that outlives the packet it came in: retained, queued, or in flight. Its bytes are kept as characters
 * of a string, one each: a string lies in the garbage collector's own heap and costs 16 bytes beside them, where a
 * buffer of its own costs 200 and its finalizer. A million retained messages are then one small object each. Large
 * payloads stay bytes, which are sent from where they lie.
 */
export class StoredMessage {
  readonly topicName: string;
  readonly qos: QoS;
  /** As it was published. */
  readonly retain: boolean;
  /** The bytes of Topic Name, properties (as in a PUBLISH of MQTT 5.0, without their length) and a small payload. */
  readonly body: string;
  /** A payload that is not in `body`. Nobody writes to it. */
  readonly largePayload: Buffer | undefined;
  /** Where the Topic Name ends in `body`, and the properties. */
  readonly topicEnd: number;
  readonly propertiesEnd: number;
  /** Index in `body` of the four bytes of the Message Expiry Interval; -1 when there is none. */
  readonly messageExpiryAt: number;
  /** Wall-clock ms; infinite when it never expires. */
  readonly expiresAtMs: number;

  constructor(parts: StoredMessageParts, expiresAtMs = parts.expiresAtMs) {
    this.topicName = parts.topicName;
    this.qos = parts.qos;
    this.retain = parts.retain;
    this.body = parts.body;
    this.largePayload = parts.largePayload;
    this.topicEnd = parts.topicEnd;
    this.propertiesEnd = parts.propertiesEnd;
    this.messageExpiryAt = parts.messageExpiryAt;
    this.expiresAtMs = expiresAtMs;
  }

  /** What it counts for against limits of bytes: its contents, and about what an object and a place cost. */
  get sizeBytes(): number {
    const { largePayload } = this;
    const large = largePayload === undefined ? 0 : largePayload.buffer.byteLength + LARGE_OVERHEAD_BYTES;
    return this.body.length + large + MESSAGE_OVERHEAD_BYTES;
  }

  /** A Will's interval of expiry begins when it is published. */
  publishedAt(nowMs: number): StoredMessage {
    return new StoredMessage(this, this.expiresAtMs + nowMs);
  }

  get payloadLength(): number {
    return this.largePayload?.length ?? this.body.length - this.propertiesEnd;
  }
}

export type StoredMessageParts = Omit<StoredMessage, 'sizeBytes' | 'payloadLength' | 'publishedAt'>;

/** Measured: the object, the string's header, and the place in a queue. */
const MESSAGE_OVERHEAD_BYTES = 160;
/** Measured: a buffer beside its bytes. */
const LARGE_OVERHEAD_BYTES = 200;

/** Where the parts of a PUBLISH lie that is to be kept. */
type StoredSource = {
  readonly bytes: Buffer;
  readonly fields: PublishFields;
  readonly topicName: string;
  /** Where its Topic Name lies, resolved if it came as an alias: in `bytes` or elsewhere. */
  readonly topicBytes: Buffer;
  readonly topicStart: number;
  readonly topicEnd: number;
  /** Where its payload lies: in `bytes` or elsewhere. */
  readonly payloadBytes: Buffer;
  /** That the payload lies in, when it stays there for who holds it. */
  readonly block: PooledBlock | undefined;
};

/**
 * Keeps a PUBLISH that `scanPublish` accepted.
 *
 * @param nowMs - wall-clock, from which its Message Expiry Interval counts (section 3.3.2.3.3)
 */
export function storeMessage(source: StoredSource, nowMs: number): StoredMessage {
  const { bytes, fields, topicBytes, topicStart, topicEnd } = source;
  const { topicAliasAt, propertiesStart, propertiesEnd, payloadStart, payloadEnd, messageExpiryAt } = fields;
  const topicText = topicBytes.toString('latin1', topicStart, topicEnd);
  let properties = '';
  let expiryAt = messageExpiryAt < 0 ? -1 : messageExpiryAt - propertiesStart + topicText.length;
  if (propertiesEnd > propertiesStart) {
    if (topicAliasAt < 0) {
      properties = bytes.toString('latin1', propertiesStart, propertiesEnd);
    } else {
      const rest = bytes.toString('latin1', topicAliasAt + TOPIC_ALIAS_BYTES, propertiesEnd);
      properties = bytes.toString('latin1', propertiesStart, topicAliasAt) + rest;
      if (messageExpiryAt > topicAliasAt) expiryAt -= TOPIC_ALIAS_BYTES;
    }
  }
  const isLarge = payloadEnd - payloadStart >= LARGE_PAYLOAD_BYTES;
  const isWhole = topicBytes === bytes && topicAliasAt < 0 && topicEnd === payloadStart && !isLarge;
  const body = isWhole
    ? bytes.toString('latin1', topicStart, payloadEnd)
    : topicText + properties + (isLarge ? '' : bytes.toString('latin1', payloadStart, payloadEnd));
  const { messageExpiryInterval } = fields;
  return new StoredMessage({
    topicName: source.topicName,
    qos: fields.qos,
    retain: fields.retain,
    body,
    largePayload: isLarge ? keepLarge(source) : undefined,
    topicEnd: topicText.length,
    propertiesEnd: topicText.length + properties.length,
    messageExpiryAt: expiryAt,
    expiresAtMs: messageExpiryInterval < 0 ? NEVER : nowMs + messageExpiryInterval * 1000,
  });
}

/** Where it lies, unless that would keep far more alive than itself; then a copy. */
function keepLarge({ payloadBytes, fields: { payloadStart, payloadEnd }, block }: StoredSource): Buffer {
  if (block !== undefined && 2 * (payloadEnd - payloadStart) >= block.buffer.length) {
    // Never released: it is this message's now, and the collector takes both.
    block.hold();
    return payloadBytes.subarray(payloadStart, payloadEnd);
  }
  const copy = Buffer.allocUnsafeSlow(payloadEnd - payloadStart);
  payloadBytes.copy(copy, 0, payloadStart, payloadEnd);
  return copy;
}

/** Seconds that are left of its Message Expiry Interval, to be sent on [MQTT-3.3.2-6]; -1 when it has none. */
export function secondsLeft(message: StoredMessage, nowMs: number): number {
  if (message.messageExpiryAt < 0) return -1;
  // No more than a packet can say: a wall clock that is set back makes the rest longer than the whole.
  return Math.min(MAX_UINT_32, Math.max(0, Math.ceil((message.expiresAtMs - nowMs) / 1000)));
}
