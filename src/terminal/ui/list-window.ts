import type { Key } from './key-reader.ts';

/**
 * Which part of a list to show: `rows` of `count`, with `selected` in sight and, away from the ends, something before
 * and after it. A list keeps still while the selection moves inside the part that is shown.
 *
 * @param first - the first that was shown before
 * @returns the first to show
 */
export function scrollTo(first: number, list: { count: number; selected: number; rows: number }): number {
  const { count, selected, rows } = list;
  const margin = rows >= 5 ? 1 : 0;
  const highest = Math.max(0, count - rows);
  const latest = Math.min(highest, Math.max(0, selected - margin));
  const earliest = Math.max(0, Math.min(highest, selected - rows + 1 + margin));
  return Math.min(latest, Math.max(earliest, first));
}

/** Moves a position within a list. */
export function clamp(position: number, count: number): number {
  return Math.max(0, Math.min(position, count - 1));
}

/** Where a part of a list begins and ends, counted from 1; undefined when all of it is shown. */
export function partShown(
  first: number,
  list: { count: number; rows: number },
): { from: number; to: number; total: number } | undefined {
  const { count, rows } = list;
  return count <= rows ? undefined : { from: first + 1, to: Math.min(count, first + rows), total: count };
}

/** How far a key moves in a list of which `rows` are seen; undefined for other keys. */
export function stepOf(key: Key, list: { count: number; rows: number }): number | undefined {
  const steps: Partial<Record<Key['name'], number>> = {
    up: -1,
    down: 1,
    pageUp: -list.rows,
    pageDown: list.rows,
    home: -list.count,
    end: list.count,
  };
  return steps[key.name];
}
