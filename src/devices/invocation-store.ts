import type { InvocationRecord } from './invocation-record.ts';

/**
 * Where invocations that last outlive the hub. Owned by the book of invocations, which notes what changes and commits.
 *
 * The calls that change something only note it; `commit` makes everything noted so far last, at once. What an
 * acknowledgement promises is held back until then: 202, the answer to a command with an idempotency key, and the
 * command itself on its way to the device. Commits that are asked for while one is under way are done together.
 *
 * A store in which noted changes last already returns undefined from `commit`, and nothing waits.
 */
export type InvocationStore = {
  /** Whether anything is left of it when the hub ends. */
  readonly outlivesHub: boolean;
  /** Everything that was committed, by id. Called once, before anything else, and read to its end. */
  load(): AsyncIterable<readonly InvocationRecord[]>;
  /** New, or known and changed. */
  saveInvocation(record: InvocationRecord): void;
  deleteInvocation(id: string): void;
  /**
   * Makes lasting what was noted.
   *
   * @returns undefined when nothing has to wait; else a promise. When it rejects, nothing of it has been made lasting,
   *   and it stays noted: the next commit makes it lasting too.
   */
  commit(): Promise<void> | undefined;
};

/** For a hub that forgets everything when it ends. */
export class MemoryInvocationStore implements InvocationStore {
  readonly outlivesHub = false;
  readonly #records = new Map<string, InvocationRecord>();

  async *load(): AsyncGenerator<readonly InvocationRecord[], void, void> {
    if (this.#records.size > 0) yield [...this.#records.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  saveInvocation(record: InvocationRecord): void {
    this.#records.set(record.id, record);
  }

  deleteInvocation(id: string): void {
    this.#records.delete(id);
  }

  commit(): undefined {
    return undefined;
  }
}
