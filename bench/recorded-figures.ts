import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { barsTable, type Bar, type BenchResult } from './bars.ts';

/** The figures that were recorded last: what README and the other documents tell comes from here. */
const FIGURES_FILE = path.join(import.meta.dirname, 'figures.md');

const HEAD = `# Recorded figures

\`npm run bench -- --record\` writes this page: the newest figures of each benchmark, measured where its line says.
`;

/** Writes the results of this run over those of the same benchmarks; `order` says in which order they stand. */
export function recordFigures(results: readonly BenchResult[], order: readonly string[]): void {
  const all = new Map(readFigures().map((result) => [result.bench, result]));
  for (const result of results) all.set(result.bench, result);
  const sorted = [...all.values()].sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench));
  const where = `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${os.cpus()[0]?.model.trim()}`;
  const names = results.map(({ bench }) => bench).join(', ');
  writeFileSync(FIGURES_FILE, `${HEAD}\nLast recorded: ${names} (${where}).\n\n${barsTable(sorted)}\n`);
}

/** What the page says. */
export function readFigures(): readonly BenchResult[] {
  if (!existsSync(FIGURES_FILE)) return [];
  const results = new Map<string, Bar[]>();
  for (const line of readFileSync(FIGURES_FILE, 'utf8').split('\n')) {
    const [verdict, bench = '', figure = '', measured = '', wanted = ''] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim());
    if (verdict !== 'met' && verdict !== 'MISSED' && verdict !== 'not measured') continue;
    const met = verdict === 'not measured' ? undefined : verdict === 'met';
    results.set(bench, [...(results.get(bench) ?? []), { figure, met, measured, wanted }]);
  }
  return [...results].map(([bench, bars]) => ({ bench, bars }));
}
