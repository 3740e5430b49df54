import { readTime } from '../base/read-time.ts';
import type { HistoryQuery } from '../devices/telemetry-store.ts';
import { MAX_HISTORY_VALUES, type HistoryWish } from './history-schemas.ts';
import { RequestRefused } from './problems.ts';
import { showTime } from './resources.ts';

const DAY_MS = 86_400_000;
const DEFAULT_VALUES = 1000;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };

/** What is asked of the history of one metric or several. */
export type HistoryRange = Omit<HistoryQuery, 'deviceId' | 'metric'> & { readonly every: string | undefined };

/** Throws `REQUEST_INVALID` for what cannot be. */
export function readHistoryRange({ limit = DEFAULT_VALUES, every, fn, ...times }: HistoryWish): HistoryRange {
  const to = times.to === undefined ? Date.now() : timeOf('to', times.to);
  const from = times.from === undefined ? to - DAY_MS : timeOf('from', times.from);
  if (from > to) throw refuse(`from is ${showTime(from)}, which is after to, ${showTime(to)}.`);
  if (every === undefined) {
    if (fn !== undefined) throw refuse(`fn is ${fn} of nothing: say with every= over which stretches.`);
    return { from, to, limit, every, by: undefined };
  }
  const everyMs = readEvery(every);
  if ((to - from) / everyMs > MAX_HISTORY_VALUES) {
    const text = `every is ${every}, which from ${showTime(from)} to ${showTime(to)} makes more than ${MAX_HISTORY_VALUES} values.`;
    throw refuse(text);
  }
  return { from, to, limit, every, by: { everyMs, fn: fn ?? 'avg' } };
}

function timeOf(name: string, text: string): number {
  const time = readTime(text);
  if (time === undefined) throw refuse(`${name} is no time of RFC 3339, such as 2026-11-22T10:00:00Z.`);
  return time;
}

function readEvery(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const everyMs = Number(number) * (UNITS_MS[unit] ?? 0);
  if (everyMs > 0) return everyMs;
  throw refuse('every is a number with ms, s, m, h or d behind it: 1m, 15s.');
}

function refuse(text: string): RequestRefused {
  return new RequestRefused('REQUEST_INVALID', text);
}
