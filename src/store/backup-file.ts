import { closeSync, fsyncSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { faultOf } from './sqlite/sqlite-error.ts';

/* What a backup is: an SQLite file that has other files in pieces. */

const PART_BYTES = 1_048_576;
const APPLICATION_ID = Buffer.from('RcBk', 'latin1').readInt32BE(0);
/** Names that a backup may hold: nothing but databases, and these in no other folder. */
const DATABASE_NAME = /^[a-z0-9][a-z0-9.-]*\.db$/;

/** Begins one, in place of what was left there. While it is open, no other program begins it too. */
export function beginBackupFile(file: string): DatabaseSync {
  // For its owner alone; what the system says of it is clearer than what SQLite does.
  closeSync(openSync(file, 'a', 0o600));
  const backup = new DatabaseSync(file, { timeout: 0 });
  try {
    backup.exec(
      'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DROP TABLE IF EXISTS part; COMMIT; VACUUM',
    );
    backup.exec(`
      PRAGMA application_id = ${APPLICATION_ID};
      BEGIN;
      CREATE TABLE part (name TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (name, number));
    `);
    return backup;
  } catch (error) {
    backup.close();
    if (faultOf(error)?.state !== 'locked') removeDatabase(file);
    throw error;
  }
}

/** With what SQLite keeps beside one that is not at its end. */
export function removeDatabase(file: string): void {
  for (const each of [file, `${file}-journal`]) rmSync(each, { force: true });
}

export function addFile(backup: DatabaseSync, name: string, file: string): void {
  const add = backup.prepare('INSERT INTO part VALUES (?, ?, ?)');
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(PART_BYTES);
    for (let number = 0; ; number++) {
      const length = readSync(handle, bytes, 0, PART_BYTES, null);
      if (length === 0) return;
      add.run(name, number, bytes.subarray(0, length));
    }
  } finally {
    closeSync(handle);
  }
}

/** Writes all that a backup has into a folder. @returns the names */
export function extractBackup(file: string, folder: string): string[] {
  const backup = new DatabaseSync(file, { readOnly: true });
  try {
    if (backup.prepare('PRAGMA application_id').get()?.['application_id'] !== APPLICATION_ID)
      throw new Error('it is no backup of Recado');
    const names = backup.prepare('SELECT DISTINCT name FROM part').all();
    return names.map(({ name }) => extractFile(backup, String(name), folder));
  } finally {
    backup.close();
  }
}

function extractFile(backup: DatabaseSync, name: string, folder: string): string {
  if (!DATABASE_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a database`);
  const parts = backup.prepare('SELECT bytes FROM part WHERE name = ? ORDER BY number');
  const handle = openSync(join(folder, name), 'w', 0o600);
  try {
    for (const { bytes } of parts.iterate(name)) writeFileSync(handle, bytes as Uint8Array);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return name;
}
