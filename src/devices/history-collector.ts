import { addReading, addStats, emptyStats, valueOf, type ReadingStats } from './reading-stats.ts';
import type { HistoryQuery, HistoryValues } from './telemetry-store.ts';

/** Old history is kept by the minute. */
export const MINUTE_MS = 60_000;

/** Readings that lie together, with what they come to. */
export type ReadingChunk = {
  /** Where they lie: times of readings, or beginnings of minutes. */
  readonly t0: number;
  readonly t1: number;
  readonly stats: ReadingStats;
  /** Only what each minute came to is known. */
  readonly isByMinute: boolean;
};

/** A reading, or the average of a minute. */
type FoundValue = { readonly time: number; readonly value: number; readonly minute?: ReadingStats };

/** Makes the answer to a query out of readings, in whatever order and pieces a store has them. */
export class HistoryCollector {
  readonly #query: HistoryQuery;
  /** By the number of their stretch. */
  readonly #stretches = new Map<number, ReadingStats>();
  #found: FoundValue[] = [];
  /** Readings from here on are not wanted any more: enough come before. */
  #to: number;
  #hasMinutes = false;

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
    const { by, from } = this.#query;
    if (by !== undefined) return this.#addByStretch(times, values, by.everyMs);
    for (let index = 0; index < times.length; index++) {
      const time = times[index]!;
      if (time >= from && time < this.#to) this.#push({ time, value: values[index]! });
    }
  }

  /** Takes readings by what they come to; false when they must be added one by one. */
  addTogether({ t0, t1, stats, isByMinute }: ReadingChunk): boolean {
    const { by, from } = this.#query;
    if (by === undefined || t0 < from || t1 >= this.#to) return false;
    const number = Math.floor(t0 / by.everyMs);
    if (number !== Math.floor(t1 / by.everyMs)) return false;
    this.#hasMinutes ||= isByMinute;
    addStats(this.#stretch(number), stats);
    return true;
  }

  /** Takes what the readings of a minute came to. It counts as a whole, where it begins. */
  addMinute(minute: number, stats: ReadingStats): void {
    const { by, from } = this.#query;
    if (minute < from || minute >= this.#to) return;
    this.#hasMinutes = true;
    if (by === undefined) this.#push({ time: minute, value: valueOf('avg', stats), minute: stats });
    else addStats(this.#stretch(Math.floor(minute / by.everyMs)), stats);
  }

  finish(): HistoryValues {
    const { by, limit } = this.#query;
    const found =
      by === undefined
        ? this.#sorted()
        : [...this.#stretches]
            .sort(([a], [b]) => a - b)
            .map(([number, stats]) => ({ time: number * by.everyMs, value: valueOf(by.fn, stats) }));
    const kept = found.slice(0, limit);
    return {
      times: Float64Array.from(kept, ({ time }) => time),
      values: Float64Array.from(kept, ({ value }) => value),
      next: found[limit]?.time,
      resolutionMs: this.#hasMinutes ? MINUTE_MS : undefined,
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

  #push(found: FoundValue): void {
    this.#found.push(found);
    if (this.#found.length > 2 * this.#query.limit + 1024) this.#trim();
  }

  /** Of those at the same time the last: a page could not end between them. Of a minute in pieces, all of it. */
  #sorted(): FoundValue[] {
    this.#found.sort((a, b) => a.time - b.time);
    const sorted: FoundValue[] = [];
    for (const found of this.#found) {
      const before = sorted.at(-1);
      if (before?.time === found.time) sorted[sorted.length - 1] = merge(before, found);
      else sorted.push(found);
    }
    return sorted;
  }

  /** One more than is wanted is kept: where the next page begins. */
  #trim(): void {
    const { limit } = this.#query;
    this.#found = this.#sorted().slice(0, limit + 1);
    const next = this.#found[limit];
    if (next !== undefined) this.#to = next.time + 1;
  }
}

function merge(before: FoundValue, found: FoundValue): FoundValue {
  if (before.minute === undefined || found.minute === undefined) return found;
  const minute = { ...before.minute };
  addStats(minute, found.minute);
  return { time: found.time, value: valueOf('avg', minute), minute };
}
