import { isUtf8 } from 'node:buffer';
import { costOf, KeptKind } from '../../base/kept-kinds.ts';
import type { Party } from '../../base/ledger.ts';
import type { ChangePlaces } from './filter-changes.ts';
import { randomMultiplier } from './random-seed.ts';
import { decideReceivers, NOBODY_DENIED, type DenialCount } from './receive-verdicts.ts';
import type { SubscriptionMatch } from './subscription-match.ts';
import {
  NO_MATCHES,
  type DeniedReceivers,
  type SubscriptionTree,
  type TopicMatches,
} from './subscription-tree.ts';
import { countLevels, findTopicNameFault, MAX_TOPIC_BYTES, TopicFault } from './topic-name.ts';
import { ENTRY_NODES, NODE_STEPS, type WorkMeter } from './work-meter.ts';

const NEVER_MATCHED = -1;
const NOT_KEPT = -1;
const FIRST_BUCKETS = 64;
/** A longer topic is not kept: there are few, and the table's memory stays bounded by its number of entries. */
const MAX_KEPT_TOPIC_BYTES = 1024;
const NO_WORDS = new Int32Array(0);
const PLACE_BYTES = 8;
/** Of a rule and how many it denies. */
const DENIAL_PLACES = 5;

/** The bytes of a topic, four to a word. */
type TopicKey = { readonly byteLength: number; readonly words: Int32Array; readonly hash: number };

/** A topic as its bytes were found to be: made once, not for each message. */
export class TopicEntry<S> {
  /** Empty when the bytes are not UTF-8. */
  readonly topicName: string;
  /** What forbids it as the topic of a message; undefined when nothing does. */
  readonly fault: TopicFault | undefined;
  /** The rest belongs to the table. */
  readonly byteLength: number;
  readonly words: Int32Array;
  readonly hash: number;
  matches: TopicMatches<S> = NO_MATCHES;
  /** All who were asked about: those among `matches.subscribers`, and those who may not receive the topic. */
  asked: readonly SubscriptionMatch<S>[] = NO_MATCHES.subscribers;
  /** Of these, in their order. */
  denied = NOBODY_DENIED;
  /** Of the subscriptions, in which `matches` were last known to be right. */
  generation = NEVER_MATCHED;
  /** Where changes of filters that match the topic are noted; read when it is first needed. */
  changePlaces: ChangePlaces | undefined = undefined;
  wasUsed = false;
  place = NOT_KEPT;
  nextInBucket: TopicEntry<S> | undefined = undefined;

  constructor(topicName: string, fault: TopicFault | undefined, key: TopicKey) {
    this.topicName = topicName;
    this.fault = fault;
    this.byteLength = key.byteLength;
    this.words = key.words;
    this.hash = key.hash;
  }

  get isValid(): boolean {
    return this.fault === undefined;
  }
}

type TopicTableOptions<S> = {
  readonly subscriptions: SubscriptionTree<S>;
  readonly maxTopicLevels: number;
  /** How many topics are kept. */
  readonly maxTopics: number;
  /** How many matches, of all kept topics together; 8 bytes each. */
  readonly maxMatches: number;
  /** To whom all that is kept is booked. */
  readonly party: Party;
  /** Told what it takes to read topics that are not kept. */
  readonly meter?: WorkMeter;
  /** Leaves out subscribers that may not receive a topic; asked once for each topic, not for each message. */
  readonly denialOf?: ((subscriber: S, topicName: string) => DenialCount | undefined) | undefined;
};

/**
 * From the bytes of a Topic Name, as a PUBLISH brings them, to what is known of it: its text, whether it is valid,
 * and who gets its messages. Bounded; when it is full a topic goes that was not used since the table last went
 * round, so a flood of topics that come once does not drive out those that come again and again.
 */
export class TopicTable<S> {
  readonly #subscriptions: SubscriptionTree<S>;
  readonly #maxTopicLevels: number;
  readonly #maxTopics: number;
  readonly #maxMatches: number;
  readonly #denialOf: TopicTableOptions<S>['denialOf'];
  readonly #meter: WorkMeter;
  readonly #party: Party;
  readonly #multiplier = randomMultiplier();
  readonly #words = new Int32Array((MAX_TOPIC_BYTES >> 2) + 1);
  #buckets: (TopicEntry<S> | undefined)[] = makeBuckets(FIRST_BUCKETS);
  readonly #kept: TopicEntry<S>[] = [];
  #hand = 0;
  #matchHand = 0;
  #matchCount = 0;

  constructor(options: TopicTableOptions<S>) {
    const { subscriptions, maxTopicLevels, maxTopics, maxMatches, party, meter, denialOf } = options;
    this.#subscriptions = subscriptions;
    this.#meter = meter ?? { work: 0 };
    this.#party = party;
    this.#denialOf = denialOf;
    this.#maxTopicLevels = maxTopicLevels;
    this.#maxTopics = Math.max(1, maxTopics);
    this.#maxMatches = maxMatches;
  }

  /** The number of topics that are kept. */
  get size(): number {
    return this.#kept.length;
  }

  /** The number of matches that are kept, of all topics. */
  get matchCount(): number {
    return this.#matchCount;
  }

  /**
   * What is known of the topic `bytes[start, end)`. The bytes are only read during this call. An entry may be held
   * on to, by a Topic Alias for example: {@link matches} stays right for it.
   */
  resolve(bytes: Uint8Array, start: number, end: number): TopicEntry<S> {
    const hash = this.#readWords(bytes, start, end);
    let entry = this.#buckets[hash & (this.#buckets.length - 1)];
    while (entry !== undefined) {
      if (entry.hash === hash && entry.byteLength === end - start && isSameTopic(entry.words, this.#words)) {
        entry.wasUsed = true;
        return entry;
      }
      entry = entry.nextInBucket;
    }
    return this.#learn(bytes, start, end, hash);
  }

  /** Who gets messages of this topic, which must be valid. The result is never changed: later calls give another. */
  matches(entry: TopicEntry<S>): TopicMatches<S> {
    entry.wasUsed = true;
    if (entry.generation === this.#subscriptions.changes.generation) return entry.matches;
    return this.#isStillRight(entry) ? entry.matches : this.#matchAnew(entry);
  }

  /**
   * Lets go of results that subscriptions have overtaken, and with them of subscribers that are gone. To be called
   * now and then: a topic that is used again is matched anew without it.
   */
  forgetOldMatches(): void {
    for (const entry of this.#kept) {
      if (!this.#isStillRight(entry)) this.#forgetMatches(entry);
    }
  }

  /** Whether what was found for the topic is what would be found now. */
  #isStillRight(entry: TopicEntry<S>): boolean {
    const { changes } = this.#subscriptions;
    if (entry.generation === NEVER_MATCHED) return false;
    const places = (entry.changePlaces ??= changes.placesOf(entry.topicName));
    if (changes.concern(entry.topicName, places, entry.generation)) return false;
    entry.generation = changes.generation;
    return true;
  }

  /**
   * Four bytes a step into `#words`, the last ones with zeros; returns their hash. Topics are compared by these
   * words: reading each byte once is what a hit costs.
   */
  #readWords(bytes: Uint8Array, start: number, end: number): number {
    const words = this.#words;
    const multiplier = this.#multiplier;
    let hash = multiplier ^ (end - start);
    let count = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      words[count++] = word;
      hash = Math.imul(hash ^ word, multiplier);
      hash ^= hash >>> 15;
    }
    let rest = 0;
    for (let shift = 0; at < end; at++, shift += 8) rest |= bytes[at]! << shift;
    words[count] = rest;
    hash = Math.imul(hash ^ rest, multiplier);
    return hash ^ (hash >>> 15);
  }

  #learn(bytes: Uint8Array, start: number, end: number, hash: number): TopicEntry<S> {
    if (!isUtf8(bytes.subarray(start, end)))
      return new TopicEntry('', TopicFault.NotUtf8, { byteLength: 0, words: NO_WORDS, hash });
    const topicName = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    const fault = findTopicNameFault(topicName, this.#maxTopicLevels);
    const byteLength = end - start;
    this.#meter.work += (countLevels(topicName) + ENTRY_NODES) * NODE_STEPS;
    const isKept = fault === undefined && byteLength <= MAX_KEPT_TOPIC_BYTES;
    const words = isKept ? this.#words.slice(0, (byteLength >> 2) + 1) : NO_WORDS;
    const entry = new TopicEntry<S>(topicName, fault, { byteLength, words, hash });
    if (isKept) this.#keep(entry);
    return entry;
  }

  #keep(entry: TopicEntry<S>): void {
    const kept = this.#kept;
    const cost = costOf(KeptKind.TOPIC, entry.byteLength);
    if (kept.length < this.#maxTopics && this.#party.book(KeptKind.TOPIC, cost)) {
      if (kept.length * 2 >= this.#buckets.length) this.#growBuckets();
      entry.place = kept.length;
      kept.push(entry);
    } else {
      const unused = this.#findUnused();
      if (
        unused === undefined ||
        !this.#party.hasRoomFor(KeptKind.TOPIC, cost - costOf(KeptKind.TOPIC, unused.byteLength))
      )
        return;
      entry.place = unused.place;
      kept[entry.place] = entry;
      this.#drop(unused);
      this.#party.charge(KeptKind.TOPIC, cost);
    }
    this.#intoBucket(entry);
  }

  /** The first topic that was not used since the hand last passed it; undefined when none is kept. */
  #findUnused(): TopicEntry<S> | undefined {
    for (;;) {
      const entry = this.#kept[this.#hand];
      if (entry === undefined) return undefined;
      this.#hand = (this.#hand + 1) % this.#kept.length;
      if (!entry.wasUsed) return entry;
      entry.wasUsed = false;
    }
  }

  #drop(entry: TopicEntry<S>): void {
    this.#forgetMatches(entry);
    entry.place = NOT_KEPT;
    this.#party.release(KeptKind.TOPIC, costOf(KeptKind.TOPIC, entry.byteLength));
    const bucket = entry.hash & (this.#buckets.length - 1);
    let before = this.#buckets[bucket];
    if (before === entry) {
      this.#buckets[bucket] = entry.nextInBucket;
    } else {
      while (before !== undefined && before.nextInBucket !== entry) before = before.nextInBucket;
      if (before !== undefined) before.nextInBucket = entry.nextInBucket;
    }
    entry.nextInBucket = undefined;
  }

  #intoBucket(entry: TopicEntry<S>): void {
    const bucket = entry.hash & (this.#buckets.length - 1);
    entry.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
  }

  #growBuckets(): void {
    this.#buckets = makeBuckets(this.#buckets.length * 4);
    for (const entry of this.#kept) this.#intoBucket(entry);
  }

  /** A new result each time: a delivery that is going through the last one goes on undisturbed. */
  #matchAnew(entry: TopicEntry<S>): TopicMatches<S> {
    const { generation, allSince } = this.#subscriptions.changes;
    const found = this.#subscriptions.match(entry.topicName);
    const denialOf = this.#denialOf;
    let matches = found;
    let denied = NOBODY_DENIED;
    if (denialOf !== undefined && found.subscribers.length > 0) {
      const known =
        entry.generation < allSince
          ? NOT_ASKED
          : { asked: entry.asked, allowed: entry.matches.subscribers, denied: entry.denied };
      const decided = decideReceivers(found.subscribers, known, (subscriber) =>
        denialOf(subscriber, entry.topicName),
      );
      denied = decided.denied;
      if (denied.length > 0)
        matches = { ...found, subscribers: decided.allowed, denials: countDenied(denied) };
    }
    // Whoever was asked may have had the topic matched after a later change, or driven it out.
    const isOvertaken = entry.generation > generation;
    const verdicts = { asked: found.subscribers, denied };
    const count = countOf(matches, verdicts);
    if (entry.place === NOT_KEPT || isOvertaken || count > this.#maxMatches) return matches;
    if (!this.#party.hasRoomFor(KeptKind.TOPIC, count * PLACE_BYTES)) return matches;
    this.#keepMatches(entry, matches, verdicts, generation);
    if (this.#matchCount > this.#maxMatches) this.#makeRoomForMatches(entry);
    return matches;
  }

  #forgetMatches(entry: TopicEntry<S>): void {
    this.#keepMatches(entry, NO_MATCHES, NOT_ASKED, NEVER_MATCHED);
  }

  #keepMatches(
    entry: TopicEntry<S>,
    matches: TopicMatches<S>,
    verdicts: KeptVerdicts<S>,
    generation: number,
  ): void {
    const change = countOf(matches, verdicts) - countOf(entry.matches, entry);
    this.#matchCount += change;
    if (change !== 0) this.#party.change(KeptKind.TOPIC, change * PLACE_BYTES, 0);
    entry.matches = matches;
    entry.asked = verdicts.asked;
    entry.denied = verdicts.denied;
    entry.generation = generation;
  }

  /** Drops results, those of topics not used since the hand last passed first, until few enough are left. */
  #makeRoomForMatches(newest: TopicEntry<S>): void {
    while (this.#matchCount > this.#maxMatches) {
      this.#matchHand = (this.#matchHand + 1) % this.#kept.length;
      const entry = this.#kept[this.#matchHand]!;
      if (entry === newest || countOf(entry.matches, entry) === 0) continue;
      if (entry.wasUsed) entry.wasUsed = false;
      else this.#forgetMatches(entry);
    }
  }
}

type KeptVerdicts<S> = Pick<TopicEntry<S>, 'asked' | 'denied'>;

const NOT_ASKED = {
  asked: NO_MATCHES.subscribers,
  allowed: NO_MATCHES.subscribers,
  denied: NOBODY_DENIED,
};

/** Most are denied by a few rules. */
function countDenied(denied: readonly DenialCount[]): DeniedReceivers[] {
  const times = new Map<DenialCount, number>();
  for (const denial of denied) times.set(denial, (times.get(denial) ?? 0) + 1);
  return Array.from(times, ([denial, count]) => ({ denial, times: count }));
}

function countOf<S>(
  { subscribers, denials, sharedGroups, mergedPlaces }: TopicMatches<S>,
  { asked, denied }: KeptVerdicts<S>,
): number {
  const askedCount =
    asked === subscribers ? 0 : asked.length + denied.length + DENIAL_PLACES * denials.length;
  return subscribers.length + sharedGroups.length + askedCount + mergedPlaces;
}

function makeBuckets<S>(count: number): (TopicEntry<S> | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}

function isSameTopic(known: Int32Array, words: Int32Array): boolean {
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== words[index]) return false;
  }
  return true;
}
