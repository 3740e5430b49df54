import { MemoryWebhookStore } from '../../src/devices/webhook-store.ts';
import { SqliteWebhookStore } from '../../src/store/sqlite/hub/sqlite-webhook-store.ts';
import { openHeldStore } from '../helpers/held-hub-database.ts';
import { describeWebhookStore } from './webhook-store.ts';

describeWebhookStore('MemoryWebhookStore', async () => {
  const store = new MemoryWebhookStore();
  return { open: async () => store };
});

describeWebhookStore('SqliteWebhookStore', (t) =>
  openHeldStore(t, (database) => new SqliteWebhookStore(database)),
);
