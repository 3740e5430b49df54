import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RecadoError } from '../base/errors.ts';
import { readFaultOf, writeFaultOf } from '../base/file-fault.ts';
import { DataFolder } from './data-folder.ts';
import { examineFile, listDatabases, requireDatabases } from './examine-folder.ts';
import { createPrivate } from './sqlite/open-database.ts';

const PART_BYTES = 1_048_576;
const APPLICATION_ID = Buffer.from('RcBk', 'latin1').readInt32BE(0);
/** Names that a backup may hold: it writes nothing but databases, and these below the data folder. */
const DATABASE_NAME = /^[a-z0-9][a-z0-9.-]*\.db$/;

/**
 * Copies the databases of a data folder into one file, while a hub has it or not. Each is copied as it was at one
 * moment; the moments of two differ by the time that a copy takes.
 *
 * @returns the names of the databases
 * @throws {RecadoError} `BACKUP_FAILED`; nothing of the file is left then; `STORE_UNAVAILABLE` where there is nothing
 */
export function makeBackup(folder: string, file: string): readonly string[] {
  const names = requireDatabases(folder);
  if (existsSync(file)) throw failed(`${file} is there already; a backup replaces no file`);
  const unfinished = `${file}.unfinished`;
  const copy = `${file}.copy`;
  const remove = (): void => {
    for (const each of [unfinished, copy]) rmSync(each, { force: true });
  };
  let backup: DatabaseSync | undefined;
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
    remove();
    backup = newBackup(unfinished);
    const kept: string[] = [];
    for (const name of names) {
      // A hub that runs takes old files of history away meanwhile.
      const isGone = statSync(join(folder, name), { throwIfNoEntry: false }) === undefined;
      if (isGone && name.startsWith('telemetry-')) continue;
      copyDatabase(join(folder, name), copy);
      addParts(backup, name, copy);
      rmSync(copy);
      kept.push(name);
    }
    backup.close();
    renameSync(unfinished, file);
    return kept;
  } catch (error) {
    if (backup?.isOpen === true) backup.close();
    if (backup !== undefined) remove();
    throw failed(`the backup was not made: ${writeFaultOf(error)}`, error);
  }
}

/**
 * Puts the databases of a backup in place of those of a data folder, which go to a folder beside them.
 *
 * @returns the names of the databases, and where the former ones are; undefined when there were none
 * @throws {RecadoError} `BACKUP_FAILED`, `DATA_FOLDER_TAKEN` while a hub has the folder. The folder is as it was then.
 */
export function restoreBackup(
  file: string,
  path: string,
): { readonly names: readonly string[]; readonly former: string | undefined } {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw failed(`${file} ${readFaultOf(error)}`, error);
  }
  const folder = new DataFolder(path);
  folder.open();
  const fresh = folder.file('restoring');
  try {
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    const names = readParts(file, fresh);
    for (const name of names) {
      const { fault } = examineFile(join(fresh, name));
      if (fault !== undefined) throw new Error(`${name} in it is damaged: ${fault}`);
    }
    const former = setAside(folder);
    for (const name of names) renameSync(join(fresh, name), folder.file(name));
    return { names, former };
  } catch (error) {
    throw failed(`${file} was not brought back: ${(error as Error).message}`, error);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    folder.close();
  }
}

function newBackup(file: string): DatabaseSync {
  createPrivate(file);
  const backup = new DatabaseSync(file);
  backup.exec(`
    PRAGMA application_id = ${APPLICATION_ID};
    CREATE TABLE part (name TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (name, number));
  `);
  return backup;
}

/** A copy of one moment, without what was deleted. */
function copyDatabase(file: string, copy: string): void {
  createPrivate(copy);
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    db.prepare('VACUUM INTO ?').run(copy);
  } finally {
    db.close();
  }
}

function addParts(backup: DatabaseSync, name: string, copy: string): void {
  const add = backup.prepare('INSERT INTO part VALUES (?, ?, ?)');
  const handle = openSync(copy, 'r');
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

function readParts(file: string, folder: string): string[] {
  const backup = new DatabaseSync(file, { readOnly: true });
  try {
    if (backup.prepare('PRAGMA application_id').get()?.['application_id'] !== APPLICATION_ID)
      throw new Error('it is no backup of Recado');
    const names = backup.prepare('SELECT DISTINCT name FROM part').all();
    return names.map(({ name }) => writeDatabase(backup, String(name), folder));
  } finally {
    backup.close();
  }
}

function writeDatabase(backup: DatabaseSync, name: string, folder: string): string {
  if (!DATABASE_NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a database`);
  const parts = backup.prepare('SELECT bytes FROM part WHERE name = ? ORDER BY number');
  const handle = openSync(join(folder, name), 'w', 0o600);
  try {
    for (const { bytes } of parts.iterate(name)) writeSync(handle, bytes as Uint8Array);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return name;
}

/** Moves the databases and what SQLite has put beside them into a folder of their own; its name. */
function setAside(folder: DataFolder): string | undefined {
  const databases = listDatabases(folder.path);
  if (databases.length === 0) return undefined;
  const moment = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const former = folder.file(`before-restore-${moment}`);
  mkdirSync(former, { mode: 0o700 });
  const belongs = (name: string): boolean => databases.some((each) => name.startsWith(each));
  for (const name of readdirSync(folder.path).filter(belongs))
    renameSync(folder.file(name), join(former, basename(name)));
  return former;
}

function failed(message: string, cause?: unknown): RecadoError {
  return new RecadoError('BACKUP_FAILED', message, cause === undefined ? {} : { cause });
}
