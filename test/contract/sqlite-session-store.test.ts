import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionStore } from '../../src/mqtt/session/session-store.ts';
import { SqliteSessionStore } from '../../src/store/sqlite/sessions/sqlite-session-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { describeSessionStore } from './session-store.ts';

describeSessionStore('SqliteSessionStore', {
  canFail: true,
  runs: 20,
  openRig: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recado-sessions-'));
    const file = join(folder, 'sessions.db');
    let opened: SqliteSessionStore | undefined;
    /** Another program that keeps the file locked. */
    let other: DatabaseSync | undefined;
    return {
      open: async (): Promise<SessionStore> => {
        // Closing commits nothing: it is to the file as the end of the process.
        await opened?.close();
        const store = new SqliteSessionStore({ file, log: silentLogger });
        opened = store;
        const commit = store.commit.bind(store);
        store.commit = () =>
          commit()?.finally(() => {
            other?.close();
            other = undefined;
          });
        return store;
      },
      failNextCommit: () => {
        other = new DatabaseSync(file);
        other.exec('BEGIN IMMEDIATE');
      },
      remove: async () => {
        await opened?.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
