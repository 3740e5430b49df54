/** One figure held against what it should be. */
export type Bar = {
  readonly figure: string;
  /** Undefined when it could not be measured here: a peer is not installed. */
  readonly met: boolean | undefined;
  readonly measured: string;
  readonly wanted: string;
};

/** The bars that one benchmark measured. */
export type BenchResult = { readonly bench: string; readonly bars: readonly Bar[] };

const COLUMNS = ['', 'benchmark', 'figure', 'measured', 'wanted'] as const;

/** `met`, `MISSED`, or that it was not measured. */
function verdictOf({ met }: Bar): string {
  return met === undefined ? 'not measured' : met ? 'met' : 'MISSED';
}

/** Every bar of a run in one table, as text. */
export function barsTable(results: readonly BenchResult[]): string {
  const rows = results.flatMap(({ bench, bars }) =>
    bars.map((bar) => [verdictOf(bar), bench, bar.figure, bar.measured, bar.wanted]),
  );
  const widths = COLUMNS.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const rule = widths.map((width) => '-'.repeat(width));
  return [COLUMNS, rule, ...rows]
    .map((row) => `| ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`)
    .join('\n');
}

/** Whether none was missed. */
export function areBarsMet(results: readonly BenchResult[]): boolean {
  return results.every(({ bars }) => bars.every(({ met }) => met !== false));
}
