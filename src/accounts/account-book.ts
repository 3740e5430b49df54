import type { AccountChange, AccountStore } from './account-store.ts';
import type { Principal } from './principal.ts';

/**
 * What all accounts have in common: they are changed one after the other, and whoever came in by one hears of it
 * when that one is no longer what it was.
 */
export class AccountBook {
  readonly #store: AccountStore;
  readonly #ended = new WeakSet<Principal>();
  readonly #listeners = new Set<() => void>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: AccountStore) {
    this.#store = store;
  }

  /** Does something when all that was begun before has ended: of two who want one name, one is refused. */
  inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves when the changes last. */
  write(...changes: readonly AccountChange[]): Promise<void> {
    return this.#store.write(changes);
  }

  /** Ends principals: their connections go, and nobody is let in as one of them. */
  end(...principals: readonly Principal[]): void {
    for (const principal of principals) this.#ended.add(principal);
    this.tellChange();
  }

  hasEnded(principal: Principal): boolean {
    return this.#ended.has(principal);
  }

  /** Calls whenever somebody may no longer do what they could. @returns what takes the listener back */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tellChange(): void {
    for (const listener of this.#listeners) listener();
  }
}
