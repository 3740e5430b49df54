import type { QoS } from '../codec/control-packet.ts';
import { StoredMessage } from './stored-message.ts';

/** Flags, the ends of Topic Name and properties, where the expiry is, when it expires, the length of the body. */
const HEAD_BYTES = 23;
const QOS_MASK = 0b11;
const RETAIN_FLAG = 0b100;
const LARGE_FLAG = 0b1000;

/** How many bytes `writeStoredMessage` needs. */
export function storedMessageBytes({ body, largePayload }: StoredMessage): number {
  return HEAD_BYTES + body.length + (largePayload === undefined ? 0 : largePayload.length);
}

/**
 * Writes all of a message, for a store that keeps bytes.
 *
 * @returns where it ends in `target`
 */
export function writeStoredMessage(message: StoredMessage, target: Buffer, at: number): number {
  const { body, largePayload } = message;
  const retain = message.retain ? RETAIN_FLAG : 0;
  target[at] = message.qos | retain | (largePayload === undefined ? 0 : LARGE_FLAG);
  target.writeUInt16BE(message.topicEnd, at + 1);
  target.writeUInt32BE(message.propertiesEnd, at + 3);
  target.writeInt32BE(message.messageExpiryAt, at + 7);
  target.writeDoubleBE(message.expiresAtMs, at + 11);
  target.writeUInt32BE(body.length, at + 19);
  target.write(body, at + HEAD_BYTES, 'latin1');
  const end = at + HEAD_BYTES + body.length;
  return largePayload === undefined ? end : end + largePayload.copy(target, end);
}

/**
 * Reads what `writeStoredMessage` wrote from `start` to `end`. Nothing of `source` is kept.
 *
 * @throws {RangeError} when it is not that
 */
export function readStoredMessage(source: Buffer, start: number, end: number): StoredMessage {
  if (end > source.length || end - start < HEAD_BYTES) throw new RangeError('a stored message is cut short');
  const flags = source[start]!;
  const topicEnd = source.readUInt16BE(start + 1);
  const propertiesEnd = source.readUInt32BE(start + 3);
  const bodyStart = start + HEAD_BYTES;
  const bodyEnd = bodyStart + source.readUInt32BE(start + 19);
  const hasLarge = (flags & LARGE_FLAG) !== 0;
  const isWhole = topicEnd <= propertiesEnd && bodyStart + propertiesEnd <= bodyEnd;
  if (!isWhole || bodyEnd > end || (!hasLarge && bodyEnd !== end))
    throw new RangeError('a stored message has parts that do not fit');
  return new StoredMessage({
    topicName: source.toString('utf8', bodyStart, bodyStart + topicEnd),
    qos: (flags & QOS_MASK) as QoS,
    retain: (flags & RETAIN_FLAG) !== 0,
    body: source.toString('latin1', bodyStart, bodyEnd),
    largePayload: hasLarge ? copyOf(source, bodyEnd, end) : undefined,
    topicEnd,
    propertiesEnd,
    messageExpiryAt: source.readInt32BE(start + 7),
    expiresAtMs: source.readDoubleBE(start + 11),
  });
}

function copyOf(source: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  source.copy(copy, 0, start, end);
  return copy;
}
