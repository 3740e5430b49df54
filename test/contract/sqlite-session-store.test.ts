import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStore } from '../../src/mqtt/session/session-store.ts';
import { SqliteSessionStore } from '../../src/store/sqlite/sessions/sqlite-session-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { HeldFile } from '../helpers/held-file.ts';
import { describeSessionStore } from './session-store.ts';

describeSessionStore('SqliteSessionStore', {
  canFail: true,
  runs: 20,
  openRig: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'recado-sessions-'));
    const file = join(folder, 'sessions.db');
    let opened: SqliteSessionStore | undefined;
    const held = new HeldFile(file);
    return {
      open: async (): Promise<SessionStore> => {
        // Closing commits nothing: it is to the file as the end of the process.
        await opened?.close();
        opened = new SqliteSessionStore({ file, log: silentLogger });
        return held.letGoAfterCommit(opened);
      },
      failNextCommit: () => held.hold(),
      remove: async () => {
        await opened?.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});
