import type { DatabaseSync } from 'node:sqlite';
import { parseRow } from '../damaged-file-error.ts';
import type { AccountChange, AccountRecord } from '../../../accounts/account-store.ts';

/** Records as JSON: all of them are read at the start, and none is looked for in here. */
export function createAccountTables(db: DatabaseSync): void {
  db.exec(`
    CREATE TABLE account (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, key))
      WITHOUT ROWID
  `);
}

/** What the thread of hub.db does for accounts. */
export function serveAccounts(db: DatabaseSync) {
  const load = db.prepare('SELECT kind, key, value FROM account');
  const put = db.prepare('INSERT OR REPLACE INTO account (kind, key, value) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM account WHERE kind = ? AND key = ?');
  return {
    loadAccounts: (): AccountRecord[] =>
      load.all().map(({ kind, key, value }) => ({ kind, key, value: parseRow(value) }) as AccountRecord),
    writeAccounts: (changes: readonly AccountChange[]): void => {
      for (const change of changes) {
        if ('put' in change) put.run(change.put.kind, change.put.key, JSON.stringify(change.put.value));
        else remove.run(change.remove.kind, change.remove.key);
      }
    },
  };
}
