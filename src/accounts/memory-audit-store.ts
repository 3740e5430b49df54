import type { AuditEntry, AuditQuery, AuditRecord, AuditRetention, AuditStore } from './audit.ts';

/** An audit that lasts as long as the process; it has no more than this, whatever may be kept. */
const MAX_ENTRIES = 10_000;

export class MemoryAuditStore implements AuditStore {
  #records: AuditRecord[] = [];
  #last = 0;

  async append(entries: readonly AuditEntry[], { maxEntries, since }: AuditRetention): Promise<void> {
    for (const entry of entries) this.#records.push({ ...entry, number: ++this.#last });
    const most = Math.min(maxEntries, MAX_ENTRIES);
    this.#records = this.#records.slice(-most).filter(({ at }) => at >= since);
  }

  async read({ limit, before = Infinity }: AuditQuery): Promise<readonly AuditRecord[]> {
    const found = this.#records.filter(({ number }) => number < before);
    return found.slice(-limit).reverse();
  }
}
