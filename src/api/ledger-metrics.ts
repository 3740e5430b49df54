import { Counter, Gauge, type Registry } from 'prom-client';
import type { Ledger } from '../base/ledger.ts';

/** What peers make the hub keep, by kind: the rows of docs/limits.md. */
export function registerLedgerMetrics(registry: Registry, ledger: Ledger): void {
  const gauges = [
    ['bytes', 'Bytes that are kept for peers, at what they cost', 'bytes'],
    ['things', 'Things that are kept for peers', 'count'],
    ['limit_bytes', 'Bytes that may be kept', 'limitBytes'],
  ] as const;
  for (const [name, help, key] of gauges) {
    const gauge = new Gauge({
      name: `recado_kept_${name}`,
      help,
      labelNames: ['kind'],
      registers: [],
      collect() {
        for (const totals of ledger.totals()) this.set({ kind: totals.kind }, totals[key]);
      },
    });
    registry.registerMetric(gauge);
  }
  const refused = new Counter({
    name: 'recado_kept_refused_total',
    help: 'Times that there was no room for one more',
    labelNames: ['kind'],
    registers: [],
    collect() {
      this.reset();
      for (const { kind, refusals } of ledger.totals()) this.inc({ kind }, refusals);
    },
  });
  registry.registerMetric(refused);
}
