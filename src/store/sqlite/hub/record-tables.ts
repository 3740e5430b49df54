import type { DatabaseSync } from 'node:sqlite';

/** Tables with a key and a record as JSON: all of it is read at the start, and none is looked for in here. */
const RECORD_TABLES = ['invocation', 'device', 'description'] as const;
export type RecordTable = (typeof RECORD_TABLES)[number];

export function createRecordTables(db: DatabaseSync): void {
  for (const name of RECORD_TABLES)
    db.exec(`CREATE TABLE ${name} (key TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT`);
}

/** A key with its record, or with null where it goes. */
export type RecordRow = readonly [key: string, record: string | null];
export type RecordNote = readonly [table: RecordTable, ...RecordRow];

/** Some rows, the first of all after a key. */
type RecordPiece = { readonly table: RecordTable; readonly after: string };

/** A piece is sent when it has so many characters. */
const PIECE_CHARACTERS = 262_144;

/** What the thread of hub.db does for devices and invocations. */
export function serveRecords(db: DatabaseSync) {
  const statements = Object.fromEntries(
    RECORD_TABLES.map((name) => [name, prepare(db, name)] as const),
  ) as Readonly<Record<RecordTable, ReturnType<typeof prepare>>>;
  return {
    loadRecords({ table, after }: RecordPiece): RecordRow[] {
      const rows: RecordRow[] = [];
      let characters = 0;
      for (const { key, record } of statements[table].read.iterate(after)) {
        rows.push([String(key), String(record)]);
        characters += String(record).length;
        if (characters >= PIECE_CHARACTERS) break;
      }
      return rows;
    },
    saveRecords(notes: readonly RecordNote[]): void {
      for (const [table, key, record] of notes) {
        const { save, remove } = statements[table];
        if (record === null) remove.run(key);
        else save.run(key, record);
      }
    },
  };
}

function prepare(db: DatabaseSync, table: RecordTable) {
  return {
    read: db.prepare(`SELECT key, record FROM ${table} WHERE key > ? ORDER BY key`),
    save: db.prepare(
      `INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET record = excluded.record`,
    ),
    remove: db.prepare(`DELETE FROM ${table} WHERE key = ?`),
  };
}
