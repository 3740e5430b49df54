import type { Clock, Timer } from '../../base/clock.ts';

/** However often somebody asks for something else, runs begin at least this far apart: four a second. */
const POKE_GAP_MS = 250;
/** However often what was found changes. */
const REFRESH_GAP_MS = 1000;

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
  /** A run is asked for, so long after the beginning of the one before. */
  #askedGapMs: number | undefined;

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
    this.#askedGapMs = POKE_GAP_MS;
    if (this.#abort === undefined) this.#schedule();
    else this.#abort.abort();
  }

  /** Runs once more, because what it would find has changed: after the run under way, if there is one. */
  refresh(): void {
    if (!this.#isActive) return;
    this.#askedGapMs ??= REFRESH_GAP_MS;
    if (this.#abort === undefined) this.#schedule();
  }

  #schedule(): void {
    const { clock, periodMs } = this.#options;
    const gapMs = this.#askedGapMs ?? periodMs;
    if (gapMs === undefined) return;
    const waitMs = Math.max(0, this.#startedAt + gapMs - clock.monotonic());
    this.#timer?.clear();
    this.#timer = clock.setTimer(waitMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#askedGapMs = undefined;
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
