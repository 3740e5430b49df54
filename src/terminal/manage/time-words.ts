import { sayNumber, type Say } from '../messages.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A duration as people say it, in one unit: `12 s`, `5 min`, `3 h`, `4 d`. The units are the same in every language. */
export function sayDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

/** A short duration with the precision that matters: `8 ms`, `1.2 s`, `75 s`. */
export function sayShortDuration(say: Say, durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1000) return `${ms} ms`;
  return ms < 10_000 ? `${sayNumber(say, (ms / 1000).toFixed(1))} s` : `${Math.round(ms / 1000)} s`;
}

/** The local time of a moment, with its day when that is not the day of `now`: `10:32:05`, `2026-11-22 10:32`. */
export function sayTime(timeMs: number, now: number): string {
  if (Number.isNaN(timeMs)) return '?';
  const time = new Date(timeMs);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits);
  if (time.toDateString() === new Date(now).toDateString()) return clock.join(':');
  const day = [time.getFullYear(), twoDigits(time.getMonth() + 1), twoDigits(time.getDate())].join('-');
  return `${day} ${clock.slice(0, 2).join(':')}`;
}

/** A moment as a hub writes it, in local time. */
export function sayTimestamp(timestamp: string, now: number): string {
  return sayTime(Date.parse(timestamp), now);
}

/** Ms since a moment as a hub writes it; 0 when it lies ahead, because two clocks never agree. */
export function msSince(timestamp: string, now: number): number {
  const at = Date.parse(timestamp);
  return Number.isNaN(at) ? 0 : Math.max(0, now - at);
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
