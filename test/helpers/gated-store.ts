import { MemorySessionStore } from '../../src/mqtt/session/memory-session-store.ts';

type Pending = { readonly resolve: () => void; readonly reject: (error: Error) => void };

/** A store whose commits are done, or fail, when a test says. At first each is done at the end of its turn. */
export class GatedStore {
  readonly store: MemorySessionStore;
  /** Commits that were begun. */
  commits = 0;
  #pending: Pending[] = [];
  #isOpen = true;

  constructor() {
    this.store = new MemorySessionStore({
      beforeCommit: () => {
        this.commits++;
        if (this.#isOpen) return Promise.resolve();
        return new Promise((resolve, reject) => {
          this.#pending.push({ resolve, reject });
        });
      },
    });
  }

  /** How many commits wait. */
  get pending(): number {
    return this.#pending.length;
  }

  /** From now on commits wait. */
  close(): void {
    this.#isOpen = false;
  }

  /** Lets all go, now and from now on. */
  open(): void {
    this.#isOpen = true;
    for (const { resolve } of this.#pending.splice(0)) resolve();
  }

  /** Has the oldest commit that waits be done. */
  pass(): void {
    this.#take().resolve();
  }

  /** Has the oldest commit that waits fail. */
  fail(): void {
    this.#take().reject(new Error('disk full'));
  }

  #take(): Pending {
    const pending = this.#pending.shift();
    if (pending === undefined) throw new Error('no commit waits');
    return pending;
  }
}
