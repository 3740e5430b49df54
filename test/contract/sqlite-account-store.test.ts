import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentLogger } from '../../src/base/logger.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { SqliteAccountStore } from '../../src/store/sqlite/hub/sqlite-account-store.ts';
import { describeAccountStore } from './account-store.ts';

describeAccountStore('SqliteAccountStore', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recado-accounts-'));
  const file = join(folder, 'hub.db');
  let database: HubDatabase | undefined;
  /** Another program that keeps the file locked. */
  let other: DatabaseSync | undefined;
  const close = async (): Promise<void> => {
    other?.close();
    other = undefined;
    await database?.close();
  };
  t.after(async () => {
    await close();
    await rm(folder, { recursive: true });
  });
  return {
    open: async () => {
      await close();
      database = new HubDatabase(file, silentLogger);
      await database.start();
      return new SqliteAccountStore(database);
    },
    failNextWrite: () => {
      other = new DatabaseSync(file);
      other.exec('BEGIN IMMEDIATE');
    },
  };
});
