import { MINUTE_MS } from '../../../devices/history-collector.ts';
import type { ReadingStats } from '../../../devices/reading-stats.ts';
import { ColumnReader, ColumnWriter } from './column-format.ts';

/*
 * What the readings of one series came to in each minute, in one blob. Of each minute: how long after the one before it
 * is, how many readings it has, when in it the first and the last one was. Then the values, column by column: the first
 * of each minute; the last, of those with more than one reading; least, greatest and sum, of those with more than two.
 * What is left out follows from the others, so that a reading that is alone in its minute costs what it did.
 */

const NUMBERS_EACH = 4;
const VALUES_EACH = 5;
const LONE = 1;
const PAIR = 2;

/** A minute: when it began, and what was read in it. */
export type Minute = { readonly minute: number; readonly stats: ReadingStats };

/** @param minutes - in their order, of which the first begins at the chunk's `t0` */
export function encodeMinutes(minutes: readonly Minute[]): Buffer {
  const most = { numbers: minutes.length * NUMBERS_EACH, values: minutes.length * VALUES_EACH };
  const writer = new ColumnWriter(most);
  let before = minutes[0]?.minute ?? 0;
  for (const { minute, stats } of minutes) {
    writer.addNumber((minute - before) / MINUTE_MS);
    writer.addNumber(stats.count);
    writer.addNumber(stats.firstTime - minute);
    if (stats.count > LONE) writer.addNumber(stats.lastTime - minute);
    before = minute;
  }
  const columnOf = (name: 'first' | 'last' | 'min' | 'max' | 'sum', above: number): void => {
    const some = minutes.filter(({ stats }) => stats.count > above);
    writer.addValues(Float64Array.from(some, ({ stats }) => stats[name]));
  };
  columnOf('first', 0);
  columnOf('last', LONE);
  for (const name of ['min', 'max', 'sum'] as const) columnOf(name, PAIR);
  return writer.deflate();
}

/** @param rows - how many minutes there are */
export function decodeMinutes(
  blob: Uint8Array,
  { t0, rows }: { readonly t0: number; readonly rows: number },
): Minute[] {
  const reader = new ColumnReader(blob, { numbers: rows * NUMBERS_EACH, values: rows * VALUES_EACH });
  let minute = t0;
  const heads = Array.from({ length: rows }, () => {
    minute += reader.readNumber() * MINUTE_MS;
    const count = reader.readNumber();
    const firstTime = minute + reader.readNumber();
    return { minute, count, firstTime, lastTime: count > LONE ? minute + reader.readNumber() : firstTime };
  });
  const countAbove = (least: number): number => heads.filter(({ count }) => count > least).length;
  const firsts = reader.readValues(rows);
  const lasts = reader.readValues(countAbove(LONE));
  const many = countAbove(PAIR);
  const [mins, maxs, sums] = [reader.readValues(many), reader.readValues(many), reader.readValues(many)];
  let nextLast = 0;
  let nextOfMany = 0;
  return heads.map(({ minute: begin, count, firstTime, lastTime }, index) => {
    const first = firsts[index]!;
    const last = count > LONE ? lasts[nextLast++]! : first;
    const known = { count, first, firstTime, last, lastTime };
    if (count <= PAIR) {
      const sum = count > LONE ? first + last : first;
      return {
        minute: begin,
        stats: { ...known, min: Math.min(first, last), max: Math.max(first, last), sum },
      };
    }
    const at = nextOfMany++;
    return { minute: begin, stats: { ...known, min: mins[at]!, max: maxs[at]!, sum: sums[at]! } };
  });
}
