import type { DatabaseSync } from 'node:sqlite';
import type { ServedDatabase } from '../serve-database.ts';
import { createAccountTables, serveAccounts } from './account-tables.ts';
import { createRecordTables, serveRecords } from './record-tables.ts';
import { createAuditTables, serveAudit } from './audit-tables.ts';
import { createWebhookTables, serveWebhooks } from './webhook-tables.ts';

function openHub(db: DatabaseSync) {
  return {
    operations: { ...serveAccounts(db), ...serveRecords(db), ...serveAudit(db), ...serveWebhooks(db) },
  };
}

export type HubOperations = ReturnType<typeof openHub>['operations'];

/** hub.db, as its thread serves it. Each part of it has a file with its tables and with what can be asked of them. */
export const HUB: ServedDatabase = {
  schema: {
    applicationId: 'RcHb',
    migrations: [createAccountTables, createRecordTables, createAuditTables, createWebhookTables],
  },
  open: openHub,
};
