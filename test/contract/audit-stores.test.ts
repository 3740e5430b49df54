import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryAuditStore } from '../../src/accounts/memory-audit-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { SqliteAuditStore } from '../../src/store/sqlite/hub/sqlite-audit-store.ts';
import { describeAuditStore } from './audit-store.ts';

describeAuditStore('MemoryAuditStore', async () => new MemoryAuditStore());

describeAuditStore('SqliteAuditStore', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recado-audit-'));
  const database = new HubDatabase(join(folder, 'hub.db'), { log: silentLogger });
  t.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  await database.start();
  return new SqliteAuditStore(database);
});
