import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 8;
const POOL_BYTES = 4096;

/** Ids of requests: a count, which keeps them apart, and random bytes, so that nobody answers what he was not asked. */
export class RequestIds {
  readonly #pool = Buffer.allocUnsafe(POOL_BYTES);
  #used = POOL_BYTES;
  #count = 0;

  /** Letters, digits and a hyphen: good for a level of a topic. */
  next(): string {
    this.#count++;
    return `${this.#count.toString(36)}-${this.#random()}`;
  }

  #random(): string {
    if (this.#used === POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += RANDOM_BYTES;
    return this.#pool.toString('hex', start, this.#used);
  }
}
