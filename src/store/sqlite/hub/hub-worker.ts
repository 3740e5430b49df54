import type { DatabaseSync } from 'node:sqlite';
import { serveDatabase } from '../serve-database.ts';
import { createAccountTables, serveAccounts } from './account-tables.ts';
import { createRecordTables, serveRecords } from './record-tables.ts';
import { createAuditTables, serveAudit } from './audit-tables.ts';

/** The thread of hub.db. Each part of it has a file with its tables and with what can be asked of them. */

function openHub(db: DatabaseSync) {
  const readVersion = db.prepare('PRAGMA user_version');
  // It is written as it is: whether the disk takes it is what is asked.
  const writeVersion = (): void =>
    db.exec(`PRAGMA user_version = ${Number(readVersion.get()!['user_version'])}`);
  return { operations: { ...serveAccounts(db), ...serveRecords(db), ...serveAudit(db), writeVersion } };
}

export type HubOperations = ReturnType<typeof openHub>['operations'];

serveDatabase({
  schema: {
    applicationId: 'RcHb',
    migrations: [createAccountTables, createRecordTables, createAuditTables],
  },
  open: openHub,
});
