import type { HistoryFunction, HistoryQuery, HistoryValues } from './telemetry-store.ts';

/** What is known of readings that lie together. */
type ReadingStats = {
  count: number;
  min: number;
  max: number;
  sum: number;
  first: number;
  firstTime: number;
  last: number;
  lastTime: number;
};

function emptyStats(): ReadingStats {
  return {
    count: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    sum: 0,
    first: 0,
    firstTime: Number.POSITIVE_INFINITY,
    last: 0,
    lastTime: Number.NEGATIVE_INFINITY,
  };
}

/** What readings come to. */
export function statsOf(times: Float64Array, values: Float64Array): ReadingStats {
  const stats = emptyStats();
  for (let index = 0; index < times.length; index++) addReading(stats, times[index]!, values[index]!);
  return stats;
}

/** Counts one reading in. Of two at the same time the later one that came is the last. */
function addReading(stats: ReadingStats, time: number, value: number): void {
  stats.count++;
  stats.sum += value;
  if (value < stats.min) stats.min = value;
  if (value > stats.max) stats.max = value;
  if (time < stats.firstTime) {
    stats.first = value;
    stats.firstTime = time;
  }
  if (time >= stats.lastTime) {
    stats.last = value;
    stats.lastTime = time;
  }
}

function addStats(stats: ReadingStats, more: ReadingStats): void {
  stats.count += more.count;
  stats.sum = finite(stats.sum) + finite(more.sum);
  stats.min = Math.min(stats.min, more.min);
  stats.max = Math.max(stats.max, more.max);
  if (more.firstTime < stats.firstTime) {
    stats.first = more.first;
    stats.firstTime = more.firstTime;
  }
  if (more.lastTime >= stats.lastTime) {
    stats.last = more.last;
    stats.lastTime = more.lastTime;
  }
}

const FUNCTIONS: Readonly<Record<HistoryFunction, (stats: ReadingStats) => number>> = {
  avg: ({ sum, count, min, max }) => Math.min(Math.max(finite(sum) / count, min), max),
  min: ({ min }) => min,
  max: ({ max }) => max,
  sum: ({ sum }) => finite(sum),
  count: ({ count }) => count,
  first: ({ first }) => first,
  last: ({ last }) => last,
};

/** Sums of readings near the largest number would be none: they end at that number. */
function finite(sum: number): number {
  return Math.min(Math.max(sum, -Number.MAX_VALUE), Number.MAX_VALUE);
}

/** Makes the answer to a query out of readings, in whatever order and pieces a store has them. */
export class HistoryCollector {
  readonly #query: HistoryQuery;
  /** By the number of their stretch. */
  readonly #stretches = new Map<number, ReadingStats>();
  #readings: { time: number; value: number }[] = [];
  /** Readings from here on are not wanted any more: enough come before. */
  #to: number;

  constructor(query: HistoryQuery) {
    this.#query = query;
    this.#to = query.to;
  }

  /** Whether readings between these times, both included, may matter. */
  wants(first: number, last: number): boolean {
    return last >= this.#query.from && first < this.#to;
  }

  /** Takes readings one by one, those of a time in the order in which they came. */
  add(times: ArrayLike<number>, values: ArrayLike<number>): void {
    const { by, from, limit } = this.#query;
    if (by !== undefined) return this.#addByStretch(times, values, by.everyMs);
    for (let index = 0; index < times.length; index++) {
      const time = times[index]!;
      if (time < from || time >= this.#to) continue;
      this.#readings.push({ time, value: values[index]! });
      if (this.#readings.length > 2 * limit + 1024) this.#trim();
    }
  }

  /** Takes readings by what they come to; false when they must be added one by one. */
  addTogether(stats: ReadingStats): boolean {
    const { by, from } = this.#query;
    if (by === undefined || stats.firstTime < from || stats.lastTime >= this.#to) return false;
    const number = Math.floor(stats.firstTime / by.everyMs);
    if (number !== Math.floor(stats.lastTime / by.everyMs)) return false;
    addStats(this.#stretch(number), stats);
    return true;
  }

  finish(): HistoryValues {
    const { by, limit } = this.#query;
    const found =
      by === undefined
        ? this.#sorted()
        : [...this.#stretches]
            .sort(([a], [b]) => a - b)
            .map(([number, stats]) => ({ time: number * by.everyMs, value: FUNCTIONS[by.fn](stats) }));
    const kept = found.slice(0, limit);
    return {
      times: Float64Array.from(kept, ({ time }) => time),
      values: Float64Array.from(kept, ({ value }) => value),
      next: found[limit]?.time,
    };
  }

  #addByStretch(times: ArrayLike<number>, values: ArrayLike<number>, everyMs: number): void {
    const { from, to } = this.#query;
    let begin = 0;
    let end = 0;
    let stats = emptyStats();
    for (let index = 0; index < times.length; index++) {
      const time = times[index]!;
      if (time < from || time >= to) continue;
      if (time < begin || time >= end) {
        const number = Math.floor(time / everyMs);
        begin = number * everyMs;
        end = begin + everyMs;
        stats = this.#stretch(number);
      }
      addReading(stats, time, values[index]!);
    }
  }

  #stretch(number: number): ReadingStats {
    const known = this.#stretches.get(number);
    if (known !== undefined) return known;
    const stats = emptyStats();
    this.#stretches.set(number, stats);
    return stats;
  }

  /** Of those at the same time the last: a page could not end between them. */
  #sorted(): { time: number; value: number }[] {
    this.#readings.sort((a, b) => a.time - b.time);
    return this.#readings.filter(({ time }, index) => this.#readings[index + 1]?.time !== time);
  }

  /** One more than is wanted is kept: where the next page begins. */
  #trim(): void {
    const { limit } = this.#query;
    this.#readings = this.#sorted().slice(0, limit + 1);
    const next = this.#readings[limit];
    if (next !== undefined) this.#to = next.time + 1;
  }
}
