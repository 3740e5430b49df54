const FIRST_ROOM = 64;

/**
 * Four numbers a subscriber: its first subscription, the last match that met it, where that match put it, and since
 * when what was decided about it holds.
 */
const SHIFT = 2;
const FIRST_SUBSCRIPTION = 0;
const MATCH = 1;
const PLACE = 2;
const VERDICT_EPOCH = 3;

/** Gives each subscriber a small number, by which what is known of it while a topic is matched is found at once. */
export class SubscriberTable<S> {
  readonly #numbers = new Map<S, number>();
  readonly #free: number[] = [];
  #fields = new Int32Array(FIRST_ROOM << SHIFT);
  #end = 1;
  #match = 0;
  #verdictEpoch = 0;

  get size(): number {
    return this.#numbers.size;
  }

  /** The subscriber's number; 0 for one that is not known. */
  find(subscriber: S): number {
    return this.#numbers.get(subscriber) ?? 0;
  }

  findOrAdd(subscriber: S): number {
    const known = this.#numbers.get(subscriber);
    if (known !== undefined) return known;
    const number = this.#free.pop() ?? this.#end++;
    if (number << SHIFT >= this.#fields.length) {
      const fields = new Int32Array(this.#fields.length * 2);
      fields.set(this.#fields);
      this.#fields = fields;
    }
    this.#numbers.set(subscriber, number);
    this.#fields[(number << SHIFT) + VERDICT_EPOCH] = this.#verdictEpoch;
    return number;
  }

  delete(subscriber: S): void {
    const number = this.find(subscriber);
    this.#numbers.delete(subscriber);
    this.#fields.fill(0, number << SHIFT, (number + 1) << SHIFT);
    this.#free.push(number);
  }

  firstSubscription(number: number): number {
    return this.#fields[(number << SHIFT) + FIRST_SUBSCRIPTION]!;
  }

  setFirstSubscription(number: number, subscription: number): void {
    this.#fields[(number << SHIFT) + FIRST_SUBSCRIPTION] = subscription;
  }

  verdictEpoch(number: number): number {
    return this.#fields[(number << SHIFT) + VERDICT_EPOCH]!;
  }

  /** What was decided about the subscriber holds no more, also when it is not known now and comes again. */
  beginVerdictEpoch(number: number): void {
    this.#verdictEpoch = (this.#verdictEpoch + 1) | 0;
    if (number !== 0) this.#fields[(number << SHIFT) + VERDICT_EPOCH] = this.#verdictEpoch;
  }

  /** From here on no subscriber has a place, until it is given one. */
  beginMatch(): void {
    this.#match = (this.#match + 1) | 0;
    if (this.#match !== 0) return;
    // Once in four thousand million matches the numbers begin anew, and the old ones must not be met again.
    for (let at = MATCH; at < this.#fields.length; at += 1 << SHIFT) this.#fields[at] = 0;
    this.#match = 1;
  }

  /** The subscriber's place in the result of this match; when it has none it gets `next`, and -1 is returned. */
  placeOr(number: number, next: number): number {
    const at = number << SHIFT;
    if (this.#fields[at + MATCH] === this.#match) return this.#fields[at + PLACE]!;
    this.#fields[at + MATCH] = this.#match;
    this.#fields[at + PLACE] = next;
    return -1;
  }
}
