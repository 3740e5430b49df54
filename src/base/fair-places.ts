/** Of the places, kept for callers that have none. */
const RESERVE = 1 / 8;

/**
 * Places that callers share: from one half on nobody may have more than its share of them, and some are kept for those
 * who have none. So whoever takes all that he can leaves some to the others, however long he holds what he has.
 */
export class FairPlaces {
  readonly #held = new Map<string, number>();
  #taken = 0;

  get taken(): number {
    return this.#taken;
  }

  heldBy(caller: string): number {
    return this.#held.get(caller) ?? 0;
  }

  /** Whether a caller may take one more of `limit` places. */
  isOpenTo(caller: string, limit: number): boolean {
    const held = this.heldBy(caller);
    const taken = this.#taken;
    if (taken >= limit) return false;
    if (held === 0 || taken < limit / 2) return true;
    const shared = limit - Math.floor(limit * RESERVE);
    return taken < shared && held < Math.floor(shared / this.#held.size);
  }

  take(caller: string): void {
    this.#held.set(caller, this.heldBy(caller) + 1);
    this.#taken++;
  }

  give(caller: string): void {
    const held = this.heldBy(caller);
    if (held > 1) this.#held.set(caller, held - 1);
    else this.#held.delete(caller);
    this.#taken--;
  }
}
