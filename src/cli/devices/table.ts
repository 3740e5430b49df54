import { escapeLine } from '../../base/printable-text.ts';
import { cutTo, widthOf } from '../../terminal/ui/rows.ts';
import { printLine } from './hub-flags.ts';

/**
 * Prints rows below their heads, each column as wide as it needs; nothing where there is no row. A terminal gets as
 * much of each as it is wide.
 */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  const all = [head, ...rows].map((row) => row.map(escapeLine));
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  for (const row of all) {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)));
    const line = cells.join('  ').trimEnd();
    printLine(process.stdout.isTTY ? cutTo(line, process.stdout.columns) : line);
  }
}
