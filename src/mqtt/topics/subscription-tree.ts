import { FilterChanges } from './filter-changes.ts';
import { LevelTree, NO_NODE, ROOT } from './level-tree.ts';
import { PairTable } from './pair-table.ts';
import type { DenialCount } from './receive-verdicts.ts';
import type { SharedGroup } from './shared-group.ts';
import { SharedGroups } from './shared-groups.ts';
import { SubscriberTable } from './subscriber-table.ts';
import {
  makeMatch,
  mergeMatches,
  type SubscriptionMatch,
  type SubscriptionOptions,
} from './subscription-match.ts';
import { SubscriptionRecords } from './subscription-records.ts';
import type { TopicFilter } from './topic-filter.ts';
import { countLevels, DOLLAR_SIGN, endOfLevel } from './topic-name.ts';
import {
  ENTRY_NODES,
  IDENTIFIERS_A_STEP_SHIFT,
  NODE_CHANGE_STEPS,
  NODE_STEPS,
  type WorkMeter,
} from './work-meter.ts';

const FIRST_NODES = 64;
const FIRST_DEPTH = 64;
/** What a match costs that several subscriptions make together, with the one for its subscriber's own messages. */
const MATCH_PLACES = 24;

/**
 * Nodes that one match may visit besides one for each level of the topic: a few milliseconds. A topic of fifteen
 * levels cannot have more, whatever has been subscribed to; what is deeper nobody may make as expensive as he likes.
 */
const MAX_MATCH_NODES = 65_536;

/** A count of messages that were denied, and how often each message is one more. */
export type DeniedReceivers = { readonly denial: DenialCount; readonly times: number };

/** Who gets the messages of one topic. Never changed. */
export type TopicMatches<S> = {
  /** One for each subscriber with an ordinary subscription. */
  readonly subscribers: readonly SubscriptionMatch<S>[];
  /** What those are counted in who may not receive the topic, which are not among `subscribers`. */
  readonly denials: readonly DeniedReceivers[];
  /** One member of each gets a copy too, also when it is among `subscribers` (MQTT 5.0 section 4.8.2). */
  readonly sharedGroups: readonly SharedGroup<S>[];
  /** So many filters lie on the topic's way that it is not matched: nobody gets its messages. */
  readonly isTooWide: boolean;
  /** What the matches of overlapping subscriptions take, which are this result's alone: in places of a table. */
  readonly mergedPlaces: number;
};

const NOBODY: readonly SubscriptionMatch<never>[] = [];
const NO_DENIALS: readonly DeniedReceivers[] = [];
const NO_GROUPS: readonly SharedGroup<never>[] = [];
export const NO_MATCHES: TopicMatches<never> = {
  subscribers: NOBODY,
  denials: NO_DENIALS,
  sharedGroups: NO_GROUPS,
  isTooWide: false,
  mergedPlaces: 0,
};
const TOO_WIDE: TopicMatches<never> = { ...NO_MATCHES, isTooWide: true };

/** Where a subscription belongs: a node, or for a Shared Subscription the negative of a group's number. */
type Owner = number;

/**
 * The subscriptions of all sessions, as a tree by topic level. Filters are taken as valid (`parseTopicFilter`).
 *
 * A match visits the nodes whose path matches the beginning of the topic, so subscriptions to other topics cost
 * nothing. What it gives holds until `changes` concern the topic.
 */
export class SubscriptionTree<S> {
  /** Of the filters for which a match could show something else than before. */
  readonly changes = new FilterChanges();
  readonly #tree = new LevelTree();
  readonly #records = new SubscriptionRecords<S>();
  readonly #subscribers = new SubscriberTable<S>();
  /** By owner and subscriber: the subscription's number. */
  readonly #byOwner = new PairTable();
  /** By node: the first of its ordinary subscriptions. */
  #firstAt = new Int32Array(FIRST_NODES);
  readonly #groups = new SharedGroups<S>();
  readonly #meter: WorkMeter;
  /** Of the subscriptions, those that are shared. */
  sharedCount = 0;
  /** Numbers of the topic's levels, as far as the walk came down. */
  #levels = new Int32Array(FIRST_DEPTH);
  /** Nodes that the walk left for later: at most one a level. */
  #laterNodes = new Int32Array(FIRST_DEPTH);
  #laterDepths = new Int32Array(FIRST_DEPTH);
  #merges = 0;
  #mergedIdentifiers = 0;

  /** @param meter - told the nodes that are visited and the subscriptions that are found or changed */
  constructor(meter: WorkMeter = { work: 0 }) {
    this.#meter = meter;
  }

  /** The number of subscriptions, shared ones included. */
  get size(): number {
    return this.#records.size;
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** The number of nodes: a measure of memory, and 1 when nothing is subscribed. */
  get nodeCount(): number {
    return this.#tree.size;
  }

  /**
   * Adds a subscription, or gives the one that the subscriber has with this filter new options [MQTT-3.8.4-3].
   *
   * @returns whether it is new, which Retain Handling 1 asks [MQTT-3.3.1-10]
   */
  add(subscriber: S, filter: TopicFilter, options: SubscriptionOptions): boolean {
    const number = this.#subscribers.findOrAdd(subscriber);
    const match = makeMatch(subscriber, options, this.#subscribers.verdictEpoch(number));
    const node = this.#tree.hold(filter.topicFilter);
    this.#countChange(filter.topicFilter);
    const owner = filter.shareName === undefined ? node : this.#groupOwner(node, filter);
    const known = this.#byOwner.get(owner, number);
    if (known !== 0) {
      this.#tree.release(node);
      this.#replace(known, filter.topicFilter, match);
      return false;
    }
    const record = this.#records.add(match, {
      owner,
      subscriber: number,
      firstOfOwner: owner < 0 ? 0 : this.#firstOf(owner),
      firstOfSubscriber: this.#subscribers.firstSubscription(number),
    });
    this.#byOwner.set(owner, number, record);
    this.#subscribers.setFirstSubscription(number, record);
    if (owner < 0) {
      this.#groups.group(-owner).set(match);
      this.sharedCount++;
      return true;
    }
    this.#setFirstAt(owner, record);
    this.changes.note(filter.topicFilter);
    return true;
  }

  /** The subscriber is there again: its Shared Subscriptions need not pass it over any more. */
  welcome(subscriber: S): void {
    if (this.#groups.isEmpty) return;
    let record = this.#subscribers.firstSubscription(this.#subscribers.find(subscriber));
    for (; record !== 0; record = this.#records.nextOfSubscriber(record)) {
      const owner = this.#records.owner(record);
      if (owner < 0) this.#groups.group(-owner).welcome(subscriber);
    }
  }

  /** What was decided about what the subscriber may receive holds no more; about the others it does. */
  forgetVerdicts(subscriber: S): void {
    const number = this.#subscribers.find(subscriber);
    this.#subscribers.beginVerdictEpoch(number);
    const epoch = this.#subscribers.verdictEpoch(number);
    let record = this.#subscribers.firstSubscription(number);
    for (; record !== 0; record = this.#records.nextOfSubscriber(record)) {
      if (this.#records.owner(record) < 0) continue; // members are asked about at each message
      const { qos, noLocal, retainAsPublished, subscriptionIdentifiers } = this.#records.match(record);
      const [subscriptionIdentifier = 0] = subscriptionIdentifiers;
      const options = { qos, noLocal, retainAsPublished, subscriptionIdentifier };
      this.#records.replace(record, makeMatch(subscriber, options, epoch));
      const topicFilter = this.#topicFilterOf(record);
      this.changes.note(topicFilter);
      this.#countChange(topicFilter);
    }
  }

  /** False when there was no such subscription (Reason Code 0x11). */
  remove(subscriber: S, filter: TopicFilter): boolean {
    const record = this.#find(subscriber, filter);
    if (record === 0) return false;
    this.#removeRecord(record);
    return true;
  }

  /** Removes all that the subscriber has; how many these were. */
  removeSubscriber(subscriber: S): number {
    const number = this.#subscribers.find(subscriber);
    let count = 0;
    while (this.#subscribers.firstSubscription(number) !== 0) {
      this.#removeRecord(this.#subscribers.firstSubscription(number));
      count++;
    }
    return count;
  }

  has(subscriber: S, filter: TopicFilter): boolean {
    return this.#find(subscriber, filter) !== 0;
  }

  /** The members of a Shared Subscription; undefined when there are none. */
  sharedGroup({
    shareName,
    topicFilter,
  }: {
    shareName: string;
    topicFilter: string;
  }): SharedGroup<S> | undefined {
    const number = this.#groups.find(this.#tree.find(topicFilter), shareName);
    return number === 0 ? undefined : this.#groups.group(number);
  }

  /** Who gets messages of a valid Topic Name. */
  match(topicName: string): TopicMatches<S> {
    const subscribers: SubscriptionMatch<S>[] = [];
    const sharedGroups: SharedGroup<S>[] = [];
    if (!this.#walk(topicName, subscribers, sharedGroups)) return TOO_WIDE;
    // As large as it must be: an array that grew has room to spare.
    return {
      subscribers: subscribers.length === 0 ? NOBODY : subscribers.slice(),
      denials: NO_DENIALS,
      sharedGroups: sharedGroups.length === 0 ? NO_GROUPS : sharedGroups.slice(),
      isTooWide: false,
      mergedPlaces: this.#mergedIdentifiers + MATCH_PLACES * Math.min(this.#merges, subscribers.length),
    };
  }

  /** Collects what lies on the topic's ways through the tree; false when there are too many of them. */
  #walk(topicName: string, subscribers: SubscriptionMatch<S>[], sharedGroups: SharedGroup<S>[]): boolean {
    this.#subscribers.beginMatch();
    this.#merges = 0;
    this.#mergedIdentifiers = 0;
    const tree = this.#tree;
    let hasWildcards = topicName.charCodeAt(0) !== DOLLAR_SIGN; // [MQTT-4.7.2-1], of the first level only
    let levelStart = 0;
    let levelsRead = 0;
    let later = 0;
    let node = ROOT;
    let depth = 0;
    for (let visited = 1; ; visited++) {
      if (hasWildcards) this.#collect(tree.numberSignChild(node), subscribers, sharedGroups); // the parent level too
      let exact = NO_NODE;
      let plus = NO_NODE;
      if (depth === levelsRead && levelStart <= topicName.length) {
        const end = endOfLevel(topicName, levelStart);
        this.#rememberLevel(depth, tree.levels.find(topicName, levelStart, end));
        levelStart = end + 1;
        levelsRead++;
      }
      if (depth < levelsRead) {
        exact = tree.child(node, this.#levels[depth]!);
        if (hasWildcards) plus = tree.plusChild(node);
      } else {
        this.#collect(node, subscribers, sharedGroups);
      }
      hasWildcards = true;
      depth++;
      if (exact !== NO_NODE && plus !== NO_NODE) {
        this.#laterNodes[later] = plus;
        this.#laterDepths[later++] = depth;
      }
      node = exact === NO_NODE ? plus : exact;
      if (node !== NO_NODE) continue;
      const isTooWide = visited > MAX_MATCH_NODES + levelsRead;
      if (later === 0 || isTooWide) {
        this.#meter.work += visited * NODE_STEPS;
        return !isTooWide;
      }
      node = this.#laterNodes[--later]!;
      depth = this.#laterDepths[later]!;
    }
  }

  #rememberLevel(depth: number, level: number): void {
    if (depth === this.#levels.length) {
      this.#levels = enlarged(this.#levels, depth * 2);
      this.#laterNodes = enlarged(this.#laterNodes, depth * 2);
      this.#laterDepths = enlarged(this.#laterDepths, depth * 2);
    }
    this.#levels[depth] = level;
  }

  /** Adds the subscriptions of one node. */
  #collect(node: number, subscribers: SubscriptionMatch<S>[], sharedGroups: SharedGroup<S>[]): void {
    if (node === NO_NODE || !this.#tree.isHeld(node)) return;
    for (let record = this.#firstOf(node); record !== 0; record = this.#records.nextOfOwner(record)) {
      const match = this.#records.match(record);
      const place = this.#subscribers.placeOr(this.#records.subscriber(record), subscribers.length);
      if (place < 0) subscribers.push(match);
      else this.#merge(subscribers, place, match);
      this.#meter.work++;
    }
    if (!this.#groups.isEmpty) this.#groups.collect(node, sharedGroups);
  }

  #merge(subscribers: SubscriptionMatch<S>[], place: number, match: SubscriptionMatch<S>): void {
    const merged = mergeMatches(subscribers[place]!, match);
    subscribers[place] = merged;
    // All that came before are copied with the one that comes.
    this.#meter.work += merged.subscriptionIdentifiers.length >> IDENTIFIERS_A_STEP_SHIFT;
    this.#merges++;
    this.#mergedIdentifiers +=
      match.subscriptionIdentifiers.length * (merged.ownMessages === undefined ? 1 : 2);
  }

  #firstOf(node: number): number {
    return node < this.#firstAt.length ? this.#firstAt[node]! : 0;
  }

  #setFirstAt(node: number, record: number): void {
    if (node >= this.#firstAt.length)
      this.#firstAt = enlarged(this.#firstAt, Math.max(this.#firstAt.length * 2, this.#tree.end));
    this.#firstAt[node] = record;
  }

  #find(subscriber: S, { shareName, topicFilter }: TopicFilter): number {
    const number = this.#subscribers.find(subscriber);
    const node = number === 0 ? NO_NODE : this.#tree.find(topicFilter);
    if (node === NO_NODE) return 0;
    if (shareName === undefined) return this.#byOwner.get(node, number);
    const group = this.#groups.find(node, shareName);
    return group === 0 ? 0 : this.#byOwner.get(-group, number);
  }

  #replace(record: number, topicFilter: string, match: SubscriptionMatch<S>): void {
    const known = this.#records.match(record);
    const isSame =
      known.qos === match.qos &&
      known.noLocal === match.noLocal &&
      known.retainAsPublished === match.retainAsPublished &&
      known.subscriptionIdentifiers[0] === match.subscriptionIdentifiers[0];
    // Clients that come back subscribe to what they had: no reason to match every topic anew.
    if (isSame) return;
    this.#records.replace(record, match);
    const owner = this.#records.owner(record);
    if (owner < 0) this.#groups.group(-owner).set(match);
    else this.changes.note(topicFilter);
  }

  #removeRecord(record: number): void {
    const records = this.#records;
    const topicFilter = this.#topicFilterOf(record);
    const { subscriber } = records.match(record);
    const owner: Owner = records.owner(record);
    const number = records.subscriber(record);
    this.#byOwner.delete(owner, number);
    if (owner > 0 && this.#firstAt[owner] === record) this.#firstAt[owner] = records.nextOfOwner(record);
    if (this.#subscribers.firstSubscription(number) === record)
      this.#subscribers.setFirstSubscription(number, records.nextOfSubscriber(record));
    records.delete(record);
    if (this.#subscribers.firstSubscription(number) === 0) this.#subscribers.delete(subscriber);
    if (owner < 0) this.sharedCount--;
    const node = owner < 0 ? this.#leaveGroup(-owner, subscriber) : owner;
    this.#tree.release(node);
    if (owner > 0) this.changes.note(topicFilter);
    this.#countChange(topicFilter);
  }

  /** The owner of a group's subscriptions; a new group is made. Its node is held by them. */
  #groupOwner(node: number, { shareName = '', topicFilter }: TopicFilter): Owner {
    const known = this.#groups.find(node, shareName);
    if (known !== 0) return -known;
    this.changes.note(topicFilter);
    return -this.#groups.add(node, shareName, topicFilter);
  }

  /** The group's node; a group without members goes. */
  #leaveGroup(number: number, subscriber: S): number {
    const group = this.#groups.group(number);
    const node = this.#groups.node(number);
    group.delete(subscriber);
    if (group.size > 0) return node;
    this.#groups.delete(number);
    this.changes.note(group.topicFilter);
    return node;
  }

  #countChange(topicFilter: string): void {
    this.#meter.work += (countLevels(topicFilter) + ENTRY_NODES) * NODE_CHANGE_STEPS;
  }

  #topicFilterOf(record: number): string {
    const owner = this.#records.owner(record);
    return owner < 0 ? this.#groups.group(-owner).topicFilter : this.#tree.pathOf(owner);
  }
}

function enlarged(numbers: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
