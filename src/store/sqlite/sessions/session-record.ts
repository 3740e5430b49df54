import type { SessionRecord, StoredWill } from '../../../mqtt/session/session-store.ts';
import {
  readStoredMessage,
  storedMessageBytes,
  writeStoredMessage,
} from '../../../mqtt/session/stored-message-codec.ts';
import type { SubscriptionOptions } from '../../../mqtt/topics/subscription-match.ts';

const RecordFlag = { USER: 1, PROVEN: 2, AWAY: 4, WILL: 8, WILL_DUE: 16 } as const;

/** Flags, expiry, when its client left, the length of the user name; and of a Will its delay and when it is due. */
const HEAD_BYTES = 17;
const WILL_HEAD_BYTES = 12;

/** A session as its row has it, without its Client Identifier. */
export function encodeSessionRecord(record: SessionRecord): Buffer {
  const { userName, isOwnerProven, sessionExpiryInterval, disconnectedAtMs, will } = record;
  const user = Buffer.from(userName ?? '');
  const willBytes = will === undefined ? 0 : WILL_HEAD_BYTES + storedMessageBytes(will.message);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + user.length + willBytes);
  bytes[0] =
    (userName === undefined ? 0 : RecordFlag.USER) |
    (isOwnerProven ? RecordFlag.PROVEN : 0) |
    (disconnectedAtMs === undefined ? 0 : RecordFlag.AWAY) |
    (will === undefined ? 0 : RecordFlag.WILL) |
    (will?.dueAtMs === undefined ? 0 : RecordFlag.WILL_DUE);
  bytes.writeUInt32LE(sessionExpiryInterval, 1);
  bytes.writeDoubleLE(disconnectedAtMs ?? 0, 5);
  bytes.writeUInt32LE(user.length, 13);
  const willAt = HEAD_BYTES + user.copy(bytes, HEAD_BYTES);
  if (will === undefined) return bytes;
  bytes.writeUInt32LE(will.willDelayInterval, willAt);
  bytes.writeDoubleLE(will.dueAtMs ?? 0, willAt + 4);
  writeStoredMessage(will.message, bytes, willAt + WILL_HEAD_BYTES);
  return bytes;
}

/** @throws {RangeError} when it is none */
export function decodeSessionRecord(clientId: string, bytes: Buffer): SessionRecord {
  const flags = bytes.readUInt8(0);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const willAt = HEAD_BYTES + bytes.readUInt32LE(13);
  return {
    clientId,
    userName: has(RecordFlag.USER) ? bytes.toString('utf8', HEAD_BYTES, willAt) : undefined,
    isOwnerProven: has(RecordFlag.PROVEN),
    sessionExpiryInterval: bytes.readUInt32LE(1),
    disconnectedAtMs: has(RecordFlag.AWAY) ? bytes.readDoubleLE(5) : undefined,
    will: has(RecordFlag.WILL) ? decodeWill(bytes, willAt, has(RecordFlag.WILL_DUE)) : undefined,
  };
}

function decodeWill(bytes: Buffer, at: number, isDue: boolean): StoredWill {
  return {
    message: readStoredMessage(bytes, at + WILL_HEAD_BYTES, bytes.length),
    willDelayInterval: bytes.readUInt32LE(at),
    dueAtMs: isDue ? bytes.readDoubleLE(at + 4) : undefined,
  };
}

/** The options of a subscription as one number: its Subscription Identifier above eight bits for the rest. */
export function encodeOptions(options: SubscriptionOptions): number {
  const { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier } = options;
  return (
    subscriptionIdentifier * 256 +
    (qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4))
  );
}

export function decodeOptions(bits: number): SubscriptionOptions {
  return {
    qos: (bits & 3) as SubscriptionOptions['qos'],
    noLocal: (bits & 4) !== 0,
    retainAsPublished: (bits & 8) !== 0,
    retainHandling: ((bits >> 4) & 3) as SubscriptionOptions['retainHandling'],
    subscriptionIdentifier: Math.floor(bits / 256),
  };
}
