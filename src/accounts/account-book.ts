import type { Clock, Timer } from '../base/clock.ts';
import { LogBudget, NOBODY } from '../base/log-budget.ts';
import type { Logger } from '../base/logger.ts';
import type { AccountChange, AccountRecord, AccountStore } from './account-store.ts';
import type { Principal } from './principal.ts';

/** How long it may take until it is kept that an account was used. */
const KEEP_USE_MS = 60_000;

type BookParts = { readonly store: AccountStore; readonly clock: Clock; readonly log: Logger };

/**
 * What all accounts have in common: they are changed one after the other, and whoever came in by one hears of it
 * when that one is no longer what it was.
 */
export class AccountBook {
  readonly #store: AccountStore;
  readonly #clock: Clock;
  readonly #log: LogBudget;
  /** How often anything has changed that somebody may have been told. */
  changes = 0;
  readonly #ended = new WeakSet<Principal>();
  readonly #listeners = new Set<() => void>();
  /** What is to be kept of those that were used, by kind and key; nothing of those that are gone by then. */
  readonly #used = new Map<string, () => AccountRecord | undefined>();
  #useTimer: Timer | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ store, clock, log }: BookParts) {
    this.#store = store;
    this.#clock = clock;
    this.#log = new LogBudget(clock, log);
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

  /** Makes changes that nobody waits for: they hold in memory already. */
  writeSoon(...changes: readonly AccountChange[]): void {
    void this.#inTurnOrTell(() => this.write(...changes));
  }

  async #inTurnOrTell(act: () => Promise<void>): Promise<void> {
    await this.inTurn(act).catch((error: unknown) =>
      this.#log.write(
        'failures of the store',
        { err: error },
        'what became of accounts could not be kept',
        NOBODY,
      ),
    );
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
    this.changes++;
    for (const listener of this.#listeners) listener();
  }

  /** Keeps by and by that an account was used: not a write for each request. */
  noteUse(key: string, read: () => AccountRecord | undefined): void {
    this.#used.set(key, read);
    this.#useTimer ??= this.#clock.setTimer(KEEP_USE_MS, () => void this.#keepUses());
  }

  async close(): Promise<void> {
    this.#useTimer?.clear();
    await this.#keepUses();
    await this.#last;
    this.#log.close();
  }

  async #keepUses(): Promise<void> {
    this.#useTimer = undefined;
    const used = [...this.#used.values()];
    this.#used.clear();
    if (used.length === 0) return;
    const keep = (): Promise<void> =>
      this.write(...used.flatMap((read) => read() ?? []).map((put) => ({ put })));
    await this.#inTurnOrTell(keep);
  }
}
