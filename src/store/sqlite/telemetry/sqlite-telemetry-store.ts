import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../base/logger.ts';
import type {
  HistoryQuery,
  HistoryValues,
  ReadingBatch,
  TelemetryStore,
} from '../../../devices/telemetry-store.ts';
import type { StoreHealth } from '../../store-state.ts';
import { DatabaseThread } from '../database-thread.ts';
import { WorkerDatabase } from '../worker-database.ts';
import type { KeptHistory, TelemetryFilesOptions } from './telemetry-files.ts';
import type { TelemetryOperations } from './telemetry-worker.ts';

/** For each ms that old history is worked on, so many belong to others. */
const REST_RATIO = 3;

/** History in files of the data folder, in a thread of its own, which begins with the first batch or question. */
export class SqliteTelemetryStore implements TelemetryStore {
  /** What there is of each grain; undefined before the first batch. */
  kept: KeptHistory | undefined;
  heldBytes = 0;
  readonly #database: WorkerDatabase<TelemetryOperations>;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #opening: Promise<unknown> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #coarsening: Promise<void> | undefined;

  constructor(options: TelemetryFilesOptions, log: Logger) {
    const module = new URL('./telemetry-worker.ts', import.meta.url);
    const thread = new DatabaseThread({ name: 'telemetry', module, options, log });
    this.#database = new WorkerDatabase({ name: 'telemetry', file: options.folder, thread, log });
    this.#log = log;
  }

  get health(): StoreHealth {
    return this.#database.health;
  }

  async write(batch: ReadingBatch): Promise<{ isKept: boolean }> {
    await this.#open();
    const written = await this.#database.write('append', batch);
    // What a file that failed had in memory is read anew by the next batch.
    this.heldBytes = written.ok ? written.value.bufferBytes : 0;
    if (!written.ok) return { isKept: false };
    this.kept = written.value.kept;
    if (written.value.isDue) this.#coarsening ??= this.#coarsen();
    return { isKept: true };
  }

  read(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryValues | undefined> {
    return this.#inTurn(() => this.#read(query, signal));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening;
    await this.#coarsening;
    await this.#database.close();
  }

  /** One after the other: what is to be written waits for a slice of one, not for all. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #read(query: HistoryQuery, signal: AbortSignal | undefined): Promise<HistoryValues | undefined> {
    await this.#open();
    let read = await this.#database.read('history', query);
    for (; read.ok && read.value === undefined; read = await this.#database.read('goOn', undefined))
      if (signal?.aborted === true) return undefined;
    return read.ok ? read.value : undefined;
  }

  /** Makes minutes of old readings, while others ask and write. */
  async #coarsen(): Promise<void> {
    try {
      for (let isDue = true; isDue && !this.#closing.signal.aborted;) {
        const begun = performance.now();
        isDue = await this.#inTurn(() => this.#coarsenSlice());
        if (isDue) await this.#rest((performance.now() - begun) * REST_RATIO);
      }
    } catch (error) {
      this.#log.error({ err: error, store: 'telemetry' }, 'old history cannot be kept by the minute');
    } finally {
      this.#coarsening = undefined;
    }
  }

  async #coarsenSlice(): Promise<boolean> {
    const sliced = await this.#database.read('coarsen', undefined);
    if (!sliced.ok) return false;
    const { kept, isDue, putOff } = sliced.value;
    this.kept = kept;
    if (putOff !== undefined) {
      const text = `old history stays as it is for a day or until the next start: ${putOff}`;
      this.#log.warn({ store: 'telemetry' }, text);
    }
    return isDue;
  }

  async #rest(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  async #open(): Promise<void> {
    this.#opening ??= this.#database.open();
    await this.#opening;
  }
}
