import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Makes hub.db what the version before the newest step of its schema wrote. @returns the version */
export function turnBack(folder: string): number {
  const db = new DatabaseSync(join(folder, 'hub.db'));
  const { user_version: newest } = db.prepare('PRAGMA user_version').get() ?? {};
  const version = Number(newest) - 1;
  db.exec(`DROP TABLE webhook; PRAGMA user_version = ${version}; PRAGMA wal_checkpoint(TRUNCATE)`);
  db.close();
  return version;
}
