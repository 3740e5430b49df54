/** What is known by the number of its request. */
type Numbered = { readonly request: number };

const FIRST_SLOTS = 64;

/**
 * The flows of a link, found by their numbers: each in the slot that its number says, or the next free one. A `Map`
 * would keep what has long gone, for the reason that base/roster.ts has.
 */
export class FlowTable<T extends Numbered> {
  /** As many as a power of two, and at most half of them taken. */
  #slots: (T | undefined)[] = emptySlots(FIRST_SLOTS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(request: number): T | undefined {
    return this.#slots[this.#find(request)];
  }

  /** In the place of one that has the same number. */
  set(flow: T): void {
    if (2 * this.#size >= this.#slots.length) this.#grow();
    const at = this.#find(flow.request);
    if (this.#slots[at] === undefined) this.#size++;
    this.#slots[at] = flow;
  }

  /** What is not in it stays so. */
  delete(flow: T): void {
    const slots = this.#slots;
    let free = this.#find(flow.request);
    if (slots[free] !== flow) return;
    this.#size--;
    // Those behind it move up, unless they would come to stand before the slot that their number says.
    for (let at = this.#next(free); slots[at] !== undefined; at = this.#next(at)) {
      if (this.#distance(slots[at]!.request, at) < this.#distance(free, at)) continue;
      slots[free] = slots[at];
      free = at;
    }
    slots[free] = undefined;
  }

  /** All of now. */
  all(): T[] {
    return this.#slots.filter((flow) => flow !== undefined);
  }

  /** Where the flow of this number is, or would be. */
  #find(request: number): number {
    let at = request & (this.#slots.length - 1);
    for (;;) {
      const flow = this.#slots[at];
      if (flow === undefined || flow.request === request) return at;
      at = this.#next(at);
    }
  }

  #next(at: number): number {
    return (at + 1) & (this.#slots.length - 1);
  }

  #distance(from: number, to: number): number {
    return (to - from) & (this.#slots.length - 1);
  }

  #grow(): void {
    const flows = this.all();
    this.#slots = emptySlots(2 * this.#slots.length);
    this.#size = 0;
    for (const flow of flows) this.set(flow);
  }
}

function emptySlots(count: number): undefined[] {
  return Array.from({ length: count });
}
