import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail, succeed, type Result } from '../base/result.ts';
import { createPrivate } from './sqlite/open-database.ts';
import { faultOf } from './sqlite/sqlite-error.ts';

const LOCK_FILE = 'owner.lock';
const WORDS_FILE = 'owner.txt';

/** A folder that is this process's own until `release`, or its end, however it ends: the system takes the lock back. */
export type OwnerLock = { release(): void };

/**
 * Takes a folder: an empty SQLite file in it, held in an exclusive transaction, which writes nothing and so is had on
 * a full disk too.
 *
 * @returns who has it, in words for people; undefined without a lock where the folder is not there for writing
 */
export function takeFolder(folder: string): Result<OwnerLock | undefined, string> {
  const file = join(folder, LOCK_FILE);
  createPrivate(file);
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
  } catch {
    return succeed(undefined);
  }
  try {
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    return faultOf(error)?.state === 'locked' ? fail(readOwner(folder)) : succeed(undefined);
  }
  writeOwner(folder);
  const release = (): void => {
    rmSync(join(folder, WORDS_FILE), { force: true });
    db.close();
  };
  return succeed({ release });
}

/** Only words: the lock holds without them. */
function writeOwner(folder: string): void {
  const words = `process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}\n`;
  try {
    writeFileSync(join(folder, WORDS_FILE), words, { mode: 0o600 });
  } catch {
    // On a disk that is full, say.
  }
}

function readOwner(folder: string): string {
  try {
    return readFileSync(join(folder, WORDS_FILE), 'utf8').trim() || 'another process';
  } catch {
    return 'another process';
  }
}
