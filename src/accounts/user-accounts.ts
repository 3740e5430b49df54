import type { Clock } from '../base/clock.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { hashPassword, parsePasswordHash, type PasswordHash } from '../mqtt/access/password-hash.ts';
import { DEFAULT_VERIFIER_LIMITS, PasswordVerifier } from '../mqtt/access/password-verifier.ts';
import type { AccountBook } from './account-book.ts';
import { accountFailure, MAX_ACCOUNTS, type AccountFailure } from './account-failure.ts';
import type { Rights, UserRecord } from './account-store.ts';
import { GuessLimits } from './guess-limits.ts';
import { findScopeFault } from './permissions.ts';
import type { Principal } from './principal.ts';
import { findNameFault, findPasswordFault, passwordBytes, userKey } from './user-name.ts';

/** Half of Node's threads are left for the disk, also while the passwords of a file are tried at the same time. */
const VERIFIER_LIMITS = { ...DEFAULT_VERIFIER_LIMITS, maxHashesAtOnce: 1 };
/** A password that is longer than any is not worth a hash. */
const MAX_TRIED_BYTES = 4096;
const BUSY_RETRY_MS = 1000;

type Entry = { readonly record: UserRecord; readonly principal: Principal; readonly hash: PasswordHash };

/** Why somebody is not who they say: they may not try so often, or name or password is wrong; nobody is told which. */
export type PasswordRefusal =
  | { readonly why: 'wrong' }
  | { readonly why: 'too-many'; readonly retryAfterMs: number };

/** People, who have a password. */
export class UserAccounts {
  readonly #book: AccountBook;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #verifier: PasswordVerifier;
  readonly #guesses: GuessLimits;
  /** Passwords that were tried, by what became of it: `locked` had to wait, of `busy` nobody had the time to look. */
  readonly tries = { right: 0, wrong: 0, locked: 0, busy: 0 };

  constructor({ book, clock }: { readonly book: AccountBook; readonly clock: Clock }) {
    this.#book = book;
    this.#clock = clock;
    this.#verifier = new PasswordVerifier(VERIFIER_LIMITS, clock);
    this.#guesses = new GuessLimits(clock);
  }

  get size(): number {
    return this.#entries.size;
  }

  restore(records: readonly UserRecord[]): void {
    for (const record of records) this.#put(record);
    this.#tellVerifier();
  }

  list(): readonly UserRecord[] {
    return [...this.#entries.values()].map(({ record }) => record);
  }

  get(name: string): UserRecord | undefined {
    return this.#entries.get(userKey(name))?.record;
  }

  /** The principal of a user whose name was proven. */
  principalOf(name: string): Principal | undefined {
    return this.#entries.get(userKey(name))?.principal;
  }

  create(wish: NewUserWish): Promise<Result<UserRecord, AccountFailure>> {
    const { name, password, roles, scopes } = wish;
    const fault = findNameFault(name) ?? findPasswordFault(password) ?? findScopeFault(scopes);
    if (fault !== undefined) return Promise.resolve(fail(accountFailure('REQUEST_INVALID', fault)));
    return this.#book.inTurn(async () => {
      if (this.#entries.has(userKey(name))) return fail(accountFailure('USER_EXISTS', name));
      if (this.#entries.size >= MAX_ACCOUNTS) return fail(accountFailure('ACCOUNTS_FULL'));
      const hash = await hashPassword(passwordBytes(password));
      const now = this.#clock.now();
      const record = { name, hash, roles, scopes, createdAt: now, passwordAt: now };
      await this.#write(record);
      this.#add(record);
      return succeed(record);
    });
  }

  /** Changes what is given. Whoever is there as this user comes anew. */
  change(name: string, change: UserChange): Promise<Result<UserRecord, AccountFailure>> {
    const { password, ...rights } = change;
    const passwordFault = password === undefined ? undefined : findPasswordFault(password);
    const fault = passwordFault ?? findScopeFault(rights.scopes ?? []);
    if (fault !== undefined) return Promise.resolve(fail(accountFailure('REQUEST_INVALID', fault)));
    return this.#book.inTurn(async () => {
      const before = this.#entries.get(userKey(name));
      if (before === undefined) return fail(accountFailure('USER_UNKNOWN', name));
      const renewed =
        password === undefined
          ? {}
          : { hash: await hashPassword(passwordBytes(password)), passwordAt: this.#clock.now() };
      const record = { ...before.record, ...rights, ...renewed };
      await this.#write(record);
      // A removal waits for no turn, and is written in the next one.
      if (this.get(name) !== before.record) return fail(accountFailure('USER_UNKNOWN', name));
      this.#add(record);
      this.#book.end(before.principal);
      return succeed(record);
    });
  }

  /** From now on it opens nothing, whether the store can be told so or not. */
  remove(name: string): Promise<Result<UserRecord, AccountFailure>> {
    const key = userKey(name);
    const entry = this.#entries.get(key);
    if (entry === undefined) return Promise.resolve(fail(accountFailure('USER_UNKNOWN', name)));
    this.#entries.delete(key);
    this.#tellVerifier();
    this.#book.end(entry.principal);
    return this.#book.inTurn(async () => {
      await this.#book.write({ remove: { kind: 'user', key } });
      return succeed(entry.record);
    });
  }

  /**
   * Whether a password is that of a user. It costs one hash for every name, known or not.
   *
   * @param address - where it is tried from
   */
  async verify(
    name: string,
    password: string,
    address: string,
  ): Promise<Result<{ readonly record: UserRecord; readonly principal: Principal }, PasswordRefusal>> {
    const key = userKey(name);
    const guess = this.#guesses.begin(key, address);
    if ('waitMs' in guess) {
      this.tries.locked++;
      return fail({ why: 'too-many', retryAfterMs: guess.waitMs });
    }
    const bytes = passwordBytes(password.slice(0, MAX_TRIED_BYTES));
    const verification = await this.#verifier.verify(key, bytes, address);
    if (verification === 'busy') {
      guess.unjudged();
      this.tries.busy++;
      return fail({ why: 'too-many', retryAfterMs: BUSY_RETRY_MS });
    }
    const entry = this.#entries.get(key);
    if (verification === 'wrong' || entry === undefined) {
      this.tries.wrong++;
      return fail({ why: 'wrong' });
    }
    this.tries.right++;
    guess.right();
    return succeed(entry);
  }

  #write(record: UserRecord): Promise<void> {
    return this.#book.write({ put: { kind: 'user', key: userKey(record.name), value: record } });
  }

  #add(record: UserRecord): void {
    this.#put(record);
    this.#tellVerifier();
    this.#book.tellChange();
  }

  #put(record: UserRecord): void {
    const { name, roles, scopes } = record;
    const hash = parsePasswordHash(record.hash);
    if (!hash.ok) throw new TypeError(`the stored password of ${name} ${hash.failure}`);
    const principal: Principal = {
      id: `user:${name}`,
      kind: 'user',
      name,
      provenBy: 'password',
      roles,
      scopes,
    };
    this.#entries.set(userKey(name), { record, principal, hash: hash.value });
  }

  #tellVerifier(): void {
    this.#verifier.setUsers(new Map([...this.#entries].map(([key, { hash }]) => [key, hash])));
  }
}

type NewUserWish = Rights & { readonly name: string; readonly password: string };
type UserChange = Partial<Rights> & { readonly password?: string };
