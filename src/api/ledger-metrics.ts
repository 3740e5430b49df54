import type { Registry } from 'prom-client';
import type { Ledger } from '../base/ledger.ts';
import { addCounter, addGauge, type Sample } from './read-metric.ts';

/** What peers make the hub keep, by kind: the rows of docs/limits.md. */
export function registerLedgerMetrics(registry: Registry, ledger: Ledger): void {
  const byKind = (key: 'bytes' | 'count' | 'limitBytes' | 'refusals') => ({
    labels: ['kind'],
    read: () => ledger.totals().map((totals): Sample => [{ kind: totals.kind }, totals[key]]),
  });
  const kept = 'Bytes that are kept for peers, at what they cost';
  addGauge(registry, { name: 'recado_kept_bytes', help: kept, ...byKind('bytes') });
  addGauge(registry, {
    name: 'recado_kept_things',
    help: 'Things that are kept for peers',
    ...byKind('count'),
  });
  addGauge(registry, {
    name: 'recado_kept_limit_bytes',
    help: 'Bytes that may be kept',
    ...byKind('limitBytes'),
  });
  const help = 'Times that there was no room for one more';
  addCounter(registry, { name: 'recado_kept_refused', help, ...byKind('refusals') });
}
