import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { silentLogger } from '../../src/base/logger.ts';
import { HubDatabase } from '../../src/store/sqlite/hub/hub-database.ts';
import { SqliteDeviceStore } from '../../src/store/sqlite/hub/sqlite-device-store.ts';
import { SqliteInvocationStore } from '../../src/store/sqlite/hub/sqlite-invocation-store.ts';
import { HeldFile } from '../helpers/held-file.ts';
import { describeDeviceStore } from './device-store.ts';
import { describeInvocationStore } from './invocation-store.ts';

/** A store in a file, which is closed as the end of the process would, and opened again. */
async function openRig<Store extends { commit(): Promise<void> | undefined }>(
  make: (database: HubDatabase) => Store,
) {
  const folder = await mkdtemp(join(tmpdir(), 'recado-hub-db-'));
  const file = join(folder, 'hub.db');
  let opened: HubDatabase | undefined;
  const held = new HeldFile(file);
  return {
    open: async (): Promise<Store> => {
      await opened?.close();
      opened = new HubDatabase(file, { log: silentLogger });
      await opened.start();
      return held.letGoAfterCommit(make(opened));
    },
    failNextCommit: () => held.hold(),
    remove: async () => {
      await opened?.close();
      await rm(folder, { recursive: true });
    },
  };
}

describeInvocationStore('SqliteInvocationStore', () =>
  openRig((database) => new SqliteInvocationStore(database)),
);
describeDeviceStore('SqliteDeviceStore', () => openRig((database) => new SqliteDeviceStore(database)));

test('a database that is closed while it opens is closed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'recado-hub-db-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const database = new HubDatabase(join(folder, 'hub.db'), { log: silentLogger });
  const opening = database.open();
  await database.close();
  assert.ok((await opening).ok);
  const other = new DatabaseSync(join(folder, 'hub.db'));
  other.exec('BEGIN EXCLUSIVE; COMMIT');
  other.close();
});
