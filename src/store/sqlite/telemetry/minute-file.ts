import { closeSync, openSync, readSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { MINUTE_MS, type HistoryCollector } from '../../../devices/history-collector.ts';
import { addReading, addStats, emptyStats, type ReadingStats } from '../../../devices/reading-stats.ts';
import type { HistoryQuery } from '../../../devices/telemetry-store.ts';
import { migrate, type Schema } from '../migrate.ts';
import { bytesOf, createPrivate } from '../open-database.ts';
import { ChunkTable, type TimeSpan } from './chunk-table.ts';
import { encodeMinutes, type Minute } from './minute-format.ts';

const CHUNK_MINUTES = 1024;
/** Of one series, that are gathered before they get chunks. One that lies in two of them is there in two pieces. */
const MAX_GATHERED_MINUTES = 4 * CHUNK_MINUTES;
/** Where SQLite has the four letters of a file. */
const APPLICATION_ID_AT = 68;

export const MINUTE_SCHEMA: Schema = {
  applicationId: 'RcMn',
  migrations: [
    (db) =>
      db.exec(`
        CREATE TABLE series (
          id INTEGER PRIMARY KEY, device TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE (device, metric)
        );
        -- Minutes of a series in their order; t0 and t1 are when the first and the last one begin.
        CREATE TABLE chunk (
          series INTEGER NOT NULL, t0 REAL NOT NULL, t1 REAL NOT NULL, rows INTEGER NOT NULL,
          count INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL,
          first REAL NOT NULL, first_time REAL NOT NULL, last REAL NOT NULL, last_time REAL NOT NULL,
          minutes BLOB NOT NULL
        );
        CREATE INDEX chunk_time ON chunk (series, t0, t1);
        CREATE TABLE span (t0 REAL NOT NULL, t1 REAL NOT NULL);
        INSERT INTO span VALUES (9e15, -9e15);
      `),
  ],
};

/** Whether a file is one of minutes. It has its name when it is whole, so its head says it. */
export function holdsMinutes(path: string): boolean {
  const letters = Buffer.alloc(MINUTE_SCHEMA.applicationId.length);
  try {
    const file = openSync(path, 'r');
    readSync(file, letters, 0, letters.length, APPLICATION_ID_AT);
    closeSync(file);
  } catch {
    // Whoever opens it is told why it cannot be.
  }
  return letters.toString('latin1') === MINUTE_SCHEMA.applicationId;
}

/** A file of old history, which is never written again. */
export class MinuteFile {
  readonly hasHot = false;
  readonly #chunks: ChunkTable;

  constructor(db: DatabaseSync) {
    this.#chunks = new ChunkTable(db, 'minutes');
  }

  *collect(query: HistoryQuery, collector: HistoryCollector): Generator<undefined, void> {
    const id = this.#chunks.findSeries(query.deviceId, query.metric);
    if (id !== undefined) yield* this.#chunks.collect(id, query, collector);
  }

  span(): TimeSpan {
    return this.#chunks.span();
  }
}

/**
 * Writes what the readings of a file came to in each minute into a new one, a chunk of readings at a time. The new file
 * is not synced, and of no use until this has ended.
 *
 * @param readings - all of them in chunks
 * @returns false when it would have more than `maxBytes`
 * @throws what SQLite or the disk says
 */
export function* writeMinutes(
  readings: DatabaseSync,
  { path, maxBytes }: { readonly path: string; readonly maxBytes: number },
): Generator<undefined, boolean> {
  createPrivate(path);
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;');
    migrate(db, '', MINUTE_SCHEMA);
    db.exec('BEGIN');
    const writer = new MinuteWriter(db);
    const chunks = new ChunkTable(readings, 'readings');
    const findNext = readings.prepare(
      'SELECT id, device, metric FROM series WHERE id > ? ORDER BY id LIMIT 1',
    );
    for (let series = findNext.get(-1); series !== undefined; series = findNext.get(Number(series['id']))) {
      const id = writer.begin(String(series['device']), String(series['metric']));
      for (const { times, values } of chunks.readings(Number(series['id']))) {
        writer.add(id, times, values);
        if (bytesOf(db) > maxBytes) return false;
        yield;
      }
      writer.end(id);
      yield;
    }
    db.exec('COMMIT');
    expectAll(readings, db);
    return true;
  } finally {
    db.close();
  }
}

/** What takes the place of readings has counted each of them. */
function expectAll(readings: DatabaseSync, minutes: DatabaseSync): void {
  const [before, after] = [readings, minutes].map((db) =>
    Number(db.prepare('SELECT total(count) AS count FROM chunk').get()?.['count']),
  );
  if (before !== after) throw new Error(`${before} readings came to minutes of ${after}`);
}

class MinuteWriter {
  readonly #minutes = new Map<number, ReadingStats>();
  readonly #addSeries;
  readonly #addChunk;
  readonly #widen;

  constructor(db: DatabaseSync) {
    this.#addSeries = db.prepare('INSERT INTO series (device, metric) VALUES (?, ?)');
    this.#addChunk = db.prepare('INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#widen = db.prepare('UPDATE span SET t0 = min(t0, ?), t1 = max(t1, ?)');
  }

  /** The number of a series. */
  begin(deviceId: string, metric: string): number {
    return Number(this.#addSeries.run(deviceId, metric).lastInsertRowid);
  }

  add(series: number, times: Float64Array, values: Float64Array): void {
    let begin = Number.NaN;
    let stats = emptyStats();
    for (const [index, time] of times.entries()) {
      const minute = time - (time % MINUTE_MS);
      if (minute !== begin) {
        begin = minute;
        stats = this.#minutes.get(minute) ?? emptyStats();
        this.#minutes.set(minute, stats);
      }
      addReading(stats, time, values[index]!);
    }
    if (this.#minutes.size >= MAX_GATHERED_MINUTES) this.end(series);
  }

  /** Makes chunks of what was added. */
  end(series: number): void {
    const minutes = [...this.#minutes]
      .map(([minute, stats]): Minute => ({ minute, stats }))
      .sort((a, b) => a.minute - b.minute);
    this.#minutes.clear();
    for (let from = 0; from < minutes.length; from += CHUNK_MINUTES)
      this.#write(series, minutes.slice(from, from + CHUNK_MINUTES));
  }

  #write(series: number, minutes: readonly Minute[]): void {
    const whole = emptyStats();
    for (const { stats } of minutes) addStats(whole, stats);
    const [t0, t1] = [minutes[0]!.minute, minutes.at(-1)!.minute];
    const { count, min, max, sum, first, firstTime, last, lastTime } = whole;
    const numbers = [t0, t1, minutes.length, count, min, max, sum, first, firstTime, last, lastTime];
    this.#addChunk.run(series, ...numbers, encodeMinutes(minutes));
    this.#widen.run(t0, t1);
  }
}
