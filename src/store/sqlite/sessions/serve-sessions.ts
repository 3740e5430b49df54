import type { DatabaseSync } from 'node:sqlite';
import type { Schema } from '../migrate.ts';
import type { ServedDatabase } from '../serve-database.ts';
import { SessionLoading } from './load-sessions.ts';
import { NoteKind } from './note-format.ts';
import { NoteReader } from './note-reader.ts';
import { SessionLog, asBuffer } from './session-log.ts';
import { SessionRows } from './session-rows.ts';

const SCHEMA: Schema = {
  applicationId: 'RcSe',
  migrations: [
    (db) =>
      db.exec(`
        CREATE TABLE session (number INTEGER PRIMARY KEY, client_id TEXT NOT NULL, record BLOB NOT NULL);
        CREATE TABLE subscription (
          session INTEGER NOT NULL, filter TEXT NOT NULL, options INTEGER NOT NULL, PRIMARY KEY (session, filter)
        ) WITHOUT ROWID;
        CREATE TABLE retained (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE, message BLOB NOT NULL);
        CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, notes BLOB NOT NULL);
      `),
  ],
};

/** What was noted for one commit: rows, and what goes to the log as it is. */
export type SessionNotes = {
  readonly rows: Uint8Array | undefined;
  readonly log: Uint8Array | undefined;
};

function openSessions(db: DatabaseSync) {
  const rows = new SessionRows(db);
  const log = new SessionLog(db);
  let loading: SessionLoading | undefined;
  let isIndexed = false;
  /** What the transaction writes that is not committed yet. */
  let saving: readonly SessionNotes[] = [];
  const readRows = (each: SessionNotes): NoteReader => new NoteReader(asBuffer(each.rows));
  return {
    operations: {
      /** Some sessions with all that they have, as notes; undefined when there are no more. */
      loadSessions: (): Uint8Array | undefined => {
        loading ??= startLoading();
        const piece = loading.next();
        if (piece === undefined) loading = undefined;
        return piece;
      },
      loadRetained: (after: number) => rows.retainedAfter(after),
      /** The highest number that a session ever had; after `loadSessions`. */
      highestNumber: (): number => log.index.highestNumber,
      save: (notes: readonly SessionNotes[]): void => {
        // A file that is opened again has been loaded before.
        if (!isIndexed) startLoading();
        saving = notes;
        log.clean();
        for (const each of notes) {
          rows.apply(readRows(each));
          if (each.log !== undefined) log.append(asBuffer(each.log));
        }
      },
    },
    onCommitted: (): void => {
      // Sessions that are new first, for what the log says of them; those that ended last.
      for (const each of saving) takeSessions(each, NoteKind.SESSION);
      log.committed();
      for (const each of saving) takeSessions(each, NoteKind.SESSION_END);
      saving = [];
    },
    onRolledBack: (): void => {
      log.rolledBack();
      saving = [];
    },
  };

  function startLoading(): SessionLoading {
    isIndexed = true;
    return new SessionLoading(db, log);
  }

  function takeSessions(notes: SessionNotes, kind: number): void {
    const reader = readRows(notes);
    while (reader.next()) {
      if (reader.kind !== kind) continue;
      if (kind === NoteKind.SESSION) log.index.addSession(reader.number);
      else log.index.endSession(reader.number);
    }
  }
}

export type SessionOperations = ReturnType<typeof openSessions>['operations'];

/** sessions.db, as its thread serves it. */
export const SESSIONS: ServedDatabase = { schema: SCHEMA, open: openSessions };
