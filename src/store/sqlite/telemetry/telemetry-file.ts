import type { DatabaseSync } from 'node:sqlite';
import type { HistoryCollector } from '../../../devices/history-collector.ts';
import { statsOf } from '../../../devices/reading-stats.ts';
import type { HistoryQuery } from '../../../devices/telemetry-store.ts';
import type { Schema } from '../migrate.ts';
import { encodeChunk } from './chunk-format.ts';
import { ChunkTable, type TimeSpan } from './chunk-table.ts';
import { SeriesBuffer } from './series-buffer.ts';

/** A series with so many readings gets a chunk. */
const CHUNK_READINGS = 1024;
/** One that got more at once gets several. */
const MAX_CHUNK_READINGS = 4096;
/** All series get one when what has none takes so much, or is so old. */
const MAX_HOT_BYTES = 64 * 1024 * 1024;
const MAX_HOT_MS = 900_000;
/** A reading of a batch: the number of its series, its time, its value. */
const READING_BYTES = 20;

export const TELEMETRY_SCHEMA: Schema = {
  applicationId: 'RcTm',
  migrations: [
    (db) =>
      db.exec(`
        CREATE TABLE series (
          id INTEGER PRIMARY KEY, device TEXT NOT NULL, metric TEXT NOT NULL, UNIQUE (device, metric)
        );
        -- Readings as they came, until all of them are in chunks.
        CREATE TABLE hot (batch INTEGER PRIMARY KEY, at REAL NOT NULL, readings BLOB NOT NULL);
        -- Sealed: never changed. Has all readings of its series up to a batch that the chunks before do not have.
        CREATE TABLE chunk (
          series INTEGER NOT NULL, batch INTEGER NOT NULL, t0 REAL NOT NULL, t1 REAL NOT NULL,
          count INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL, sum REAL NOT NULL,
          first REAL NOT NULL, last REAL NOT NULL, readings BLOB NOT NULL
        );
        CREATE INDEX chunk_time ON chunk (series, t0, t1);
        CREATE INDEX chunk_batch ON chunk (batch, series);
        -- The times of all chunks lie between these.
        CREATE TABLE span (t0 REAL NOT NULL, t1 REAL NOT NULL);
        INSERT INTO span VALUES (9e15, -9e15);
      `),
  ],
};

type FileBatch = {
  readonly at: number;
  readonly buffers: readonly SeriesBuffer[];
  readonly times: Float64Array;
  readonly values: Float64Array;
};

/** One file of history: batches as they come, and the chunks that are made of them, in the same transaction. */
export class TelemetryFile {
  readonly #chunks: ChunkTable;
  readonly #series = new Map<string, SeriesBuffer>();
  readonly #statements: ReturnType<typeof prepare>;
  #lastBatch = 0;
  #hotBytes = 0;
  #hotSince = Number.POSITIVE_INFINITY;

  /** @param isWritten - one that is only read needs no names but of what is in no chunk */
  constructor(db: DatabaseSync, isWritten: boolean) {
    this.#chunks = new ChunkTable(db, 'readings');
    this.#statements = prepare(db);
    if (isWritten || this.#statements.allHot.get() !== undefined) this.#load();
  }

  get bytes(): number {
    return Number(this.#statements.size.get()?.['bytes']);
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  get hasHot(): boolean {
    return this.#hotBytes > 0;
  }

  /** Where the readings of a series go. Within a transaction. */
  open(deviceId: string, metric: string): SeriesBuffer {
    const key = keyOf(deviceId, metric);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const id = Number(this.#statements.addSeries.run(deviceId, metric).lastInsertRowid);
    const buffer = new SeriesBuffer(id);
    this.#series.set(key, buffer);
    return buffer;
  }

  /** Within a transaction. Where that is not committed, the file must be opened anew. */
  append({ at, buffers, times, values }: FileBatch): void {
    const ids = Uint32Array.from(buffers, ({ id }) => id);
    const parts = [ids, times, values].map((part) =>
      Buffer.from(part.buffer, part.byteOffset, part.byteLength),
    );
    this.#statements.addHot.run(++this.#lastBatch, at, Buffer.concat(parts));
    this.#hotBytes += buffers.length * READING_BYTES;
    this.#hotSince = Math.min(this.#hotSince, at);
    for (const [index, buffer] of buffers.entries()) buffer.add(times[index]!, values[index]!);
    for (const buffer of new Set(buffers)) if (buffer.count >= CHUNK_READINGS) this.#seal(buffer);
    if (this.#hotBytes >= MAX_HOT_BYTES || at - this.#hotSince >= MAX_HOT_MS) this.sealAll();
  }

  /** Makes chunks of all that has none. Within a transaction. */
  sealAll(): void {
    for (const buffer of this.#series.values()) if (buffer.count > 0) this.#seal(buffer);
    this.#statements.clearHot.run();
    this.#hotBytes = 0;
    this.#hotSince = Number.POSITIVE_INFINITY;
  }

  *collect(query: HistoryQuery, collector: HistoryCollector): Generator<undefined, void> {
    const { deviceId, metric } = query;
    const buffer = this.#series.get(keyOf(deviceId, metric));
    const id = buffer?.id ?? this.#chunks.findSeries(deviceId, metric);
    if (id === undefined) return;
    // What gets a chunk meanwhile comes from here.
    const [times, values] = [buffer?.times.slice() ?? [], buffer?.values.slice() ?? []];
    yield* this.#chunks.collect(id, query, collector);
    collector.add(times, values);
  }

  span(): TimeSpan {
    return this.#chunks.span();
  }

  #seal(buffer: SeriesBuffer): void {
    buffer.sort();
    for (let from = 0; from < buffer.count; from += MAX_CHUNK_READINGS) {
      const times = buffer.times.subarray(from, from + MAX_CHUNK_READINGS);
      const values = buffer.values.subarray(from, from + MAX_CHUNK_READINGS);
      const { count, min, max, sum, first, firstTime, last, lastTime } = statsOf(times, values);
      const numbers = [firstTime, lastTime, count, min, max, sum, first, last];
      const readings = encodeChunk(firstTime, times, values);
      this.#statements.addChunk.run(buffer.id, this.#lastBatch, ...numbers, readings);
      this.#statements.widen.run(firstTime, lastTime);
    }
    buffer.clear();
  }

  #load(): void {
    for (const { id, device, metric } of this.#statements.allSeries.iterate())
      this.#series.set(keyOf(String(device), String(metric)), new SeriesBuffer(Number(id)));
    const byId = new Map([...this.#series.values()].map((buffer) => [buffer.id, buffer]));
    const sealed = new Map<number, number>();
    for (const { series, batch } of this.#statements.sealedSince.iterate())
      sealed.set(Number(series), Number(batch));
    this.#lastBatch = Number(this.#statements.lastBatch.get()?.['batch'] ?? 0);
    for (const { batch, at, readings } of this.#statements.allHot.iterate()) {
      this.#lastBatch = Math.max(this.#lastBatch, Number(batch));
      this.#hotSince = Math.min(this.#hotSince, Number(at));
      this.#replay(Number(batch), readings as Uint8Array, { byId, sealed });
    }
  }

  #replay(
    batch: number,
    readings: Uint8Array,
    { byId, sealed }: { byId: ReadonlyMap<number, SeriesBuffer>; sealed: ReadonlyMap<number, number> },
  ): void {
    const count = readings.length / READING_BYTES;
    // Where it lies in memory is not for SQLite to align.
    const { buffer } = Uint8Array.from(readings);
    const ids = new Uint32Array(buffer.slice(0, count * 4));
    const columns = new Float64Array(buffer.slice(count * 4));
    this.#hotBytes += readings.length;
    for (const [index, id] of ids.entries()) {
      if (batch <= (sealed.get(id) ?? -1)) continue;
      byId.get(id)?.add(columns[index]!, columns[count + index]!);
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    addSeries: db.prepare('INSERT INTO series (device, metric) VALUES (?, ?)'),
    allSeries: db.prepare('SELECT id, device, metric FROM series'),
    addHot: db.prepare('INSERT INTO hot (batch, at, readings) VALUES (?, ?, ?)'),
    allHot: db.prepare('SELECT batch, at, readings FROM hot ORDER BY batch'),
    clearHot: db.prepare('DELETE FROM hot'),
    lastBatch: db.prepare('SELECT max(batch) AS batch FROM chunk'),
    sealedSince: db.prepare(
      'SELECT series, max(batch) AS batch FROM chunk WHERE batch >= (SELECT min(batch) FROM hot) GROUP BY series',
    ),
    addChunk: db.prepare('INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    widen: db.prepare('UPDATE span SET t0 = min(t0, ?), t1 = max(t1, ?)'),
    size: db.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size'),
  };
}

function keyOf(deviceId: string, metric: string): string {
  return `${deviceId} ${metric}`;
}
