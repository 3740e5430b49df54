import type { Clock, Timer } from '../../src/base/clock.ts';

/** What the broker's own ticks last: everything in a simulation happens at one of these. */
export const TICK_MS = 250;
const START_MS = 1_000_000_000;

/** Time that goes tick by tick, and only when it is told to. */
export class SimulationClock implements Clock {
  #nowMs = START_MS;
  #tickers = new Set<() => void>();

  /** How many tickers are set. */
  get tickerCount(): number {
    return this.#tickers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  setTimer(): Timer {
    throw new Error('a simulated broker has nothing that waits for a timer of its own');
  }

  setTicker(periodMs: number, call: () => void): Timer {
    if (periodMs !== TICK_MS) throw new Error(`the broker ticks every ${periodMs} ms`);
    this.#tickers.add(call);
    return { clear: () => void this.#tickers.delete(call) };
  }

  /** One tick later. */
  tick(): void {
    this.#nowMs += TICK_MS;
    for (const call of this.#tickers) call();
  }

  /** The broker that set these is gone. */
  forgetTickers(): void {
    this.#tickers = new Set();
  }
}
