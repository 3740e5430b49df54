import { accessSync, constants, lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RecadoError } from '../base/errors.ts';
import { readFaultOf, writeFaultOf } from '../base/file-fault.ts';
import { addFile, beginBackupFile, extractBackup, removeDatabase } from './backup-file.ts';
import { DataFolder } from './data-folder.ts';
import { examineFile, requireDatabases } from './examine-folder.ts';
import { beginRestore, decideRestore, finishRestore, isHalfRestored, undoRestore } from './place-restored.ts';
import { createPrivate, openToRead } from './sqlite/open-database.ts';
import { faultOf } from './sqlite/sqlite-error.ts';
import { syncFolder } from './sync-folder.ts';

/**
 * Copies the databases of a data folder into one file, while a hub has it or not. Each is copied as it was at one
 * moment; the moments of two differ by the time that a copy takes.
 *
 * @returns the names of the databases
 * @throws {RecadoError} `BACKUP_FAILED`; nothing of the file is left then; `STORE_UNAVAILABLE` where there is nothing
 */
export function makeBackup(folder: string, file: string): readonly string[] {
  const names = requireDatabases(folder);
  const unfinished = `${file}.unfinished`;
  const copy = `${file}.copy`;
  const place = dirname(resolve(file));
  if (place === resolve(folder)) throw failed(`${file} would lie in the folder of which it is a copy`);
  let backup: DatabaseSync | undefined;
  try {
    refuseExisting(file);
    accessSync(place, constants.W_OK);
    backup = beginBackupFile(unfinished);
    // Another one may have been finished since.
    refuseExisting(file);
    const kept: string[] = [];
    for (const name of names) if (addDatabase(backup, join(folder, name), copy)) kept.push(name);
    backup.exec('COMMIT');
    renameSync(unfinished, file);
    syncFolder(place);
    return kept;
  } catch (error) {
    if (error instanceof RecadoError) throw error;
    if (faultOf(error)?.state === 'locked' && backup === undefined)
      throw failed(`the backup was not made: another one makes ${file} now`, error);
    throw failed(`the backup was not made: ${reasonOf(error)}`, error);
  } finally {
    // Not what another one has.
    if (backup !== undefined) {
      backup.close();
      for (const each of [copy, unfinished]) removeDatabase(each);
    }
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
  if (!statSync(file).isFile()) throw failed(`${file} is no file`);
  const folder = new DataFolder(path);
  folder.open();
  if (statSync(folder.path, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw failed(`${path} is no folder, and none can be made there`);
  try {
    const fresh = beginRestore(folder.path);
    const names = extractBackup(file, fresh);
    for (const name of names) {
      const { fault } = examineFile(join(fresh, name));
      if (fault !== undefined) throw new Error(`${name} in it is ${fault.state}: ${fault.message}`);
    }
    const former = decideRestore(folder.path);
    finishRestore(folder.path);
    folder.close();
    return { names, former };
  } catch (error) {
    undoRestore(folder.path);
    const isHalf = isHalfRestored(readdirSync(folder.path));
    if (isHalf) folder.close();
    else folder.abandon();
    const what = isHalf ? 'is not in place, and will be when its hub starts' : 'was not brought back';
    throw failed(`${file} ${what}: ${writeFaultOf(error)}`, error);
  }
}

/** False for a file of the history that the hub, which runs, took away meanwhile. */
function addDatabase(backup: DatabaseSync, file: string, copy: string): boolean {
  const name = basename(file);
  const isGone = statSync(file, { throwIfNoEntry: false }) === undefined;
  if (isGone && name.startsWith('telemetry-')) return false;
  removeDatabase(copy);
  copyDatabase(file, copy);
  addFile(backup, name, copy);
  removeDatabase(copy);
  return true;
}

/** A copy of one moment, without what was deleted. */
function copyDatabase(file: string, copy: string): void {
  createPrivate(copy);
  const db = openToRead(file);
  try {
    db.prepare('VACUUM INTO ?').run(copy);
  } finally {
    db.close();
  }
}

/** SQLite has words of its own for a full disk. */
function reasonOf(error: unknown): string {
  return faultOf(error)?.state === 'full' ? 'no space is left on the device' : writeFaultOf(error);
}

function refuseExisting(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined)
    throw failed(`${file} is there already; a backup replaces no file`);
}

function failed(message: string, cause?: unknown): RecadoError {
  return new RecadoError('BACKUP_FAILED', message, cause === undefined ? {} : { cause });
}
