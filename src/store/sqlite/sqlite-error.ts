import type { StoreFault } from '../store-state.ts';

/** Result codes of SQLite that say something about the disk or the file (https://sqlite.org/rescode.html). */
const STATE_OF: Readonly<Record<number, StoreFault['state']>> = {
  3: 'unreachable', // SQLITE_PERM
  5: 'locked', // SQLITE_BUSY
  6: 'locked', // SQLITE_LOCKED
  8: 'read-only', // SQLITE_READONLY
  10: 'failing', // SQLITE_IOERR
  11: 'damaged', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'unreachable', // SQLITE_CANTOPEN
  23: 'unreachable', // SQLITE_AUTH
  26: 'damaged', // SQLITE_NOTADB
};

/** The primary result code of an error of SQLite; undefined for any other error. */
function sqliteCode(error: unknown): number | undefined {
  const { errcode } = Object(error) as { readonly errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

/** What an error says of disk and file; undefined when it is a mistake of a program. */
export function faultOf(error: unknown): StoreFault | undefined {
  const state = STATE_OF[sqliteCode(error) ?? 0];
  return state === undefined ? undefined : { state, message: (error as Error).message };
}
