import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/logger.ts';
import { MemoryWebhookStore } from '../../src/devices/webhook-store.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { SqliteWebhookStore } from '../../src/store/sqlite/hub/sqlite-webhook-store.ts';
import { HeldFile } from '../helpers/held-file.ts';
import { describeWebhookStore } from './webhook-store.ts';

describeWebhookStore('MemoryWebhookStore', async () => {
  const store = new MemoryWebhookStore();
  return { open: async () => store };
});

describeWebhookStore('SqliteWebhookStore', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recado-webhooks-'));
  const file = join(folder, 'hub.db');
  let database: HubDatabase | undefined;
  const held = new HeldFile(file);
  const close = async (): Promise<void> => {
    held.letGo();
    await database?.close();
  };
  t.after(async () => {
    await close();
    await rm(folder, { recursive: true });
  });
  return {
    open: async () => {
      await close();
      database = new HubDatabase(file, { log: silentLogger });
      await database.start();
      return new SqliteWebhookStore(database);
    },
    failNextWrite: () => held.hold(),
  };
});
