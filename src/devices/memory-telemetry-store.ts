import { HistoryCollector } from './history-collector.ts';
import type {
  HistoryQuery,
  HistoryValues,
  ReadingBatch,
  SeriesName,
  TelemetryStore,
} from './telemetry-store.ts';

/** What a series costs beside its readings, in readings. */
const SERIES_READINGS = 16;

/** A time and a value, and half as much for lists that grow. */
const READING_BYTES = 24;

type Series = { readonly key: string; times: number[]; values: number[] };

/** History for as long as the program runs: the latest readings of each series. */
export class MemoryTelemetryStore implements TelemetryStore {
  readonly #maxReadings: number;
  readonly #series = new Map<string, Series>();
  #byNumber: Series[] = [];
  #count = 0;

  constructor({ maxReadings }: { readonly maxReadings: number }) {
    this.#maxReadings = maxReadings;
  }

  get heldBytes(): number {
    return this.#count * READING_BYTES;
  }

  write({ isFresh, series, numbers, times, values }: ReadingBatch): Promise<{ isKept: boolean }> {
    if (isFresh) this.#byNumber = [];
    for (const name of series) this.#byNumber[name.number] = this.#open(name);
    for (const [index, number] of numbers.entries()) {
      const of = this.#byNumber[number]!;
      if (of.times.length === 0) this.#series.set(of.key, of);
      of.times.push(times[index]!);
      of.values.push(values[index]!);
    }
    this.#count += numbers.length;
    while (this.#count > this.#maxReadings) this.#halve();
    return Promise.resolve({ isKept: true });
  }

  read(query: HistoryQuery): Promise<HistoryValues> {
    const collector = new HistoryCollector(query);
    const series = this.#series.get(keyOf(query));
    if (series !== undefined) collector.add(series.times, series.values);
    return Promise.resolve(collector.finish());
  }

  close(): Promise<void> {
    this.#series.clear();
    this.#byNumber = [];
    return Promise.resolve();
  }

  #open(name: SeriesName): Series {
    const key = keyOf(name);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    this.#count += SERIES_READINGS;
    return { key, times: [], values: [] };
  }

  /** The older half of each series goes, and what is left with none. */
  #halve(): void {
    this.#count = 0;
    for (const [key, series] of this.#series) {
      const from = Math.ceil(series.times.length / 2);
      series.times = series.times.slice(from);
      series.values = series.values.slice(from);
      if (series.times.length === 0) this.#series.delete(key);
      else this.#count += series.times.length + SERIES_READINGS;
    }
  }
}

function keyOf({ deviceId, metric }: { readonly deviceId: string; readonly metric: string }): string {
  return `${deviceId} ${metric}`;
}
