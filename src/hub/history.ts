import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { EventFeed, FeedReader } from '../devices/events.ts';
import { HistoryQuestions } from './history-questions.ts';
import type { ReadingBatch, SeriesName, TelemetryStore } from '../devices/telemetry-store.ts';

/** How long readings stay in the feed before they are taken: it has room for them at any rate that it is made for. */
const GATHER_MS = 250;
const FIRST_READINGS = 1024;
/** Readings that wait for the store. */
const MAX_PENDING = 262_144;
/** Series that are told apart by number, before numbers begin anew. */
const MAX_SERIES = 100_000;
/** A clock that is set goes back by less, now and then. */
const MAX_STEP_BACK_MS = 1000;

type HistoryParts = {
  readonly feed: EventFeed;
  readonly store: TelemetryStore;
  /** After how long a reading is handed to the store. */
  readonly flushMs: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Hands what is read to the store, in batches: numbers, and true and false as 1 and 0. */
export class History {
  readonly counters = { readingsKept: 0, readingsLost: 0 };
  readonly store: TelemetryStore;
  readonly questions: HistoryQuestions;
  readonly #parts: HistoryParts;
  #reader: FeedReader | undefined;
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #numbers = new Uint32Array(FIRST_READINGS);
  #times = new Float64Array(FIRST_READINGS);
  #values = new Float64Array(FIRST_READINGS);
  #count = 0;
  /** Of the oldest that waits; monotonic ms. */
  #since = 0;
  /** By device and metric. */
  readonly #series = new Map<string, Map<string, number>>();
  #seriesCount = 0;
  #newSeries: SeriesName[] = [];
  #isFresh = true;
  #lastAt = 0;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.questions = new HistoryQuestions(parts.store);
  }

  start(): void {
    const interest = { devices: undefined, kinds: new Set(['reading'] as const) };
    this.#reader = this.#parts.feed.open(interest, { wake: () => this.#arm() });
    this.#gather();
  }

  /** After what is read: hands over what there is, and closes the store. */
  async stop(): Promise<void> {
    this.#timer?.clear();
    this.#gather();
    this.#reader?.close();
    this.#reader = undefined;
    await this.#writing;
    this.#write();
    await this.#writing;
    await this.store.close();
  }

  /** There is something: it is taken soon, and handed over when its time is come. */
  #arm(): void {
    const { clock, flushMs } = this.#parts;
    const gatherMs = Math.min(GATHER_MS, flushMs);
    if (this.#timer === undefined && this.#count === 0) this.#since = clock.monotonic();
    this.#timer ??= clock.setTimer(gatherMs, () => {
      this.#timer = undefined;
      this.#gather();
      const isDue = clock.monotonic() - this.#since + gatherMs > flushMs;
      if (isDue && this.#writing === undefined) this.#write();
      if (this.#count > 0) this.#arm();
    });
  }

  #gather(): void {
    for (let item = this.#reader?.next(); item !== undefined; item = this.#reader?.next()) {
      if (item.kind === 'missed') this.#lose(item.count);
      else if (item.kind === 'reading') this.#take(item.deviceId, item);
    }
  }

  #take(deviceId: string, { metric, value, time }: { metric: string; value: unknown; time: number }): void {
    if (typeof value === 'string') return;
    if (this.#count === MAX_PENDING) return this.#lose(1);
    if (this.#count === this.#numbers.length) this.#grow();
    this.#numbers[this.#count] = this.#numberOf(deviceId, metric);
    this.#times[this.#count] = Math.round(time);
    this.#values[this.#count++] = Number(value);
  }

  #numberOf(deviceId: string, metric: string): number {
    let metrics = this.#series.get(deviceId);
    if (metrics === undefined) {
      metrics = new Map();
      this.#series.set(deviceId, metrics);
    }
    const known = metrics.get(metric);
    if (known !== undefined) return known;
    const number = this.#seriesCount++;
    metrics.set(metric, number);
    this.#newSeries.push({ number, deviceId, metric });
    return number;
  }

  #write(): void {
    const count = this.#count;
    if (count === 0) return;
    const batch: ReadingBatch = {
      at: this.#now(),
      isFresh: this.#isFresh,
      series: this.#newSeries,
      numbers: this.#numbers.slice(0, count),
      times: this.#times.slice(0, count),
      values: this.#values.slice(0, count),
    };
    this.#count = 0;
    this.#newSeries = [];
    this.#isFresh = this.#seriesCount > MAX_SERIES;
    if (this.#isFresh) {
      this.#series.clear();
      this.#seriesCount = 0;
    }
    this.#writing = this.store.write(batch).then(
      ({ isKept }) => this.#end(count, isKept),
      (error: unknown) => {
        this.#parts.log.error({ err: error }, 'readings could not be stored');
        this.#end(count, false);
      },
    );
  }

  #end(count: number, isKept: boolean): void {
    this.#writing = undefined;
    if (isKept) this.counters.readingsKept += count;
    else this.#lose(count);
  }

  #lose(count: number): void {
    this.counters.readingsLost += count;
  }

  /** Tells where the clock of the machine went back: what is read then has times that there were before. */
  #now(): number {
    const now = this.#parts.clock.now();
    const backMs = this.#lastAt - now;
    if (backMs > MAX_STEP_BACK_MS) {
      const text = `the clock of this machine went back by ${Math.round(backMs / 1000)} s: the history has these times twice`;
      this.#parts.log.warn({ backMs }, text);
    }
    this.#lastAt = now;
    return now;
  }

  #grow(): void {
    const slots = this.#numbers.length * 2;
    const [numbers, times, values] = [this.#numbers, this.#times, this.#values];
    this.#numbers = new Uint32Array(slots);
    this.#times = new Float64Array(slots);
    this.#values = new Float64Array(slots);
    this.#numbers.set(numbers);
    this.#times.set(times);
    this.#values.set(values);
  }
}
