import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { syncFolder } from '../sync-folder.ts';
import { createPrivate } from './open-database.ts';

/** One step of a schema; its number is its place in the list, from 1. Never changed once it was published. */
export type Migration = (db: DatabaseSync) => void;

/** What a database file is, and how it came to be so. */
export type Schema = {
  /** Four letters in the file's head: it is this kind of file and no other. */
  readonly applicationId: string;
  readonly migrations: readonly Migration[];
};

/** Why a file is left alone. */
export type ForeignFile = { readonly why: 'newer' | 'other-kind'; readonly message: string };

/**
 * Brings a file to the newest schema: in one transaction, after a copy of what was there (`FILE.vN`).
 *
 * @param file - empty for one in memory
 * @returns why it is left alone, where it is
 */
export function migrate(
  db: DatabaseSync,
  file: string,
  { applicationId, migrations }: Schema,
): ForeignFile | undefined {
  const newest = migrations.length;
  const version = readPragma(db, 'user_version');
  const kind = readPragma(db, 'application_id');
  const ownKind = Buffer.from(applicationId, 'latin1').readInt32BE(0);
  const isNew = version === 0 && kind === 0 && isEmpty(db);
  if (!isNew && kind !== ownKind)
    return { why: 'other-kind', message: `${file} is a file of another kind; it is left as it is` };
  if (version > newest) {
    const message =
      `${file} was written by a newer Recado (its version is ${version}, this one knows ${newest}): ` +
      'use that one, or bring a backup of this one back with `recado restore`';
    return { why: 'newer', message };
  }
  if (version === newest) return undefined;
  if (!isNew && file !== '') copyBefore(db, file, version);
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const migration of migrations.slice(version)) migration(db);
    db.exec(`PRAGMA application_id = ${ownKind}; PRAGMA user_version = ${newest}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
  return undefined;
}

function readPragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'] === 0;
}

/** A copy that is there is whole: it gets its name when it is done. */
function copyBefore(db: DatabaseSync, file: string, version: number): void {
  const copy = `${file}.v${version}`;
  if (existsSync(copy)) return;
  const unfinished = `${copy}.unfinished`;
  rmSync(unfinished, { force: true });
  createPrivate(unfinished);
  db.prepare('VACUUM INTO ?').run(unfinished);
  renameSync(unfinished, copy);
  syncFolder(dirname(file));
}
