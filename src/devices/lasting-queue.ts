import type { Invocation } from './invocation.ts';

export type LastingQueueLimits = {
  /** Invocations that may wait for one device. */
  readonly maxQueuedInvocations: number;
  /** Of those, how many one caller may have. */
  readonly maxQueuedPerCaller: number;
  /** What their inputs may have in all, as JSON. */
  readonly maxQueuedBytes: number;
  /** Of these, how many one caller may have. */
  readonly maxQueuedBytesPerCaller: number;
};

/**
 * Invocations that last and wait for one device, in the order in which they were accepted, whoever asked. What is in it
 * was promised: it leaves for the device, or by its own end, and never for another's sake.
 */
export class LastingQueue {
  /** By id, which sorts in the order of acceptance. */
  readonly #items: Invocation[] = [];
  readonly #limits: LastingQueueLimits;
  #bytes = 0;

  constructor(limits: LastingQueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#items.length;
  }

  /** False when it is full, or the caller's share of it. */
  push(invocation: Invocation): boolean {
    const { maxQueuedInvocations, maxQueuedPerCaller, maxQueuedBytes, maxQueuedBytesPerCaller } =
      this.#limits;
    const bytes = bytesOf(invocation);
    if (this.#items.length >= maxQueuedInvocations || this.#bytes + bytes > maxQueuedBytes) return false;
    const own = this.#items.filter(({ caller }) => caller === invocation.caller);
    const ownBytes = own.reduce((sum, each) => sum + bytesOf(each), 0);
    if (own.length >= maxQueuedPerCaller || ownBytes + bytes > maxQueuedBytesPerCaller) return false;
    this.putBack(invocation);
    return true;
  }

  /** Gives one its place again that had left, or was there before the hub was started. */
  putBack(invocation: Invocation): void {
    const index = this.#items.findLastIndex(({ id }) => id < invocation.id);
    this.#items.splice(index + 1, 0, invocation);
    this.#bytes += bytesOf(invocation);
  }

  /** Takes the first one, if it can leave: none overtakes another. */
  take(canLeave: (invocation: Invocation) => boolean): Invocation | undefined {
    const [first] = this.#items;
    if (first === undefined || !canLeave(first)) return undefined;
    this.remove(first);
    return first;
  }

  remove(invocation: Invocation): boolean {
    const index = this.#items.indexOf(invocation);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    this.#bytes -= bytesOf(invocation);
    return true;
  }

  /** What waits now; it may be changed while one looks. */
  all(): readonly Invocation[] {
    return [...this.#items];
  }
}

function bytesOf({ inputText }: Invocation): number {
  return inputText?.length ?? 0;
}
