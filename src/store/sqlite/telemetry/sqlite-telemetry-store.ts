import type { Logger } from '../../../base/logger.ts';
import type {
  HistoryQuery,
  HistoryValues,
  ReadingBatch,
  TelemetryStore,
} from '../../../devices/telemetry-store.ts';
import type { StoreHealth } from '../../store-state.ts';
import { WorkerDatabase } from '../worker-database.ts';
import type { TelemetryFilesOptions } from './telemetry-files.ts';
import type { TelemetryOperations } from './telemetry-worker.ts';

/** History in files of the data folder, in a thread of its own, which begins with the first batch or question. */
export class SqliteTelemetryStore implements TelemetryStore {
  readonly #database: WorkerDatabase<TelemetryOperations>;
  #opening: Promise<unknown> | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: TelemetryFilesOptions, log: Logger) {
    const worker = new URL('./telemetry-worker.ts', import.meta.url);
    this.#database = new WorkerDatabase({ name: 'telemetry', file: options.folder, worker, log, options });
  }

  get health(): StoreHealth {
    return this.#database.health;
  }

  async write(batch: ReadingBatch): Promise<{ isKept: boolean }> {
    await this.#open();
    const written = await this.#database.write('append', batch);
    return { isKept: written.ok };
  }

  /** One question after the other: what is to be written waits for one of them, not for all. */
  read(query: HistoryQuery): Promise<HistoryValues | undefined> {
    const read = this.#reading.then(() => this.#read(query));
    this.#reading = read.catch(() => undefined);
    return read;
  }

  async #read(query: HistoryQuery): Promise<HistoryValues | undefined> {
    await this.#open();
    const read = await this.#database.read('history', query);
    return read.ok ? read.value : undefined;
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#database.close();
  }

  async #open(): Promise<void> {
    this.#opening ??= this.#database.open();
    await this.#opening;
  }
}
