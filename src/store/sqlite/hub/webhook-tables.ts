import type { DatabaseSync } from 'node:sqlite';
import type { WebhookChange, WebhookRecord } from '../../../devices/webhook-store.ts';
import { parseRow } from '../damaged-file-error.ts';

/** Records as JSON: all of them are read at the start, and none is looked for in here. */
export function createWebhookTables(db: DatabaseSync): void {
  db.exec('CREATE TABLE webhook (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
}

/** What the thread of hub.db does for webhooks. */
export function serveWebhooks(db: DatabaseSync) {
  const load = db.prepare('SELECT value FROM webhook');
  const put = db.prepare('INSERT OR REPLACE INTO webhook (id, value) VALUES (?, ?)');
  const remove = db.prepare('DELETE FROM webhook WHERE id = ?');
  return {
    loadWebhooks: (): WebhookRecord[] => load.all().map(({ value }) => parseRow(value) as WebhookRecord),
    writeWebhook: (change: WebhookChange): void => {
      if ('put' in change) put.run(change.put.id, JSON.stringify(change.put));
      else remove.run(change.remove);
    },
  };
}
