import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { DamagedFileError } from './damaged-file-error.ts';
import { faultOf } from './sqlite-error.ts';

/** What the write-ahead log keeps of its size once it was copied into the file. */
const WAL_LIMIT_BYTES = 16_777_216;
/** How long a backup or `recado doctor` may keep the file locked. */
export const BUSY_TIMEOUT_MS = 2000;

const SETTINGS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES};
`;

/**
 * Opens a database to read and to write. Where the disk has no room for the index of the write-ahead log, the index is
 * in memory; where nothing can be written, the file is read as it is.
 *
 * @param file - empty for one in memory
 */
export function openDatabase(file: string): DatabaseSync {
  if (file === '') return begin(':memory:', '');
  createPrivate(file);
  try {
    return begin(file, '');
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined || fault.state === 'damaged' || !existsSync(file)) throw error;
    try {
      return begin(file, 'PRAGMA locking_mode = EXCLUSIVE;');
    } catch {
      // What the log still has would not be seen; an empty file is one that there is no room to begin.
      if (sizeOf(`${file}-wal`) > 0 || sizeOf(file) === 0) throw error;
      return readOnly(file);
    }
  }
}

/** A new file is its owner's alone, and so are those that SQLite puts beside it. */
export function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch {
    // It is there, or whoever opens it is told why it cannot be.
  }
}

function begin(file: string, first: string): DatabaseSync {
  const wasLeft = sizeOf(`${file}-wal`) > 0;
  const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.exec(first + SETTINGS);
    // The first read is what opens the write-ahead log. One that was left may not fit the file.
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    if (wasLeft) expectWhole(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function expectWhole(db: DatabaseSync): void {
  const found = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found !== 'ok') throw new DamagedFileError(String(found));
}

function readOnly(file: string): DatabaseSync {
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  const db = new DatabaseSync(url, { readOnly: true });
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
  return db;
}

/** 0 for one that is not there, or that this user may not look at. */
export function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** What a database has, also where it is in the write-ahead log still, or not committed. */
export function bytesOf(db: DatabaseSync): number {
  const size = 'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size';
  return Number(db.prepare(size).get()?.['bytes']);
}
