import { KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import { LevelTree, NO_NODE, ROOT } from './level-tree.ts';
import { RetainedMatches } from './retained-matches.ts';
import { RetainedValues } from './retained-values.ts';
import { countLevels } from './topic-name.ts';
import type { WorkMeter } from './work-meter.ts';

/** Levels that are taken for granted; each further one counts for what its place in the tree may cost. */
const FREE_LEVELS = 8;
const LEVEL_BYTES = 150;
/** Measured: the nodes of a topic, and its place, beside what the message says that it costs. */
const PLACE_BYTES = 352;

/** What became of a message that was to be retained. */
export const Retention = {
  Retained: 'retained',
  /** `maxRetainedMessages` are there already (Reason Code 0x97 Quota exceeded). */
  TooMany: 'too-many',
  /** With it they would be larger than `maxRetainedBytes` (Reason Code 0x97 Quota exceeded). */
  TooLarge: 'too-large',
} as const;
export type Retention = (typeof Retention)[keyof typeof Retention];

type RetainedMessagesOptions<M> = {
  readonly maxRetainedMessages: number;
  readonly maxRetainedBytes: number;
  /** Milliseconds, of the same clock as `expiresAtMs`. */
  readonly nowMs: () => number;
  /** Told each message that is removed because it has expired. */
  readonly onExpired?: (message: M) => void;
};

/** What is kept with a retained message. */
type RetainedItem<M> = {
  readonly message: M;
  /** What it counts for against `maxRetainedBytes`: the sender of the message decides what belongs to it. */
  readonly sizeBytes: number;
  /** From the Message Expiry Interval (MQTT 5.0 section 3.3.2.3.3); undefined when it has none. */
  readonly expiresAtMs: number | undefined;
  /** To whom it is booked; with `isDecided` whether there is room or not. */
  readonly booking?: { readonly party: Party; readonly isDecided: boolean };
};

/**
 * Retained messages by Topic Name (MQTT 5.0 section 3.3.1.3). Topics are taken as valid. A message that has expired
 * is not given to anyone, and is removed when it is met.
 */
export class RetainedMessages<M> {
  readonly #tree = new LevelTree();
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #nowMs: () => number;
  readonly #onExpired: ((message: M) => void) | undefined;
  readonly #values = new RetainedValues<M>();
  #count = 0;
  /** How many of these expire. */
  #expiring = 0;
  #bytes = 0;
  #swept = ROOT;

  constructor({ maxRetainedMessages, maxRetainedBytes, nowMs, onExpired }: RetainedMessagesOptions<M>) {
    this.#maxMessages = maxRetainedMessages;
    this.#maxBytes = maxRetainedBytes;
    this.#nowMs = nowMs;
    this.#onExpired = onExpired;
  }

  get count(): number {
    return this.#count;
  }

  /** The sum of all `sizeBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A measure of memory; 1 when nothing is retained and no iteration is open. */
  get nodeCount(): number {
    return this.#tree.size;
  }

  /** Retains a message in place of the topic's last one [MQTT-3.3.1-5]. When it is refused the last one stays. */
  set(topicName: string, item: RetainedItem<M>): Retention {
    const { message, sizeBytes: ownBytes, expiresAtMs = Infinity, booking } = item;
    const sizeBytes = ownBytes + bytesOfLevels(topicName);
    const known = this.#tree.find(topicName);
    const isNew = known === NO_NODE || this.#values.message(known) === undefined;
    if (isNew && this.#count >= this.#maxMessages) return Retention.TooMany;
    const freed = isNew ? 0 : this.#values.sizeBytes(known);
    if (this.#bytes - freed + sizeBytes > this.#maxBytes) return Retention.TooLarge;
    if (booking?.isDecided === false && !booking.party.hasRoomFor(KeptKind.RETAINED, sizeBytes + PLACE_BYTES))
      return Retention.TooLarge;
    if (!isNew) this.#release(known);
    const node = isNew ? this.#tree.hold(topicName) : known;
    const party = booking?.party;
    party?.charge(KeptKind.RETAINED, sizeBytes + PLACE_BYTES);
    this.#values.set(node, message, { sizeBytes, expiresAtMs, party });
    this.#bytes += sizeBytes - freed;
    if (expiresAtMs !== Infinity) this.#expiring++;
    if (isNew) this.#count++;
    return Retention.Retained;
  }

  get(topicName: string): M | undefined {
    const node = this.#tree.find(topicName);
    return node === NO_NODE ? undefined : this.#take(node, this.#nowMs());
  }

  /** To whom the topic's message is booked, where there is one. */
  partyOf(topicName: string): Party | undefined {
    const node = this.#tree.find(topicName);
    return node === NO_NODE ? undefined : this.#values.party(node);
  }

  /** Removes the topic's message, as one with an empty payload does [MQTT-3.3.1-6]; false when there was none. */
  clear(topicName: string): boolean {
    const node = this.#tree.find(topicName);
    if (node === NO_NODE || this.#values.message(node) === undefined) return false;
    this.#remove(node);
    return true;
  }

  /**
   * The messages whose topics match a valid filter, to be taken in pieces while topics come and go.
   *
   * @param topicFilter - without `$share/{ShareName}/`: Shared Subscriptions get no retained messages
   * @param meter - told how many topics, and levels above them, were looked at
   */
  match(topicFilter: string, meter: WorkMeter = { work: 0 }): RetainedMatches<M> {
    const take = (node: number): M | undefined => this.#take(node, this.#nowMs());
    return new RetainedMatches(this.#tree, topicFilter, { take, meter });
  }

  /**
   * Looks at the next `maxTopics` places for messages that have expired, and removes these; how many they were.
   * To be called now and then, for topics that nobody asks for.
   */
  removeExpired(maxTopics: number): number {
    if (this.#expiring === 0) return 0;
    const nowMs = this.#nowMs();
    const before = this.#count;
    const { end } = this.#tree;
    for (let left = Math.min(maxTopics, end - ROOT); left > 0; left--) {
      this.#swept = this.#swept + 1 >= end ? ROOT : this.#swept + 1;
      this.#take(this.#swept, nowMs);
    }
    return before - this.#count;
  }

  /** The message of a node; one that has expired is removed. */
  #take(node: number, nowMs: number): M | undefined {
    const message = this.#values.message(node);
    if (message === undefined || this.#values.expiresAtMs(node) > nowMs) return message;
    this.#remove(node);
    this.#onExpired?.(message);
    return undefined;
  }

  #release(node: number): void {
    if (this.#values.expiresAtMs(node) !== Infinity) this.#expiring--;
    this.#values.party(node)?.release(KeptKind.RETAINED, this.#values.sizeBytes(node) + PLACE_BYTES);
  }

  #remove(node: number): void {
    this.#release(node);
    this.#bytes -= this.#values.sizeBytes(node);
    this.#count--;
    this.#values.delete(node);
    this.#tree.release(node);
  }
}

/** A million topics of a hundred bytes and sixty levels each would else be ten gigabytes that nobody counted. */
function bytesOfLevels(topicName: string): number {
  return Math.max(0, countLevels(topicName) - FREE_LEVELS) * LEVEL_BYTES;
}
