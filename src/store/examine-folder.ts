import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RecadoError } from '../base/errors.ts';
import { readFaultOf } from '../base/file-fault.ts';
import { sizeOf } from './sqlite/open-database.ts';

/** What there is to say of one database. */
export type DatabaseReport = {
  readonly name: string;
  readonly bytes: number;
  /** Of its write-ahead log: what a hub that was killed had not copied yet. */
  readonly logBytes: number;
  /** What is wrong with it, in SQLite's words; undefined when it is whole. */
  readonly fault: string | undefined;
};

/**
 * The databases of a folder, by name; none where there is no folder.
 *
 * @throws {RecadoError} `STORE_UNAVAILABLE` when this user may not look into it
 */
export function listDatabases(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.db'))
      .toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new RecadoError('STORE_UNAVAILABLE', `${folder} ${readFaultOf(error)}`, { cause: error });
  }
}

/**
 * The same, for whoever only reads: where there are none, the name of the folder is likely a slip.
 *
 * @throws {RecadoError} `STORE_UNAVAILABLE`
 */
export function requireDatabases(folder: string): string[] {
  const names = listDatabases(folder);
  if (names.length > 0) return names;
  const text = `no hub has kept anything in ${resolve(folder)}; name its folder with --data-dir, or its configuration with --config`;
  throw new RecadoError('STORE_UNAVAILABLE', text);
}

/** Reads all of a database, while a hub writes it or not. Nothing is changed. */
export function examineFile(file: string): Omit<DatabaseReport, 'name'> {
  const sizes = { bytes: sizeOf(file), logBytes: sizeOf(`${file}-wal`) };
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true });
    const found = db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check'];
    return { ...sizes, fault: found === 'ok' ? undefined : String(found) };
  } catch (error) {
    return { ...sizes, fault: (error as Error).message };
  } finally {
    db?.close();
  }
}

/** The same for each database of a folder, and copies that older versions or a restore have left. */
export function examineFolder(folder: string): {
  readonly databases: readonly DatabaseReport[];
  readonly copies: readonly string[];
} {
  const databases = listDatabases(folder).map((name) => ({ name, ...examineFile(join(folder, name)) }));
  const isCopy = (name: string): boolean => /\.db\.v\d+$/.test(name) || name.startsWith('before-restore-');
  const copies = databases.length === 0 ? [] : readdirSync(folder).filter(isCopy).toSorted();
  return { databases, copies };
}
