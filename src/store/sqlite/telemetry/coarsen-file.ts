import { closeSync, fsyncSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { migrate } from '../migrate.ts';
import { bytesOf, openDatabase, sizeOf } from '../open-database.ts';
import { unfinishedOf } from './file-names.ts';
import { FileLeftError } from './file-left-error.ts';
import { writeMinutes } from './minute-file.ts';
import { sealDatabase } from './seal-file.ts';
import { TELEMETRY_SCHEMA } from './telemetry-file.ts';

/** What the disk must have beside the new file: others write meanwhile. */
const SPARE_BYTES = 16 * 1024 * 1024;

/**
 * Puts what the readings of a file came to by the minute in their place, a chunk of readings at a time. At each moment,
 * also when the process or the machine ends, the name belongs to the one file or to the other, and each is whole.
 *
 * @param release - closes the file where it is open elsewhere in this process
 * @returns false where it stays as it is, because it would not become smaller
 * @throws what SQLite or the disk says; the file is as it was then
 */
export function* coarsenFile(path: string, release: () => void): Generator<undefined, boolean> {
  const unfinished = unfinishedOf(path);
  // One that a full disk had no room to begin, or that somebody took away.
  if (sizeOf(path) === 0) return false;
  // Where a question opened it while the disk was full, it is locked for everybody else.
  release();
  const db = openDatabase(path);
  try {
    const foreign = migrate(db, path, TELEMETRY_SCHEMA);
    if (foreign !== undefined) throw new FileLeftError(foreign.message);
    // One that was left in a hurry has more than chunks.
    yield* sealDatabase(db, release);
    const maxBytes = bytesOf(db);
    expectRoom(path, maxBytes);
    const isSmaller = yield* writeMinutes(db, { path: unfinished, maxBytes });
    if (!isSmaller) return false;
    yield;
    release();
    endLog(db);
    db.close();
    sync(unfinished);
    // A log that came back after a power failure would be taken for that of the new file.
    sync(dirname(path));
    renameSync(unfinished, path);
    sync(dirname(path));
    return true;
  } finally {
    if (db.isOpen) db.close();
    rmSync(unfinished, { force: true });
  }
}

/** A disk that is nearly full is left to what is new. */
function expectRoom(path: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize >= bytes + SPARE_BYTES) return;
  const text = `the disk has ${bavail * bsize} bytes left, and ${bytes + SPARE_BYTES} are needed`;
  throw Object.assign(new Error(text), { code: 'ENOSPC' });
}

/** The write-ahead log is of the file that goes: the one that takes its place must not find it. */
function endLog(db: DatabaseSync): void {
  db.exec('PRAGMA busy_timeout = 0');
  const mode = db.prepare('PRAGMA journal_mode = DELETE').get()?.['journal_mode'];
  if (mode !== 'delete')
    throw new Error(`the file has a write-ahead log that does not end (${String(mode)})`);
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
