import type { HistoryQuery, HistoryValues } from '../../../devices/telemetry-store.ts';
import { FileLeftError } from './file-left-error.ts';
import type { TelemetryFiles } from './telemetry-files.ts';

/** Files come and go once a day, or when they are full: a question meets that once, if at all. */
const MAX_BEGINNINGS = 4;

/** A question that is answered piece by piece, so that what is written meanwhile does not wait for all of it. */
export class TelemetryQuestion {
  readonly #files: TelemetryFiles;
  readonly #query: HistoryQuery;
  #steps: Generator<undefined, HistoryValues> | undefined;
  #changes = 0;
  #beginnings = 0;

  constructor(files: TelemetryFiles, query: HistoryQuery) {
    this.#files = files;
    this.#query = query;
  }

  /**
   * Goes on for a while; undefined when there is more to do.
   *
   * @throws what SQLite or the disk says
   */
  goOn(forMs: number): HistoryValues | undefined {
    const until = performance.now() + forMs;
    // What was read of a file that was closed meanwhile may be half of it.
    if (this.#steps === undefined || this.#changes !== this.#files.changes) this.#begin();
    for (;;) {
      const step = this.#steps!.next();
      if (step.done === true) return step.value;
      if (performance.now() >= until) return undefined;
    }
  }

  #begin(): void {
    if (++this.#beginnings > MAX_BEGINNINGS)
      throw new FileLeftError('the files of the history changed again and again while they were read');
    this.#steps = this.#files.read(this.#query);
    this.#changes = this.#files.changes;
  }
}
