import type { Invocation } from '../devices/invocation.ts';

/** What one device was asked, by the ids that its answers carry. */
export class AskedInvocations {
  readonly #maxGivenUp: number;
  readonly #open = new Map<string, Invocation>();
  /** Those that were given up last: a device may have done all the same what it was told to leave. */
  readonly #givenUp = new Map<string, Invocation>();

  constructor(maxGivenUp: number) {
    this.#maxGivenUp = maxGivenUp;
  }

  add(invocation: Invocation): void {
    this.#open.set(invocation.id, invocation);
  }

  /** The one that an answer is for, which is asked no more; undefined for an answer that nobody asked for. */
  take(invocationId: string): Invocation | undefined {
    const open = this.#open.get(invocationId);
    if (open !== undefined) {
      this.#open.delete(invocationId);
      return open;
    }
    const givenUp = this.#givenUp.get(invocationId);
    this.#givenUp.delete(invocationId);
    return givenUp;
  }

  /** Nobody waits for it any more; an answer that comes all the same is a late one. False when it is not open. */
  giveUp(invocation: Invocation): boolean {
    if (!this.#open.delete(invocation.id)) return false;
    this.#givenUp.set(invocation.id, invocation);
    if (this.#givenUp.size <= this.#maxGivenUp) return true;
    for (const [oldest] of this.#givenUp) {
      this.#givenUp.delete(oldest);
      break;
    }
    return true;
  }

  /** The device has gone: gives all up that are open. */
  giveUpAll(): readonly Invocation[] {
    const open = [...this.#open.values()];
    for (const invocation of open) this.giveUp(invocation);
    return open;
  }
}
