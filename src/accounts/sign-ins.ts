import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { AccountBook } from './account-book.ts';
import type { AccountRecord, SignInRecord } from './account-store.ts';
import type { Principal } from './principal.ts';
import { digestSecret } from './token-text.ts';

const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Of one user; who signs in once more ends the one that was quiet for longest. */
const MAX_PER_USER = 32;
const LOOK_EVERY_MS = 60_000;

export type SignInLimits = {
  /** Since it was made. */
  readonly longestMs: number;
  /** Since it was used last. */
  readonly longestIdleMs: number;
};

const HOUR_MS = 3_600_000;
export const SIGN_IN_LIMITS: SignInLimits = { longestMs: 168 * HOUR_MS, longestIdleMs: 24 * HOUR_MS };

type Entry = {
  readonly record: SignInRecord;
  /** Who has signed in, and as whom: the user may change, and is another one then. */
  readonly user: Principal;
  readonly principal: Principal;
  lastUsedAt: number;
  /** By the clock that never jumps: whoever sets the other one makes no sign-in last longer. */
  readonly untilMs: number;
  idleUntilMs: number;
};

type SignInParts = { readonly book: AccountBook; readonly clock: Clock; readonly limits: SignInLimits };

/** People who are signed in, each by a secret that their browser keeps; kept here is its digest. */
export class SignIns {
  readonly #book: AccountBook;
  readonly #clock: Clock;
  readonly limits: SignInLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #ticker: { clear(): void };

  constructor({ book, clock, limits }: SignInParts) {
    this.#book = book;
    this.#clock = clock;
    this.limits = limits;
    this.#ticker = clock.setTicker(LOOK_EVERY_MS, () => this.#endWhere((entry) => this.#isOver(entry)));
    book.onChange(() => this.#endWhere(({ user }) => book.hasEnded(user)));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param user - the principal of its user, as it is now */
  restore(record: SignInRecord, user: Principal): void {
    const now = this.#clock.now();
    const { createdAt, lastUsedAt } = record;
    // What is still to come was said by a clock that has been set back: it is as if it were now.
    const times = { createdAt: Math.min(createdAt, now), lastUsedAt: Math.min(lastUsedAt, now) };
    this.#add({ ...record, ...times }, user);
  }

  /**
   * @param passwordAt - of the user's record
   * @returns the secret, which only the browser is told
   */
  async open(user: Principal, passwordAt: number): Promise<string> {
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const now = this.#clock.now();
    const times = { passwordAt, createdAt: now, lastUsedAt: now };
    const record = { digest: digestSecret(secret), userName: user.name, ...times };
    await this.#book.inTurn(() =>
      this.#book.write({ put: { kind: 'sign-in', key: record.digest, value: record } }),
    );
    this.#endOldest(user);
    this.#add(record, user);
    // It may have been taken back while this was written.
    if (this.#book.hasEnded(user)) this.#endWhere((entry) => entry.user === user);
    return secret;
  }

  /** Who is signed in by a secret; undefined where nobody is, or is no more. */
  verify(secret: string): Principal | undefined {
    const entry = SECRET.test(secret) ? this.#entries.get(digestSecret(secret)) : undefined;
    if (entry === undefined || this.#isOver(entry)) return undefined;
    entry.lastUsedAt = this.#clock.now();
    entry.idleUntilMs = this.#clock.monotonic() + this.limits.longestIdleMs;
    this.#book.noteUse(`sign-in ${entry.record.digest}`, () => this.#toKeep(entry));
    return entry.principal;
  }

  /** Signs out. */
  end(secret: string): void {
    const digest = digestSecret(secret);
    this.#endWhere(({ record }) => record.digest === digest);
  }

  close(): void {
    this.#ticker.clear();
  }

  #add(record: SignInRecord, user: Principal): void {
    const principal: Principal = { ...user, provenBy: 'session' };
    const { createdAt, lastUsedAt } = record;
    const { longestMs, longestIdleMs } = this.limits;
    const until = (from: number, lengthMs: number): number =>
      this.#clock.monotonic() + lengthMs - (this.#clock.now() - from);
    const ends = { untilMs: until(createdAt, longestMs), idleUntilMs: until(lastUsedAt, longestIdleMs) };
    this.#entries.set(record.digest, { record, user, principal, lastUsedAt, ...ends });
  }

  #isOver({ untilMs, idleUntilMs }: Entry): boolean {
    return this.#clock.monotonic() > Math.min(untilMs, idleUntilMs);
  }

  #endOldest({ id }: Principal): void {
    const own = [...this.#entries.values()].filter(({ user }) => user.id === id);
    if (own.length < MAX_PER_USER) return;
    const oldest = own.reduce((a, b) => (b.idleUntilMs < a.idleUntilMs ? b : a));
    this.#endWhere((entry) => entry === oldest);
  }

  #endWhere(isEnded: (entry: Entry) => boolean): void {
    const ended = [...this.#entries.values()].filter(isEnded);
    if (ended.length === 0) return;
    for (const { record } of ended) this.#entries.delete(record.digest);
    this.#book.end(...ended.map(({ principal }) => principal));
    this.#book.writeSoon(...ended.map(({ record }) => ({ remove: keyOf(record) })));
  }

  #toKeep({ record, lastUsedAt }: Entry): AccountRecord | undefined {
    if (!this.#entries.has(record.digest)) return undefined;
    return { ...keyOf(record), value: { ...record, lastUsedAt } };
  }
}

function keyOf({ digest }: SignInRecord): { readonly kind: 'sign-in'; readonly key: string } {
  return { kind: 'sign-in', key: digest };
}
