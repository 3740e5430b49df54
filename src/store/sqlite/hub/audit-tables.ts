import type { DatabaseSync } from 'node:sqlite';
import { parseRow } from '../damaged-file-error.ts';
import type { AuditEntry, AuditQuery, AuditRecord, AuditRetention } from '../../../accounts/audit.ts';

export function createAuditTables(db: DatabaseSync): void {
  db.exec(
    'CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL)',
  );
}

/** What the thread of hub.db does for the audit. */
export function serveAudit(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO audit (at, entry) VALUES (?, ?)');
  const cut = db.prepare('DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?');
  // Looks at no more than it deletes: the oldest are the first.
  const expire = db.prepare(
    'DELETE FROM audit WHERE number < (SELECT number FROM audit WHERE at >= ? ORDER BY number LIMIT 1)',
  );
  const read = db.prepare('SELECT number, entry FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?');
  return {
    appendAudit: (input: {
      readonly entries: readonly AuditEntry[];
      readonly retention: AuditRetention;
    }): void => {
      for (const entry of input.entries) insert.run(entry.at, JSON.stringify(entry));
      cut.run(input.retention.maxEntries);
      expire.run(input.retention.since);
    },
    readAudit: ({ limit, before = Number.MAX_SAFE_INTEGER }: AuditQuery): AuditRecord[] =>
      read.all(before, limit).map(({ number, entry }) => {
        const known = parseRow(entry) as AuditEntry;
        return { ...known, number: Number(number) };
      }),
  };
}
