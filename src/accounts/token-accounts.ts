import type { Clock, Timer } from '../base/clock.ts';
import { definedMembers } from '../base/defined-members.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { AccountBook } from './account-book.ts';
import { accountFailure, MAX_ACCOUNTS, type AccountFailure } from './account-failure.ts';
import type { AccountRecord, Rights, TokenRecord } from './account-store.ts';
import { findScopeFault } from './permissions.ts';
import type { Principal } from './principal.ts';
import { createTokenText, digestSecret, isSameDigest, readTokenId } from './token-text.ts';

/** The clock of the machine may be set while a timer waits. */
const LOOK_EVERY_MS = 60_000;

export type NewTokenWish = Rights & { readonly name: string; readonly expiresAt?: number | undefined };

type Entry = {
  /** What is to be kept of its use, unless it is gone. */
  readonly toKeep: () => AccountRecord | undefined;
  readonly record: TokenRecord;
  principal: Principal;
  lastUsedAt: number | undefined;
  /** It is good no longer than it was made for, by the clock that never jumps: the other one may be set back. */
  readonly untilMs: number;
};

type TokenParts = { readonly book: AccountBook; readonly clock: Clock };

/** The tokens of programs, devices and agents. All are in memory: to show one costs no look into the store. */
export class TokenAccounts {
  readonly #book: AccountBook;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #expiryTimer: Timer | undefined;

  constructor({ book, clock }: TokenParts) {
    this.#book = book;
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Those that have not expired. */
  get liveCount(): number {
    return [...this.#entries.values()].filter((entry) => !this.#isExpired(entry)).length;
  }

  /** Whether any of them is a device's: devices prove who they are then. */
  get hasDevices(): boolean {
    for (const { record } of this.#entries.values()) if (record.roles.includes('device')) return true;
    return false;
  }

  restore(record: TokenRecord): void {
    this.#add(record);
  }

  list(): readonly TokenRecord[] {
    return [...this.#entries.values()].map(withUse);
  }

  /** @returns the record, and the text of the token, which nobody can tell again */
  create({ name, roles, scopes, expiresAt }: NewTokenWish): Promise<Result<CreatedToken, AccountFailure>> {
    const fault = findScopeFault(scopes);
    if (fault !== undefined) return Promise.resolve(fail(accountFailure('REQUEST_INVALID', fault)));
    return this.#book.inTurn(async () => {
      if (this.#entries.size >= MAX_ACCOUNTS) return fail(accountFailure('ACCOUNTS_FULL'));
      const { id, text, digest } = createTokenText();
      const rights = { roles, scopes, ...definedMembers({ expiresAt }) };
      const record: TokenRecord = { id, name, digest, ...rights, createdAt: this.#clock.now() };
      await this.#book.write({ put: { kind: 'token', key: id, value: record } });
      this.#add(record);
      this.#book.tellChange();
      return succeed({ record, text });
    });
  }

  /** From now on it opens nothing, whether the store can be told so or not. */
  revoke(id: string): Promise<Result<TokenRecord, AccountFailure>> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return Promise.resolve(fail(accountFailure('TOKEN_UNKNOWN', id)));
    this.#entries.delete(id);
    this.#book.end(entry.principal);
    return this.#book.inTurn(async () => {
      await this.#book.write({ remove: { kind: 'token', key: id } });
      return succeed(entry.record);
    });
  }

  /** Who shows a token; undefined where it opens nothing. As long for an unknown one as for a wrong one. */
  verify(text: string): Principal | undefined {
    const id = readTokenId(text);
    if (id === undefined) return undefined;
    const entry = this.#entries.get(id);
    const isRight = isSameDigest(entry?.record.digest ?? NO_DIGEST, digestSecret(text));
    if (entry === undefined || !isRight || this.#isExpired(entry)) return undefined;
    this.#noteUse(entry);
    return this.#principalNow(entry);
  }

  /** The principal of a token, by the id of that principal: `token:0123456789ab`. */
  principalOf(principalId: string): Principal | undefined {
    if (!principalId.startsWith(PREFIX)) return undefined;
    const entry = this.#entries.get(principalId.slice(PREFIX.length));
    return entry === undefined || this.#isExpired(entry) ? undefined : this.#principalNow(entry);
  }

  /** Another one where it had expired, and is good again since the clock was set back: who came before has ended. */
  #principalNow(entry: Entry): Principal {
    if (this.#book.hasEnded(entry.principal)) {
      entry.principal = { ...entry.principal };
      this.#waitForExpiry();
    }
    return entry.principal;
  }

  close(): void {
    this.#expiryTimer?.clear();
  }

  #add(record: TokenRecord): void {
    const { id, roles, scopes } = record;
    const name = `${PREFIX}${id}`;
    const principal: Principal = { id: name, kind: 'token', name, provenBy: 'token', roles, scopes };
    const toKeep = (): AccountRecord | undefined => {
      const entry = this.#entries.get(id);
      return entry && { kind: 'token', key: id, value: withUse(entry) };
    };
    const { expiresAt = Infinity, createdAt, lastUsedAt } = record;
    const untilMs = this.#clock.monotonic() + expiresAt - createdAt;
    this.#entries.set(id, { record, principal, lastUsedAt, untilMs, toKeep });
    if (expiresAt < Infinity) this.#waitForExpiry();
  }

  #isExpired(entry: Entry): boolean {
    return this.#leftMs(entry) <= 0;
  }

  #leftMs({ record: { expiresAt = Infinity }, untilMs }: Entry): number {
    return Math.min(expiresAt - this.#clock.now(), untilMs - this.#clock.monotonic());
  }

  /** Whose token expires while it is connected is not connected any more. */
  #waitForExpiry(): void {
    this.#expiryTimer?.clear();
    this.#expiryTimer = undefined;
    const entries = [...this.#entries.values()];
    const expired = entries.filter(
      (entry) => this.#isExpired(entry) && !this.#book.hasEnded(entry.principal),
    );
    if (expired.length > 0) this.#book.end(...expired.map(({ principal }) => principal));
    const next = Math.min(...entries.map((entry) => this.#leftMs(entry)).filter((leftMs) => leftMs > 0));
    if (next === Infinity) return;
    this.#expiryTimer = this.#clock.setTimer(Math.min(next, LOOK_EVERY_MS), () => this.#waitForExpiry());
  }

  #noteUse(entry: Entry): void {
    entry.lastUsedAt = this.#clock.now();
    this.#book.noteUse(entry.principal.id, entry.toKeep);
  }
}

function withUse({ record, lastUsedAt }: Entry): TokenRecord {
  return { ...record, ...definedMembers({ lastUsedAt }) };
}

type CreatedToken = { readonly record: TokenRecord; readonly text: string };

const PREFIX = 'token:';
const NO_DIGEST = digestSecret('');
