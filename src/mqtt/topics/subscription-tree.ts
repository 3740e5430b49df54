import { LevelTree, NO_NODE, ROOT } from './level-tree.ts';
import { PairTable } from './pair-table.ts';
import { SharedGroup } from './shared-group.ts';
import { SubscriberTable } from './subscriber-table.ts';
import {
  makeMatch,
  mergeMatches,
  type SubscriptionMatch,
  type SubscriptionOptions,
} from './subscription-match.ts';
import { SubscriptionRecords } from './subscription-records.ts';
import type { TopicFilter } from './topic-filter.ts';
import { DOLLAR_SIGN, endOfLevel } from './topic-name.ts';

const FIRST_NODES = 64;
const FIRST_DEPTH = 64;

/** Who gets the messages of one topic. */
export type TopicMatches<S> = {
  /** One for each subscriber with an ordinary subscription. */
  readonly subscribers: SubscriptionMatch<S>[];
  /** One member of each gets a copy too, also when it is among `subscribers` (MQTT 5.0 section 4.8.2). */
  readonly sharedGroups: SharedGroup<S>[];
};

/** A subscription as it was added. */
export type Subscription = { readonly filter: TopicFilter; readonly options: SubscriptionOptions };

/** Where a subscription belongs: a node, or for a Shared Subscription the negative of a group's number. */
type Owner = number;
type GroupEntry<S> = { readonly node: number; readonly number: number; readonly group: SharedGroup<S> };

/**
 * The subscriptions of all sessions, as a tree by topic level. Filters are taken as valid (`parseTopicFilter`).
 *
 * A match visits the nodes whose path matches the beginning of the topic, so subscriptions to other topics cost
 * nothing. What it gives is never changed afterwards and holds as long as `generation` is the same.
 */
export class SubscriptionTree<S> {
  readonly #tree = new LevelTree();
  readonly #records = new SubscriptionRecords<S>();
  readonly #subscribers = new SubscriberTable<S>();
  /** By owner and subscriber: the subscription's number. */
  readonly #byOwner = new PairTable();
  /** By node: the first of its ordinary subscriptions. */
  #firstAt = new Int32Array(FIRST_NODES);
  /** By node and share name. */
  readonly #groupsAt = new Map<number, Map<string, GroupEntry<S>>>();
  readonly #groups: (GroupEntry<S> | undefined)[] = [undefined];
  readonly #freeGroups: number[] = [];
  /** Numbers of the topic's levels, as far as the walk came down. */
  #levels = new Int32Array(FIRST_DEPTH);
  /** Nodes that the walk left for later: at most one a level. */
  #laterNodes = new Int32Array(FIRST_DEPTH);
  #laterDepths = new Int32Array(FIRST_DEPTH);
  #generation = 0;

  /** Grows with every change that a match could show. */
  get generation(): number {
    return this.#generation;
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
    const match = makeMatch(subscriber, options);
    const node = this.#tree.hold(filter.topicFilter);
    const owner = filter.shareName === undefined ? node : this.#holdGroup(node, filter);
    const known = this.#byOwner.get(owner, number);
    if (known !== 0) {
      this.#tree.release(node);
      this.#replace(known, match, options.retainHandling);
      return false;
    }
    const record = this.#records.add(match, {
      owner,
      subscriber: number,
      firstOfOwner: owner < 0 ? 0 : this.#firstOf(owner),
      firstOfSubscriber: this.#subscribers.firstSubscription(number),
      retainHandling: options.retainHandling,
    });
    this.#byOwner.set(owner, number, record);
    this.#subscribers.setFirstSubscription(number, record);
    if (owner < 0) this.#groups[-owner]!.group.set(match);
    else this.#setFirstAt(owner, record);
    this.#generation++;
    return true;
  }

  /** Makes every result that was kept old: something outside has changed what it should be. */
  invalidate(): void {
    this.#generation++;
  }

  /** The subscriber is there again: its Shared Subscriptions need not pass it over any more. */
  welcome(subscriber: S): void {
    if (this.#groupsAt.size === 0) return;
    let record = this.#subscribers.firstSubscription(this.#subscribers.find(subscriber));
    for (; record !== 0; record = this.#records.nextOfSubscriber(record)) {
      const owner = this.#records.owner(record);
      if (owner < 0) this.#groups[-owner]!.group.welcome(subscriber);
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
    const node = this.#tree.find(topicFilter);
    return node === NO_NODE ? undefined : this.#groupsAt.get(node)?.get(shareName)?.group;
  }

  /** What the subscriber has, the newest first. */
  subscriptionsOf(subscriber: S): Subscription[] {
    const subscriptions: Subscription[] = [];
    let record = this.#subscribers.firstSubscription(this.#subscribers.find(subscriber));
    for (; record !== 0; record = this.#records.nextOfSubscriber(record))
      subscriptions.push(this.#describe(record));
    return subscriptions;
  }

  /** Fills `into`, in place of what it holds, with who gets messages of a valid Topic Name. */
  match(topicName: string, into: TopicMatches<S>): void {
    into.subscribers.length = 0;
    into.sharedGroups.length = 0;
    this.#subscribers.beginMatch();
    const tree = this.#tree;
    let hasWildcards = topicName.charCodeAt(0) !== DOLLAR_SIGN; // [MQTT-4.7.2-1], of the first level only
    let levelStart = 0;
    let levelsRead = 0;
    let later = 0;
    let node = ROOT;
    let depth = 0;
    for (;;) {
      if (hasWildcards) this.#collect(tree.numberSignChild(node), into); // the parent level is included
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
        this.#collect(node, into);
      }
      hasWildcards = true;
      depth++;
      if (exact !== NO_NODE && plus !== NO_NODE) {
        this.#laterNodes[later] = plus;
        this.#laterDepths[later++] = depth;
      }
      node = exact === NO_NODE ? plus : exact;
      if (node !== NO_NODE) continue;
      if (later === 0) return;
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

  /** Puts the subscriptions of one node into the result. */
  #collect(node: number, into: TopicMatches<S>): void {
    if (node === NO_NODE || !this.#tree.isHeld(node)) return;
    const { subscribers } = into;
    for (let record = this.#firstOf(node); record !== 0; record = this.#records.nextOfOwner(record)) {
      const match = this.#records.match(record);
      const place = this.#subscribers.placeOr(this.#records.subscriber(record), subscribers.length);
      if (place < 0) subscribers.push(match);
      else subscribers[place] = mergeMatches(subscribers[place]!, match);
    }
    if (this.#groupsAt.size === 0) return;
    const groups = this.#groupsAt.get(node);
    if (groups === undefined) return;
    for (const { group } of groups.values()) into.sharedGroups.push(group);
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
    const entry = this.#groupsAt.get(node)?.get(shareName);
    return entry === undefined ? 0 : this.#byOwner.get(-entry.number, number);
  }

  #replace(record: number, match: SubscriptionMatch<S>, retainHandling: number): void {
    const known = this.#records.match(record);
    const isSame =
      known.qos === match.qos &&
      known.noLocal === match.noLocal &&
      known.retainAsPublished === match.retainAsPublished &&
      known.subscriptionIdentifiers[0] === match.subscriptionIdentifiers[0];
    // Clients that come back subscribe to what they had: no reason to match every topic anew.
    this.#records.replace(record, isSame ? known : match, retainHandling);
    if (isSame) return;
    const owner = this.#records.owner(record);
    if (owner < 0) this.#groups[-owner]!.group.set(match);
    this.#generation++;
  }

  #removeRecord(record: number): void {
    const records = this.#records;
    const { subscriber } = records.match(record);
    const owner: Owner = records.owner(record);
    const number = records.subscriber(record);
    this.#byOwner.delete(owner, number);
    if (owner > 0 && this.#firstAt[owner] === record) this.#firstAt[owner] = records.nextOfOwner(record);
    if (this.#subscribers.firstSubscription(number) === record)
      this.#subscribers.setFirstSubscription(number, records.nextOfSubscriber(record));
    records.delete(record);
    if (this.#subscribers.firstSubscription(number) === 0) this.#subscribers.delete(subscriber);
    const node = owner < 0 ? this.#leaveGroup(-owner, subscriber) : owner;
    this.#tree.release(node);
    this.#generation++;
  }

  /** The owner of a group's subscriptions; a new group is made. Its node is held by them. */
  #holdGroup(node: number, filter: TopicFilter): Owner {
    const shareName = filter.shareName ?? '';
    let groups = this.#groupsAt.get(node);
    if (groups === undefined) this.#groupsAt.set(node, (groups = new Map()));
    let entry = groups.get(shareName);
    if (entry === undefined) {
      const number = this.#freeGroups.pop() ?? this.#groups.length;
      entry = { node, number, group: new SharedGroup({ shareName, topicFilter: filter.topicFilter }) };
      this.#groups[number] = entry;
      groups.set(shareName, entry);
    }
    return -entry.number;
  }

  /** The group's node; a group without members goes. */
  #leaveGroup(number: number, subscriber: S): number {
    const { node, group } = this.#groups[number]!;
    group.delete(subscriber);
    if (group.size > 0) return node;
    const groups = this.#groupsAt.get(node);
    groups?.delete(group.shareName);
    if (groups?.size === 0) this.#groupsAt.delete(node);
    this.#groups[number] = undefined;
    this.#freeGroups.push(number);
    return node;
  }

  #describe(record: number): Subscription {
    const owner = this.#records.owner(record);
    const entry = owner < 0 ? this.#groups[-owner] : undefined;
    const topicFilter = this.#tree.pathOf(entry?.node ?? owner);
    const { qos, noLocal, retainAsPublished, subscriptionIdentifiers } = this.#records.match(record);
    const retainHandling = this.#records.retainHandling(record) as 0 | 1 | 2;
    const subscriptionIdentifier = subscriptionIdentifiers[0] ?? 0;
    const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier };
    return { filter: { shareName: entry?.group.shareName, topicFilter }, options };
  }
}

function enlarged(numbers: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
