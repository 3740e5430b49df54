import { systemClock, type Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { AccountBook } from './account-book.ts';
import type { AccountRecord, AccountStore, SignInRecord, UserRecord } from './account-store.ts';
import { may, type Target, type Verb } from './permissions.ts';
import type { Principal } from './principal.ts';
import { Audit, type AuditLimits, type AuditStore } from './audit.ts';
import { FirstAdmin } from './first-admin.ts';
import { MemoryAccountStore } from './memory-account-store.ts';
import { MemoryAuditStore } from './memory-audit-store.ts';
import { SIGN_IN_LIMITS, SignIns, type SignInLimits } from './sign-ins.ts';
import { TokenAccounts } from './token-accounts.ts';
import { UserAccounts } from './user-accounts.ts';

type AccountsParts = {
  /** In memory where there is none. */
  readonly store?: AccountStore;
  readonly signIns?: SignInLimits;
  readonly auditStore?: AuditStore;
  readonly auditLimits?: AuditLimits;
  readonly log: Logger;
  readonly clock?: Clock;
};

/** Everybody who has an account here. Nothing of it is on disk while somebody waits to be let in. */
export class Accounts {
  readonly tokens: TokenAccounts;
  readonly users: UserAccounts;
  readonly signIns: SignIns;
  readonly audit: Audit;
  readonly firstAdmin: FirstAdmin;
  readonly #book: AccountBook;
  readonly #store: AccountStore;
  readonly #log: Logger;
  readonly #clock: Clock;
  #isUnread = false;
  #isRead = false;
  #isProofWanted = false;

  constructor(parts: AccountsParts) {
    const { store = new MemoryAccountStore(), signIns = SIGN_IN_LIMITS, log, clock = systemClock } = parts;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    const book = new AccountBook({ store, clock, log });
    this.#book = book;
    this.tokens = new TokenAccounts({ book, clock });
    this.users = new UserAccounts({ book, clock });
    this.signIns = new SignIns({ book, clock, limits: signIns });
    const { auditStore = new MemoryAuditStore(), auditLimits } = parts;
    this.firstAdmin = new FirstAdmin({ users: this.users, clock, isNeeded: () => this.isEmpty });
    this.audit = new Audit({ store: auditStore, clock, log, limits: auditLimits });
  }

  /** Reads all accounts; nobody is let in by one before. */
  async start(): Promise<readonly []> {
    const users: UserRecord[] = [];
    const signIns: SignInRecord[] = [];
    for (const { kind, value } of await this.#load()) {
      if (kind === 'token') this.tokens.restore(value);
      else if (kind === 'user') users.push(value);
      else signIns.push(value);
    }
    this.users.restore(users);
    for (const record of signIns) {
      const user = this.users.principalOf(record.userName);
      // The hub may have ended between a new password and the end of who was signed in with the one before.
      const isSame = this.users.get(record.userName)?.passwordAt === record.passwordAt;
      if (user !== undefined && isSame) this.signIns.restore(record, user);
    }
    this.#isRead = !this.#isUnread;
    this.#book.tellChange();
    return [];
  }

  /** Where nobody knows which accounts there are, nobody is let in for want of one. */
  async #load(): Promise<readonly AccountRecord[]> {
    try {
      return await this.#store.load();
    } catch (error) {
      this.#isUnread = true;
      this.#log.error(
        { err: error },
        `accounts cannot be read, so none of them opens anything: ${String(error)}`,
      );
      return [];
    }
  }

  async stop(): Promise<void> {
    this.tokens.close();
    this.signIns.close();
    await this.#book.close();
    await this.audit.close();
  }

  /** Whether it is known that there is no account. */
  get isEmpty(): boolean {
    return !this.#isUnread && this.tokens.size === 0 && this.users.size === 0;
  }

  /** From now on proof is asked for, also while there is no account. */
  wantProof(): void {
    this.#isProofWanted = true;
    this.#book.tellChange();
  }

  /** Whether there is an account: proof is asked for then, where nobody wrote which networks need none. */
  get isOn(): boolean {
    return this.#isProofWanted || this.#isUnread || this.tokens.size > 0 || this.users.size > 0;
  }

  /** The principal of an account by the name that rules have for it; the name must have been proven. */
  principalNamed(name: string): Principal | undefined {
    return this.tokens.principalOf(name) ?? this.users.principalOf(name);
  }

  /**
   * Whether who asked for something may still do it. Whom the configuration lets in may, and everybody as long as it is
   * not known which accounts there are.
   *
   * @param asked - by whom (`user:ann`, `token:0123456789ab`), and when it was accepted, in ms of wall time
   */
  mayStill(asked: AcceptedWish, verb: Verb, target: Target): boolean {
    if (!this.#isRead || !isAccountId(asked.principal)) return true;
    const now = this.principalNamed(nameIn(asked.principal));
    return now !== undefined && this.wasThere(asked.principal, asked.acceptedAt) && may(now, verb, target);
  }

  /**
   * Whether an account that is there was so at a time: a user made anew is another one, whatever the name. A time that
   * is still to come proves nothing: the clock has been set back since the user was made.
   */
  wasThere(principalId: string, atMs: number): boolean {
    if (!isAccountId(principalId)) return true;
    const createdAt = this.users.get(nameIn(principalId))?.createdAt ?? 0;
    return createdAt <= atMs || createdAt > this.#clock.now();
  }

  /** Whether the account that somebody came in by is no longer what it was then. */
  hasEnded(principal: Principal): boolean {
    return this.#book.hasEnded(principal);
  }

  /** What scopes know devices by has changed: who may do what may be another thing now. */
  tellTagsChanged(): void {
    this.#book.tellChange();
  }

  /** Grows with each change: what was found out about somebody before may not be so any more. */
  get changes(): number {
    return this.#book.changes;
  }

  /** Calls whenever somebody may no longer do what they could, or proof is asked for. @returns what takes it back */
  onChange(listener: () => void): () => void {
    return this.#book.onChange(listener);
  }
}

type AcceptedWish = { readonly principal: string; readonly acceptedAt: number };

function nameIn(principalId: string): string {
  return principalId.replace(/^user:/, '');
}

/** Tokens of the configuration have longer ids than those of accounts. */
function isAccountId(principalId: string): boolean {
  return /^(?:user:|token:[0-9a-f]{12}$)/.test(principalId);
}
