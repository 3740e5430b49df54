import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/base/logger.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { SqliteAccountStore } from '../../src/store/sqlite/hub/sqlite-account-store.ts';
import { HeldFile } from '../helpers/held-file.ts';
import { describeAccountStore } from './account-store.ts';

describeAccountStore('SqliteAccountStore', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recado-accounts-'));
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
      return new SqliteAccountStore(database);
    },
    failNextWrite: () => held.hold(),
  };
});
