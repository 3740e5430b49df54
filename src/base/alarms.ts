import type { Clock, Timer } from './clock.ts';
import { TimerWheel, type WheelTimer } from './timer-wheel.ts';

const TICK_MS = 10;

/** Many timers on one of the clock's, which runs only while at least one is set. They come up to one tick late. */
export class Alarms {
  readonly clock: Clock;
  readonly #wheel: TimerWheel;
  #ticking: Timer | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#wheel = new TimerWheel(TICK_MS, clock.monotonic());
  }

  /** Sets a timer for a time of the clock's `monotonic`, in place of what it was set to. */
  set(timer: WheelTimer, dueMs: number): void {
    if (this.#ticking === undefined) {
      // The wheel has stood still since the last timer was cleared.
      this.#wheel.advance(this.clock.monotonic());
      this.#ticking = this.clock.setTimer(TICK_MS, this.#tick);
    }
    this.#wheel.set(timer, dueMs);
  }

  clear(timer: WheelTimer): void {
    this.#wheel.clear(timer);
  }

  /** No timer comes any more, until one is set again. */
  stop(): void {
    this.#ticking?.clear();
    this.#ticking = undefined;
  }

  readonly #tick = (): void => {
    this.#ticking = this.clock.setTimer(TICK_MS, this.#tick);
    this.#wheel.advance(this.clock.monotonic());
    if (this.#wheel.size === 0) this.stop();
  };
}
