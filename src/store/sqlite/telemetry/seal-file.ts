import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../open-database.ts';
import { TelemetryFile } from './telemetry-file.ts';

/**
 * Makes chunks of all that a file has beside them, some series at a time; what is done lasts.
 *
 * @param release - closes the file where a question opened it: it has in memory what is a chunk now
 */
export function* sealDatabase(db: DatabaseSync, release: () => void): Generator<undefined, void> {
  const file = new TelemetryFile(db, undefined);
  while (file.hasHot) {
    db.exec('BEGIN');
    file.sealPiece();
    db.exec('COMMIT');
    release();
    yield;
  }
}

/** The same for a file to which nothing comes any more. */
export function* sealFile(path: string, release: () => void): Generator<undefined, undefined> {
  // Where a question opened it while the disk was full, it is locked for everybody else.
  release();
  const db = openDatabase(path);
  try {
    yield* sealDatabase(db, release);
  } finally {
    db.close();
  }
}
