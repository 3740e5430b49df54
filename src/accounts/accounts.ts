import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { AccountBook } from './account-book.ts';
import type { AccountStore } from './account-store.ts';
import type { Principal } from './principal.ts';
import { TokenAccounts } from './token-accounts.ts';

type AccountsParts = { readonly store: AccountStore; readonly log: Logger; readonly clock?: Clock };

/** Everybody who has an account here. Nothing of it is on disk while somebody waits to be let in. */
export class Accounts {
  readonly tokens: TokenAccounts;
  readonly #book: AccountBook;
  readonly #store: AccountStore;

  constructor({ store, log, clock = systemClock }: AccountsParts) {
    this.#store = store;
    this.#book = new AccountBook(store);
    this.tokens = new TokenAccounts({ book: this.#book, clock, log });
  }

  /** Reads all accounts; nobody is let in by one before. */
  async start(): Promise<readonly []> {
    for (const { kind, value } of await this.#store.load()) if (kind === 'token') this.tokens.restore(value);
    return [];
  }

  async stop(): Promise<void> {
    await this.tokens.close();
  }

  /** Whether there is an account: proof is asked for then, where nobody wrote which networks need none. */
  get isOn(): boolean {
    return this.tokens.size > 0;
  }

  /** The principal of an account by the name that rules have for it; the name must have been proven. */
  principalNamed(name: string): Principal | undefined {
    return this.tokens.principalOf(name);
  }

  /** Whether the account that somebody came in by is no longer what it was then. */
  hasEnded(principal: Principal): boolean {
    return this.#book.hasEnded(principal);
  }

  /** Calls whenever somebody may no longer do what they could, or proof is asked for. @returns what takes it back */
  onChange(listener: () => void): () => void {
    return this.#book.onChange(listener);
  }
}
