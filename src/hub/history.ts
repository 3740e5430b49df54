import type { Clock, Timer } from '../base/clock.ts';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import { OWN_PARTY, type Ledger, type Party } from '../base/ledger.ts';
import type { Logger } from '../base/logger.ts';
import type { EventFeed, FeedReader } from '../devices/events.ts';
import { HistoryQuestions } from './history-questions.ts';
import type { ReadingBatch, SeriesName, TelemetryStore } from '../devices/telemetry-store.ts';

/** How long readings stay in the feed before they are taken: it has room for them at any rate that it is made for. */
const GATHER_MS = 250;
const FIRST_READINGS = 1024;
/** Readings that wait for the store. */
const MAX_PENDING = 262_144;
/** Of one that waits: its number, time and value. */
const PENDING_BYTES = costOf(KeptKind.HISTORY_READING, 0);
/** Numbers of series begin anew: those that have had no reading since are given back. */
const RENUMBER_MS = 86_400_000;
/** The same when one found no room. */
const RENUMBER_FULL_MS = 3_600_000;
/** A clock that is set goes back by less, now and then. */
const MAX_STEP_BACK_MS = 1000;

export type HistoryParts = {
  readonly feed: EventFeed;
  readonly ledger: Ledger;
  /** To whom the metrics of a device are booked; undefined for one that is not known any more. */
  readonly partyOf: (deviceId: string) => Party | undefined;
  readonly store: TelemetryStore;
  /** After how long a reading is handed to the store. */
  readonly flushMs: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Hands what is read to the store, in batches: numbers, and true and false as 1 and 0. */
export class History {
  readonly counters = { readingsKept: 0, readingsLost: 0, readingsRefused: 0, questionsRefused: 0 };
  readonly store: TelemetryStore;
  readonly questions: HistoryQuestions;
  readonly #parts: HistoryParts;
  readonly #party: Party;
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
  /** By number: to whom it is booked. */
  #booked: { readonly party: Party; readonly cost: number }[] = [];
  #newSeries: SeriesName[] = [];
  #isFresh = true;
  /** Monotonic, ms. */
  #numberedAt: number;
  #foundNoRoom = false;
  #storeBytes = 0;
  #lastAt = 0;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.#party = parts.ledger.open(OWN_PARTY);
    this.#numberedAt = parts.clock.monotonic();
    this.#party.change(KeptKind.HISTORY_READING, FIRST_READINGS * PENDING_BYTES, FIRST_READINGS);
    this.store = parts.store;
    this.questions = new HistoryQuestions(parts.store, this.counters);
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
      else this.#renumber();
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
    const number = this.#numberOf(deviceId, metric);
    if (number === undefined) return this.#refuse(deviceId, metric);
    if (this.#count === this.#numbers.length && !this.#grow()) return this.#lose(1);
    this.#numbers[this.#count] = number;
    this.#times[this.#count] = Math.round(time);
    this.#values[this.#count++] = Number(value);
  }

  /** Undefined where there is no room for one more. */
  #numberOf(deviceId: string, metric: string): number | undefined {
    const known = this.#series.get(deviceId)?.get(metric);
    if (known !== undefined) return known;
    const cost = costOf(KeptKind.SERIES, deviceId.length + metric.length);
    const party = this.#parts.partyOf(deviceId) ?? this.#party;
    if (!party.book(KeptKind.SERIES, cost)) return undefined;
    const number = this.#booked.push({ party, cost }) - 1;
    const metrics = this.#series.get(deviceId) ?? new Map<string, number>();
    this.#series.set(deviceId, metrics);
    metrics.set(metric, number);
    this.#newSeries.push({ number, deviceId, metric });
    return number;
  }

  #refuse(deviceId: string, metric: string): void {
    this.counters.readingsRefused++;
    if (this.#foundNoRoom) return;
    this.#foundNoRoom = true;
    this.#parts.log.warn(
      { device: deviceId, metric },
      'the history has no room for more metrics, of this device or others: their readings are left out (memory.maxKeptBytes)',
    );
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
    this.#isFresh = false;
    this.#renumber();
    // Here, and on its way to the thread of the store.
    const bytes = 2 * PENDING_BYTES * count;
    this.#party.change(KeptKind.HISTORY_READING, bytes, count);
    this.#writing = this.store.write(batch).then(
      ({ isKept }) => this.#end(count, isKept),
      (error: unknown) => {
        this.#parts.log.error({ err: error }, 'readings could not be stored');
        this.#end(count, false);
      },
    );
  }

  /** When it is time, gives back the metrics that nobody reports any more. While none waits with its number. */
  #renumber(): void {
    const now = this.#parts.clock.monotonic();
    if (now - this.#numberedAt < (this.#foundNoRoom ? RENUMBER_FULL_MS : RENUMBER_MS)) return;
    this.#numberedAt = now;
    this.#foundNoRoom = false;
    this.#isFresh = true;
    this.#newSeries = [];
    this.#series.clear();
    for (const { party, cost } of this.#booked.splice(0)) party.release(KeptKind.SERIES, cost);
  }

  #end(count: number, isKept: boolean): void {
    this.#writing = undefined;
    const { heldBytes } = this.store;
    const bytes = heldBytes - this.#storeBytes - 2 * PENDING_BYTES * count;
    this.#storeBytes = heldBytes;
    this.#party.change(KeptKind.HISTORY_READING, bytes, -count);
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

  /** Doubles the room; false where there is no more. */
  #grow(): boolean {
    const slots = this.#numbers.length * 2;
    const bytes = this.#numbers.length * PENDING_BYTES;
    if (slots > MAX_PENDING || !this.#party.hasRoomFor(KeptKind.HISTORY_READING, bytes)) return false;
    this.#party.change(KeptKind.HISTORY_READING, bytes, slots / 2);
    const [numbers, times, values] = [this.#numbers, this.#times, this.#values];
    this.#numbers = new Uint32Array(slots);
    this.#times = new Float64Array(slots);
    this.#values = new Float64Array(slots);
    this.#numbers.set(numbers);
    this.#times.set(times);
    this.#values.set(values);
    return true;
  }
}
