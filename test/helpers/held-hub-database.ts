import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { HeldFile } from './held-file.ts';

type HeldStore<Store> = { open(): Promise<Store>; failNextWrite(): void };

/** A store in hub.db, which is opened anew over what was written, and whose next write may be made to fail. */
export async function openHeldStore<Store>(
  t: TestContext,
  make: (database: HubDatabase) => Store,
): Promise<HeldStore<Store>> {
  const folder = await mkdtemp(join(tmpdir(), 'recado-hub-db-'));
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
      return make(database);
    },
    failNextWrite: () => held.hold(),
  };
}
