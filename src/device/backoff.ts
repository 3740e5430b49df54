/**
 * Waits between tries: exponential, with full jitter, so that a thousand devices which lost their hub together
 * do not come back together.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  /** @param options - `minMs`: upper bound of the first wait; `maxMs`: where the doubling stops */
  constructor(options: { minMs: number; maxMs: number; random: () => number }) {
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random;
  }

  /** The next wait in ms: random, from 0 up to a bound that doubles each time. */
  next(): number {
    const bound = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return Math.round(this.#random() * bound);
  }

  /** A wait of at least the maximum, and up to half as much more. */
  longest(): number {
    this.#failures++;
    return Math.round(this.#maxMs * (1 + this.#random() / 2));
  }

  reset(): void {
    this.#failures = 0;
  }
}
