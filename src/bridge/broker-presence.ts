import type { Clock, Timer } from '../base/clock.ts';
import type { Bus } from '../bus/bus.ts';

/**
 * Knows whether the broker is there. One that has only just gone, or is only just being connected to, is waited for;
 * one that is away for longer than `graceMs` is not.
 */
export class BrokerPresence {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #unwatch: () => void;
  #awaySinceMs: number;
  #returned = Promise.withResolvers<boolean>();
  #timer: Timer | undefined;

  constructor({ bus, clock, graceMs }: { bus: Bus; clock: Clock; graceMs: number }) {
    this.#bus = bus;
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#awaySinceMs = clock.monotonic();
    this.#unwatch = bus.watch(({ type }) => {
      if (type === 'connected') this.#settle(true);
      else if (type === 'lost') this.#awaySinceMs = clock.monotonic();
    });
  }

  get isThere(): boolean {
    return this.#bus.isConnected;
  }

  /** True when it is there by the end of the grace, or of the time of who waits, whichever comes first. */
  untilGraceIsOver(patienceMs: number): Promise<boolean> {
    const leftMs = this.#awaySinceMs + this.#graceMs - this.#clock.monotonic();
    if (this.isThere || leftMs <= 0) return Promise.resolve(this.isThere);
    // All who wait meanwhile wait for the same moment.
    this.#timer ??= this.#clock.setTimer(leftMs, () => this.#settle(false));
    if (patienceMs >= leftMs) return this.#returned.promise;
    const patience = Promise.withResolvers<boolean>();
    const timer = this.#clock.setTimer(patienceMs, () => patience.resolve(false));
    void this.#returned.promise.then((isThere) => {
      timer.clear();
      patience.resolve(isThere);
    });
    return patience.promise;
  }

  close(): void {
    this.#unwatch();
    this.#settle(false);
  }

  #settle(isThere: boolean): void {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#returned.resolve(isThere);
    this.#returned = Promise.withResolvers();
  }
}
