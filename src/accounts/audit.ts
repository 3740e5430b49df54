import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { ANONYMOUS, STRANGER, TRUSTED_NETWORK, type Principal } from './principal.ts';

/** One thing that somebody did, or was refused. */
export type AuditEntry = {
  /** Wall time, ms. */
  readonly at: number;
  /** The id of the principal. */
  readonly principal: string;
  /** Where it came from; empty for who has the data folder. */
  readonly address: string;
  /** What was done, by the name that the API has for it: `invokeCommand`. */
  readonly action: string;
  /** To what: `pump-1/start`. */
  readonly target: string;
  /** As HTTP has it; 499 for a caller that left before it was answered. */
  readonly status: number;
  /** Of an error. */
  readonly code?: string;
};

/** With the number by which entries are ordered; the latest has the highest. */
export type AuditRecord = AuditEntry & { readonly number: number };

export type AuditQuery = { readonly limit: number; readonly before?: number | undefined };

/** What is to be kept: no more of them, and none that are older. */
export type AuditRetention = { readonly maxEntries: number; readonly since: number };

/** What the audit is kept by. Whoever makes one has it run `test/contract/audit-store.ts`. */
export type AuditStore = {
  /** Adds entries, and forgets those that are too many or too old. */
  append(entries: readonly AuditEntry[], retention: AuditRetention): Promise<void>;
  /** The latest first. */
  read(query: AuditQuery): Promise<readonly AuditRecord[]>;
};

export type AuditLimits = { readonly maxEntries: number; readonly maxAgeMs: number };

const DAY_MS = 86_400_000;
const AUDIT_LIMITS: AuditLimits = { maxEntries: 100_000, maxAgeMs: 90 * DAY_MS };
/** Until it is written; what an end of the process can cost. */
const WRITE_AFTER_MS = 200;
/** That wait to be written; more are counted, and one entry tells of them. */
const MAX_WAITING = 10_000;
/** Of these, what one principal may have. */
const MAX_WAITING_OF_ONE = MAX_WAITING / 2;
/** Of those who have proven nothing, in a second: they do not crowd the others out. */
const MAX_STRANGERS_PER_SECOND = 10;

type AuditParts = {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: AuditLimits | undefined;
};

/** Who did what, and what came of it. Nobody waits until it is written. */
export class Audit {
  readonly #store: AuditStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: AuditLimits;
  /** Entries that were written, and those that were left out or could not be. */
  readonly counters = { entries: 0, lost: 0 };
  #waiting: AuditEntry[] = [];
  /** How many of them each principal has. */
  #waitingOf = new Map<string, number>();
  #lost = 0;
  #strangers = 0;
  #strangersSince = 0;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Wall time, less that of the clock that never jumps. */
  readonly #wallOffsetMs: number;

  constructor({ store, clock, log, limits = AUDIT_LIMITS }: AuditParts) {
    this.#wallOffsetMs = clock.now() - clock.monotonic();
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
  }

  note(principal: Principal, entry: Omit<AuditEntry, 'at' | 'principal'>): void {
    const { id } = principal;
    const ofOne = (this.#waitingOf.get(id) ?? 0) + 1;
    const isFull = this.#waiting.length >= MAX_WAITING || ofOne > MAX_WAITING_OF_ONE;
    if (isFull || (isUnproven(principal) && !this.#takeStranger())) {
      this.#lose(1);
    } else {
      this.#waiting.push({ at: this.#clock.now(), principal: id, ...entry });
      this.#waitingOf.set(id, ofOne);
    }
    this.#timer ??= this.#clock.setTimer(WRITE_AFTER_MS, () => this.#begin());
  }

  /** The latest first, those included that wait. */
  async read(query: AuditQuery): Promise<readonly AuditRecord[]> {
    this.#begin();
    await this.#writing;
    return this.#store.read(query);
  }

  async close(): Promise<void> {
    this.#begin();
    await this.#writing;
  }

  #takeStranger(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#strangersSince >= 1000) [this.#strangers, this.#strangersSince] = [0, now];
    return ++this.#strangers <= MAX_STRANGERS_PER_SECOND;
  }

  #begin(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    const [entries, lost] = [this.#waiting, this.#lost];
    if (lost > 0) entries.push(lostEntry(this.#clock.now(), lost));
    this.#waiting = [];
    this.#waitingOf = new Map();
    this.#lost = 0;
    if (entries.length > 0) this.#writing = this.#writing.then(() => this.#write(entries, lost));
  }

  #lose(count: number): void {
    this.#lost += count;
    this.counters.lost += count;
  }

  /** @param lost - how many the last of them tells of */
  async #write(entries: readonly AuditEntry[], lost: number): Promise<void> {
    const { maxEntries, maxAgeMs } = this.#limits;
    // Who sets the clock forward must not have all of it forgotten by that.
    const now = Math.min(this.#clock.now(), this.#clock.monotonic() + this.#wallOffsetMs);
    const retention = { maxEntries, since: now - maxAgeMs };
    try {
      await this.#store.append(entries, retention);
      this.counters.entries += entries.length;
    } catch (error) {
      // Those of before are told of again, and the entry that could not tell of them is none.
      this.#lost += lost;
      this.#lose(lost > 0 ? entries.length - 1 : entries.length);
      this.#log.error({ err: error, lost: this.#lost }, 'entries of the audit could not be kept');
    }
  }
}

function lostEntry(at: number, lost: number): AuditEntry {
  return { at, principal: 'hub', address: '', action: 'lostEntries', target: String(lost), status: 503 };
}

function isUnproven(principal: Principal): boolean {
  return principal === STRANGER || principal === ANONYMOUS || principal === TRUSTED_NETWORK;
}
