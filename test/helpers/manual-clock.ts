import type { Clock, Timer } from '../../src/base/clock.ts';

type Entry = { at: number; readonly periodMs: number; readonly call: () => void };

/** A clock that stands still until it is told how far to go. */
export class ManualClock implements Clock {
  #now: number;
  #setByMs = 0;
  readonly #entries = new Set<Entry>();

  constructor(start = 1_000_000) {
    this.#now = start;
  }

  /** How many timers and tickers are set. */
  get pending(): number {
    return this.#entries.size;
  }

  now(): number {
    return this.#now + this.#setByMs;
  }

  /** As if somebody set the clock of the machine: no time has gone by. */
  set(byMs: number): void {
    this.#setByMs += byMs;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(delayMs: number, call: () => void): Timer {
    return this.#add({ at: this.#now + delayMs, periodMs: 0, call });
  }

  setTicker(periodMs: number, call: () => void): Timer {
    return this.#add({ at: this.#now + periodMs, periodMs, call });
  }

  /** Goes on by `ms`, and calls what becomes due on the way, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#entries].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = due.at;
      if (due.periodMs > 0) due.at += due.periodMs;
      else this.#entries.delete(due);
      due.call();
    }
    this.#now = end;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    return { clear: () => void this.#entries.delete(entry) };
  }
}
