import type { Clock } from '../base/clock.ts';
import { addressParty } from '../base/networks.ts';

/** Wrong tries that cost nothing; then each next one has to wait, twice as long as the one before. */
type GuessRule = { readonly freeTries: number; readonly longestWaitMs: number };

const MINUTE_MS = 60_000;
const FIRST_WAIT_MS = 1000;
/** A long time without a try, and all is forgotten. */
const FORGET_AFTER_MS = 24 * 60 * MINUTE_MS;
/** Of each kind; beyond it, who was quiet for longest is forgotten. */
const MAX_ENTRIES = 10_000;

/** One name from one address. */
const PAIR: GuessRule = { freeTries: 5, longestWaitMs: 15 * MINUTE_MS };
/** All names from one address. */
const ADDRESS: GuessRule = { freeTries: 20, longestWaitMs: 15 * MINUTE_MS };
/** One name from all addresses where it was never right: its owner, too, may come from a new one. */
const NAME: GuessRule = { freeTries: 100, longestWaitMs: MINUTE_MS / 2 };

type Tries = { wrong: number; lastAt: number; made: number };

/** A try that counts as wrong until one of these is called. */
type Guess = {
  readonly right: () => void;
  /** Nobody looked whether it was: it is as if it had not been made. */
  readonly unjudged: () => void;
};

/**
 * Slows down who guesses passwords, by name and by address. It locks nobody out: whoever was right from an address
 * before is slowed down there by wrong tries for the same name alone, whatever strangers do elsewhere. Names that do
 * not exist are counted as others are.
 */
export class GuessLimits {
  readonly #clock: Clock;
  readonly #pairs = new TryTable(PAIR);
  readonly #addresses = new TryTable(ADDRESS);
  readonly #names = new TryTable(NAME);
  /** Names with an address from which they were right, the latest last. */
  readonly #known = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Begins a try, which counts as wrong until it was right: many at once are no way around.
   *
   * @returns how long to wait before the next one, and then it has not begun; or what says how it came out
   */
  begin(name: string, address: string): { readonly waitMs: number } | Guess {
    const now = this.#clock.monotonic();
    const party = addressParty(address);
    // A name cannot hold a line feed.
    const pair = `${name}\n${party}`;
    const counted: [TryTable, string][] = [[this.#pairs, pair]];
    if (!this.#known.has(pair)) counted.push([this.#addresses, party], [this.#names, name]);
    const waitMs = Math.max(...counted.map(([table, key]) => table.waitMs(key, now)));
    if (waitMs > 0) return { waitMs };
    const takenBack = counted.map(([table, key]) => table.add(key, now));
    const unjudged = (): void => {
      for (const takeBack of takenBack) takeBack();
    };
    const right = (): void => {
      unjudged();
      this.#pairs.forget(pair);
      this.#know(pair);
    };
    return { right, unjudged };
  }

  #know(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size <= MAX_ENTRIES) return;
    for (const oldest of this.#known) return void this.#known.delete(oldest);
  }
}

/** Wrong tries of one kind; a Map keeps the order, who tried last is last. */
class TryTable {
  readonly #rule: GuessRule;
  readonly #tries = new Map<string, Tries>();

  constructor(rule: GuessRule) {
    this.#rule = rule;
  }

  waitMs(key: string, now: number): number {
    const tries = this.#tries.get(key);
    const excess = (tries?.wrong ?? 0) - this.#rule.freeTries;
    if (tries === undefined || excess < 0) return 0;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** excess, this.#rule.longestWaitMs);
    return Math.max(0, tries.lastAt + waitMs - now);
  }

  /** @returns what takes it back */
  add(key: string, now: number): () => void {
    const before = this.#tries.get(key);
    const isOver = before === undefined || now - before.lastAt > FORGET_AFTER_MS;
    const tries = isOver ? { wrong: 0, lastAt: now, made: 0 } : before;
    const { lastAt } = tries;
    const made = ++tries.made;
    tries.wrong++;
    tries.lastAt = now;
    this.#tries.delete(key);
    this.#tries.set(key, tries);
    this.#forgetOldest();
    return () => {
      tries.wrong--;
      // What is not counted crowds nobody out.
      if (tries.wrong === 0 && this.#tries.get(key) === tries) this.#tries.delete(key);
      // Unless another one was made since.
      if (tries.made === made) tries.lastAt = lastAt;
    };
  }

  #forgetOldest(): void {
    if (this.#tries.size <= MAX_ENTRIES) return;
    for (const oldest of this.#tries.keys()) return void this.#tries.delete(oldest);
  }

  forget(key: string): void {
    this.#tries.delete(key);
  }
}
