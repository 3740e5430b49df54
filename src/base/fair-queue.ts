/**
 * A bounded queue that is fair between callers: each caller's items leave in order, and callers take turns,
 * so one who queues a hundred delays the others by one. Where it is full, whoever has most in it makes room for one
 * who has less.
 */
export class FairQueue<T> {
  /** One lane a caller; a Map keeps the order in which callers take their turn. */
  readonly #lanes = new Map<string, T[]>();
  readonly #maxItems: number;
  readonly #maxItemsPerCaller: number;
  readonly #onDisplaced: (item: T) => void;
  #size = 0;

  /** @param onDisplaced - an item had to leave for another caller's */
  constructor(limits: { maxItems: number; maxItemsPerCaller: number }, onDisplaced: (item: T) => void) {
    this.#maxItems = limits.maxItems;
    this.#maxItemsPerCaller = limits.maxItemsPerCaller;
    this.#onDisplaced = onDisplaced;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the queue, or this caller's share of it, is full; the item was not taken. */
  push(caller: string, item: T): boolean {
    const lane = this.#lanes.get(caller);
    const count = lane?.length ?? 0;
    if (count >= this.#maxItemsPerCaller) return false;
    if (this.#size >= this.#maxItems && !this.#displaceFor(count)) return false;
    if (lane === undefined) this.#lanes.set(caller, [item]);
    else lane.push(item);
    this.#size++;
    return true;
  }

  /** Takes the next item that `canLeave` lets go, and sends its caller to the end of the turns. */
  take(canLeave: (item: T) => boolean): T | undefined {
    for (const [caller, lane] of this.#lanes) {
      const index = lane.findIndex(canLeave);
      if (index < 0) continue;
      const [item] = lane.splice(index, 1);
      this.#lanes.delete(caller);
      if (lane.length > 0) this.#lanes.set(caller, lane);
      this.#size--;
      return item;
    }
    return undefined;
  }

  /** Takes one item out of the middle; false when it is not there. */
  remove(caller: string, item: T): boolean {
    const lane = this.#lanes.get(caller);
    const index = lane?.indexOf(item) ?? -1;
    if (lane === undefined || index < 0) return false;
    lane.splice(index, 1);
    if (lane.length === 0) this.#lanes.delete(caller);
    this.#size--;
    return true;
  }

  /** Empties the queue, in turn order. */
  drain(): T[] {
    const items: T[] = [];
    for (let item = this.take(always); item !== undefined; item = this.take(always)) items.push(item);
    return items;
  }

  /** Takes the newest item of the longest lane out, unless a caller with `count` and one more would have as many. */
  #displaceFor(count: number): boolean {
    let longest: T[] = [];
    for (const lane of this.#lanes.values()) if (lane.length > longest.length) longest = lane;
    if (longest.length <= count + 1) return false;
    const item = longest.pop()!;
    this.#size--;
    this.#onDisplaced(item);
    return true;
  }
}

const always = (): boolean => true;
