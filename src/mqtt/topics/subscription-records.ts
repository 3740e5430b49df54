import type { SubscriptionMatch } from './subscription-match.ts';

const FIRST_ROOM = 64;

/** Eight numbers a subscription, of which six are used. */
const SHIFT = 3;
const OWNER = 0;
const SUBSCRIBER = 1;
const NEXT_OF_OWNER = 2;
const PREVIOUS_OF_OWNER = 3;
const NEXT_OF_SUBSCRIBER = 4;
const PREVIOUS_OF_SUBSCRIBER = 5;

/** Any number, read in the two lists that a subscription is in. */
type SubscriptionLinks = {
  readonly owner: number;
  readonly subscriber: number;
  readonly firstOfOwner: number;
  readonly firstOfSubscriber: number;
};

/** All subscriptions by number (from 1), each in a list of its owner (a node) and in one of its subscriber. */
export class SubscriptionRecords<S> {
  readonly #matches: (SubscriptionMatch<S> | undefined)[] = [undefined];
  readonly #free: number[] = [];
  #fields = new Int32Array(FIRST_ROOM << SHIFT);

  get size(): number {
    return this.#matches.length - 1 - this.#free.length;
  }

  /** Puts a new subscription in front of both lists; a `firstOf…` of 0 is an empty list. Returns its number. */
  add(match: SubscriptionMatch<S>, links: SubscriptionLinks): number {
    const record = this.#free.pop() ?? this.#matches.length;
    if (record << SHIFT >= this.#fields.length) {
      const fields = new Int32Array(this.#fields.length * 2);
      fields.set(this.#fields);
      this.#fields = fields;
    }
    const { firstOfOwner, firstOfSubscriber } = links;
    const fields = this.#fields;
    const at = record << SHIFT;
    fields[at + OWNER] = links.owner;
    fields[at + SUBSCRIBER] = links.subscriber;
    fields[at + NEXT_OF_OWNER] = firstOfOwner;
    fields[at + PREVIOUS_OF_OWNER] = 0;
    fields[at + NEXT_OF_SUBSCRIBER] = firstOfSubscriber;
    fields[at + PREVIOUS_OF_SUBSCRIBER] = 0;
    if (firstOfOwner !== 0) fields[(firstOfOwner << SHIFT) + PREVIOUS_OF_OWNER] = record;
    if (firstOfSubscriber !== 0) fields[(firstOfSubscriber << SHIFT) + PREVIOUS_OF_SUBSCRIBER] = record;
    this.#matches[record] = match;
    return record;
  }

  /** Takes it out of both lists; where it was the first, its owner or its subscriber must be told the next one. */
  delete(record: number): void {
    this.#unlink(record, NEXT_OF_OWNER, PREVIOUS_OF_OWNER);
    this.#unlink(record, NEXT_OF_SUBSCRIBER, PREVIOUS_OF_SUBSCRIBER);
    this.#matches[record] = undefined;
    this.#free.push(record);
  }

  match(record: number): SubscriptionMatch<S> {
    return this.#matches[record]!;
  }

  replace(record: number, match: SubscriptionMatch<S>): void {
    this.#matches[record] = match;
  }

  owner(record: number): number {
    return this.#fields[(record << SHIFT) + OWNER]!;
  }

  subscriber(record: number): number {
    return this.#fields[(record << SHIFT) + SUBSCRIBER]!;
  }

  nextOfOwner(record: number): number {
    return this.#fields[(record << SHIFT) + NEXT_OF_OWNER]!;
  }

  nextOfSubscriber(record: number): number {
    return this.#fields[(record << SHIFT) + NEXT_OF_SUBSCRIBER]!;
  }

  #unlink(record: number, nextField: number, previousField: number): void {
    const fields = this.#fields;
    const next = fields[(record << SHIFT) + nextField]!;
    const previous = fields[(record << SHIFT) + previousField]!;
    if (next !== 0) fields[(next << SHIFT) + previousField] = previous;
    if (previous !== 0) fields[(previous << SHIFT) + nextField] = next;
  }
}
