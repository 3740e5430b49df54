import { systemClock, type Clock, type Timer } from '../base/clock.ts';

/** How often a sensor reports. */
const REPORT_PERIOD_MS = 800;
const SLOTS = 16;

/**
 * Calls many reporters once a period with one timer: the period is cut into slots, and each tick serves the next
 * one, so thousands of sensors neither need a timer each nor send all at once.
 */
export class ReportSchedule {
  readonly #slots: Set<() => void>[] = Array.from({ length: SLOTS }, () => new Set());
  readonly #periodMs: number;
  readonly #clock: Clock;
  #ticker: Timer | undefined;
  #next = 0;

  constructor(options: { periodMs?: number; clock?: Clock } = {}) {
    this.#periodMs = options.periodMs ?? REPORT_PERIOD_MS;
    this.#clock = options.clock ?? systemClock;
  }

  /** Calls `report` once a period, until the returned function is called. */
  add(report: () => void): () => void {
    const slot = this.#slots.reduce((least, other) => (other.size < least.size ? other : least));
    slot.add(report);
    this.#ticker ??= this.#clock.setTicker(this.#periodMs / SLOTS, () => this.#tick());
    return () => {
      slot.delete(report);
      if (this.#slots.every(({ size }) => size === 0)) this.stop();
    };
  }

  stop(): void {
    this.#ticker?.clear();
    this.#ticker = undefined;
  }

  #tick(): void {
    const slot = this.#slots[this.#next];
    this.#next = (this.#next + 1) % SLOTS;
    if (slot !== undefined) for (const report of slot) report();
  }
}
