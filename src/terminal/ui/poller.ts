import type { Clock, Timer } from '../../base/clock.ts';

/** However often somebody asks, runs begin at least this far apart: four a second. */
const MIN_GAP_MS = 250;

type PollerOptions = {
  /**
   * From the beginning of one run to the beginning of the next; a run that takes longer delays the next. Undefined:
   * only when it is poked.
   */
  readonly periodMs: number | undefined;
  readonly clock: Clock;
  /** One run. It handles its own failures; the signal says that its result is not wanted any more. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Does something again and again while it is wanted, never twice at the same time. */
export class Poller {
  readonly #options: PollerOptions;
  #abort: AbortController | undefined;
  #timer: Timer | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #isActive = false;
  /** A run was asked for while one was under way. */
  #isAsked = false;

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.poke();
  }

  stop(): void {
    this.#isActive = false;
    this.#timer?.clear();
    this.#timer = undefined;
    this.#abort?.abort();
  }

  /** The run under way is given up. */
  giveUp(): void {
    this.#abort?.abort();
  }

  /** Runs as soon as it may, because what is asked has changed: a run under way is given up. */
  poke(): void {
    if (!this.#isActive) return;
    this.#isAsked = true;
    if (this.#abort === undefined) this.#schedule();
    else this.#abort.abort();
  }

  #schedule(): void {
    const { clock, periodMs } = this.#options;
    const gapMs = this.#isAsked ? MIN_GAP_MS : periodMs;
    if (gapMs === undefined) return;
    const waitMs = Math.max(0, this.#startedAt + gapMs - clock.monotonic());
    this.#timer?.clear();
    this.#timer = clock.setTimer(waitMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#isAsked = false;
    this.#startedAt = this.#options.clock.monotonic();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      await this.#options.run(abort.signal);
    } finally {
      this.#abort = undefined;
      if (this.#isActive) this.#schedule();
    }
  }
}
