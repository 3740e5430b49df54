/** What can be on a roster: one at a time. */
export type Enrolled = {
  /** Where it stands there, for the roster alone; -1 while it is on none. */
  rosterIndex: number;
};

/**
 * Things that come and go thousands of times a second. A `Set` makes its table anew after as many, and the old table
 * holds on to what was in it, and to the next table: once the collector takes one for long-lived, it keeps all that
 * ever came after it until it looks through the whole heap.
 */
export class Roster<T extends Enrolled> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    member.rosterIndex = this.#members.push(member) - 1;
  }

  all(): readonly T[] {
    return this.#members;
  }

  /** @returns false when it is not on it, or not any more */
  remove(member: T): boolean {
    const index = member.rosterIndex;
    if (index < 0) return false;
    member.rosterIndex = -1;
    const last = this.#members.pop()!;
    if (last === member) return true;
    this.#members[index] = last;
    last.rosterIndex = index;
    return true;
  }

  find(isIt: (member: T) => boolean): T | undefined {
    return this.#members.find(isIt);
  }

  /**
   * Calls a function with each; it may add some, and remove any. Those that were added are not called upon, unless
   * others than the one that it was called with are removed: then some may be, and some for a second time.
   */
  forEach(visit: (member: T) => void): void {
    for (let index = this.#members.length - 1; index >= 0; index--) {
      const member = this.#members[index];
      if (member !== undefined) visit(member);
    }
  }
}
