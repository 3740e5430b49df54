import type { HistoryFunction } from './telemetry-store.ts';

/** What is known of readings that lie together. */
export type ReadingStats = {
  count: number;
  min: number;
  max: number;
  sum: number;
  first: number;
  firstTime: number;
  last: number;
  lastTime: number;
};

export function emptyStats(): ReadingStats {
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
export function addReading(stats: ReadingStats, time: number, value: number): void {
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

/** Counts in what came after those that are counted. */
export function addStats(stats: ReadingStats, more: ReadingStats): void {
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

/** What they come to by a function. */
export function valueOf(fn: HistoryFunction, stats: ReadingStats): number {
  return FUNCTIONS[fn](stats);
}

/** Sums of readings near the largest number would be none: they end at that number. */
function finite(sum: number): number {
  return Math.min(Math.max(sum, -Number.MAX_VALUE), Number.MAX_VALUE);
}
