import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import type { StoreFault } from '../store-state.ts';
import { DamagedFileError } from './damaged-file-error.ts';
import { diskFaultOf } from './disk-fault.ts';
import { faultOf } from './sqlite-error.ts';

/** What the write-ahead log keeps of its size once it was copied into the file. */
const WAL_LIMIT_BYTES = 16_777_216;

/** How long another program may keep the file locked: a backup, or `recado doctor`. */
export const BUSY_TIMEOUT_MS = 2000;

const SETTINGS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES};
`;

/** A file and its write-ahead log, and what tells each from another file of its name. */
type FileMark = { readonly path: string; readonly mark: string | undefined };

export type OpenedFile = {
  readonly db: DatabaseSync;
  /** Undefined when it can be written. */
  readonly whyOnlyRead: StoreFault | undefined;
  readonly marks: readonly FileMark[];
};

/** Opens a database to read and to write, in a thread that may wait for it. */
export function openDatabase(file: string): DatabaseSync {
  return openFile(file, BUSY_TIMEOUT_MS).db;
}

/**
 * The same, and what came of it. Where the disk has no room for the index of the write-ahead log, the index is
 * in memory; where nothing can be written, the file is read as it is.
 *
 * @param file - empty for one in memory
 * @param lockedMs - how long a statement waits while another program keeps the file locked
 */
export function openFile(file: string, lockedMs: number): OpenedFile {
  if (file === '') return { db: begin(':memory:', '', lockedMs), whyOnlyRead: undefined, marks: [] };
  if (sizeOf(file) === 0 && sizeOf(`${file}-wal`) > 0)
    throw new DamagedFileError('its write-ahead log lies there without it');
  createPrivate(file);
  try {
    return written(file, begin(file, '', lockedMs));
  } catch (error) {
    const fault = diskFaultOf(error, file);
    if (fault === undefined || fault.state === 'damaged' || fault.state === 'locked' || !existsSync(file))
      throw error;
    try {
      return written(file, begin(file, 'PRAGMA locking_mode = EXCLUSIVE;', lockedMs));
    } catch {
      // What the log still has would not be seen; an empty file is one that there is no room to begin.
      if (sizeOf(`${file}-wal`) > 0 || sizeOf(file) === 0) throw error;
      return { db: readOnly(file), whyOnlyRead: fault, marks: [] };
    }
  }
}

/**
 * Opens a database to be read, while a hub writes it or not. Where the disk takes no index of its write-ahead log, it
 * is read as it is, unless that log has something: it would not be seen.
 */
export function openToRead(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    if (faultOf(error)?.state !== 'unreachable' || sizeOf(`${file}-wal`) > 0) throw error;
    return readOnly(file);
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

/** SQLite goes on writing to a file that has lost its name, and all of it would be gone with the process. */
export function whyGone({ marks }: OpenedFile): StoreFault | undefined {
  const gone = marks.find(({ path, mark }) => (markOf(path) ?? mark) !== mark);
  return gone && { state: 'removed', message: `${gone.path} is not the file that was opened` };
}

function written(file: string, db: DatabaseSync): OpenedFile {
  const marks = [file, `${file}-wal`].map((path) => ({ path, mark: markOf(path) }));
  return { db, whyOnlyRead: undefined, marks };
}

/** Empty where nothing has that name; undefined where this user may not look. */
function markOf(path: string): string | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? '' : `${stats.dev} ${stats.ino}`;
  } catch {
    return undefined;
  }
}

function begin(file: string, first: string, lockedMs: number): DatabaseSync {
  const wasLeft = sizeOf(`${file}-wal`) > 0;
  const db = new DatabaseSync(file, { timeout: lockedMs });
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
