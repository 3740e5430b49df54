/**
 * How a session store's notes lie in bytes: one after the other, each with its kind in front. All numbers are
 * little-endian; a text has its length in front, of four bytes. A session has a number here, which is never given
 * twice.
 */
export const NoteKind = {
  /** number 8, client id, record with its length: new, or known and changed. */
  SESSION: 1,
  /** number 8: with all that it has. */
  SESSION_END: 2,
  /** number 8, options 8, filter. */
  SUBSCRIPTION: 3,
  /** number 8, filter. */
  SUBSCRIPTION_END: 4,
  /** Topic Name, message with its length. */
  RETAINED: 5,
  /** Topic Name. */
  RETAINED_END: 6,
  /**
   * key 8, message with its length: what the messages after it say, until the next one. While sessions are loaded
   * it has a key, and is empty where that key was there before.
   */
  BODY: 16,
  /** number 8, sequence 8, Packet Identifier 2, flags 1, Subscription Identifiers, Shared Subscription. */
  QUEUED: 17,
  /** number 8, sequence 8, Packet Identifier 2, flags 1. */
  PROGRESS: 18,
  /** number 8, sequence 8. */
  DONE: 19,
  /** number 8, Packet Identifier 2. */
  RECEIVED: 20,
  /** number 8, Packet Identifier 2. */
  RECEIVED_END: 21,
} as const;

/** Of a queued message. */
export const QueuedFlag = {
  QOS: 0b11,
  RETAIN: 0b100,
  RELEASED: 0b1000,
  /** The Shared Subscription follows: ShareName and filter. */
  GROUP: 0b1_0000,
  /** Subscription Identifiers follow: how many, 4 bytes, and each of 4 bytes. */
  IDENTIFIERS: 0b10_0000,
} as const;
