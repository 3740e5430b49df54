/**
 * A bounded queue that is fair between callers: each caller's items leave in order, and callers take turns,
 * so one who queues a hundred delays the others by one.
 */
export class FairQueue<T> {
  /** One lane a caller; a Map keeps the order in which callers take their turn. */
  readonly #lanes = new Map<string, T[]>();
  readonly #maxItems: number;
  readonly #maxItemsPerCaller: number;
  #size = 0;

  constructor(limits: { maxItems: number; maxItemsPerCaller: number }) {
    this.#maxItems = limits.maxItems;
    this.#maxItemsPerCaller = limits.maxItemsPerCaller;
  }

  get size(): number {
    return this.#size;
  }

  /** False when the queue, or this caller's share of it, is full; the item was not taken. */
  push(caller: string, item: T): boolean {
    if (this.#size >= this.#maxItems) return false;
    const lane = this.#lanes.get(caller);
    if (lane === undefined) {
      this.#lanes.set(caller, [item]);
    } else {
      if (lane.length >= this.#maxItemsPerCaller) return false;
      lane.push(item);
    }
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
}

const always = (): boolean => true;
