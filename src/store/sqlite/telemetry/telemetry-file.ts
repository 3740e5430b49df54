import type { DatabaseSync } from 'node:sqlite';
import type { HistoryCollector } from '../../../devices/history-collector.ts';
import { statsOf } from '../../../devices/reading-stats.ts';
import type { HistoryQuery } from '../../../devices/telemetry-store.ts';
import type { Schema } from '../migrate.ts';
import { encodeChunk } from './chunk-format.ts';
import { ChunkTable, type TimeSpan } from './chunk-table.ts';
import { SeriesBuffer, type BufferRoom } from './series-buffer.ts';

/** A series with so many readings gets a chunk. */
const CHUNK_READINGS = 1024;
/** One that got more at once gets several. */
const MAX_CHUNK_READINGS = 4096;
/** All series get one when the batches since take so much of the disk, or are so old. */
const MAX_HOT_BYTES = 64 * 1024 * 1024;
const MAX_HOT_MS = 900_000;
/** Series that get theirs at once, at the least: batches wait for no more, and questions come between. */
const PIECE_SERIES = 1000;
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
  /** Those that have had readings since numbers mean what they mean. */
  readonly #series = new Map<string, SeriesBuffer>();
  readonly #room: BufferRoom = { bytes: 0 };
  readonly #maxBufferBytes: number;
  readonly #statements: ReturnType<typeof prepare>;
  #lastBatch = 0;
  #hotBytes = 0;
  #hotSince = Number.POSITIVE_INFINITY;
  /** Series that have not got their chunks yet, so that batches up to one can go; undefined where none are to. */
  #sealing: { readonly upTo: number; readonly left: Iterator<SeriesBuffer> } | undefined;

  /** @param maxBufferBytes - what readings that no chunk has may take in memory; undefined: it is only read */
  constructor(db: DatabaseSync, maxBufferBytes: number | undefined) {
    this.#maxBufferBytes = maxBufferBytes ?? Number.POSITIVE_INFINITY;
    this.#chunks = new ChunkTable(db, 'readings');
    this.#statements = prepare(db);
    if (maxBufferBytes !== undefined || this.#statements.allHot.get() !== undefined) this.#load();
  }

  get bytes(): number {
    return Number(this.#statements.size.get()?.['bytes']);
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** What readings that no chunk has take in memory. */
  get bufferBytes(): number {
    return this.#room.bytes;
  }

  get hasHot(): boolean {
    return this.#hotBytes > 0;
  }

  /** Where the readings of a series go. Within a transaction. */
  open(deviceId: string, metric: string): SeriesBuffer {
    const key = keyOf(deviceId, metric);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const id =
      this.#chunks.findSeries(deviceId, metric) ??
      Number(this.#statements.addSeries.run(deviceId, metric).lastInsertRowid);
    const buffer = new SeriesBuffer(id, this.#room);
    this.#series.set(key, buffer);
    return buffer;
  }

  /** Numbers begin anew: what has nothing to be kept may have had its last reading. */
  forgetIdle(): void {
    for (const [key, { count }] of this.#series) if (count === 0) this.#series.delete(key);
  }

  /** Within a transaction. Where that is not committed, the file must be opened anew. */
  append({ at, buffers, times, values }: FileBatch): void {
    const ids = new Uint32Array(buffers.length);
    const full: SeriesBuffer[] = [];
    // Plain loops: this is done for each reading.
    for (let index = 0; index < ids.length; index++) {
      const buffer = buffers[index]!;
      ids[index] = buffer.id;
      buffer.add(times[index]!, values[index]!);
      if (buffer.count === CHUNK_READINGS) full.push(buffer);
    }
    const parts = [ids, times, values].map((part) =>
      Buffer.from(part.buffer, part.byteOffset, part.byteLength),
    );
    this.#statements.addHot.run(++this.#lastBatch, at, Buffer.concat(parts));
    this.#hotBytes += buffers.length * READING_BYTES;
    this.#hotSince = Math.min(this.#hotSince, at);
    for (const buffer of full) this.#seal(buffer);
    const isDue = this.#hotBytes >= MAX_HOT_BYTES || at - this.#hotSince >= MAX_HOT_MS;
    // All have theirs when half as much has come again.
    const part = (buffers.length * READING_BYTES) / (MAX_HOT_BYTES / 2);
    if (isDue || this.#sealing !== undefined)
      this.sealPiece(Math.max(PIECE_SERIES, Math.ceil(this.#series.size * part)));
    while (this.#room.bytes >= this.#maxBufferBytes) this.sealPiece();
  }

  /** Makes chunks of what some series have that has none, until all have theirs. Within a transaction. */
  sealPiece(seriesCount = PIECE_SERIES): void {
    const { upTo, left } = (this.#sealing ??= {
      upTo: this.#lastBatch,
      left: [...this.#series.values()].values(),
    });
    for (let count = 0; count < seriesCount; count++) {
      const next = left.next();
      if (next.done === true) return this.#clearHot(upTo);
      if (next.value.count > 0) this.#seal(next.value);
    }
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

  /** All series have chunks of what came up to a batch. */
  #clearHot(upTo: number): void {
    this.#sealing = undefined;
    this.#statements.clearHot.run(upTo);
    const { bytes, since } = this.#statements.leftHot.get()!;
    this.#hotBytes = Number(bytes);
    this.#hotSince = Number(since ?? Number.POSITIVE_INFINITY);
  }

  #load(): void {
    const sealed = new Map<number, number>();
    for (const { series, batch } of this.#statements.sealedSince.iterate())
      sealed.set(Number(series), Number(batch));
    this.#lastBatch = Number(this.#statements.lastBatch.get()?.['batch'] ?? 0);
    const byId = new Map<number, SeriesBuffer>();
    for (const { batch, at, readings } of this.#statements.allHot.iterate()) {
      this.#lastBatch = Math.max(this.#lastBatch, Number(batch));
      this.#hotSince = Math.min(this.#hotSince, Number(at));
      this.#replay(Number(batch), readings as Uint8Array, { byId, sealed });
    }
  }

  #replay(
    batch: number,
    readings: Uint8Array,
    { byId, sealed }: { byId: Map<number, SeriesBuffer>; sealed: ReadonlyMap<number, number> },
  ): void {
    const count = readings.length / READING_BYTES;
    // Where it lies in memory is not for SQLite to align.
    const { buffer } = Uint8Array.from(readings);
    const ids = new Uint32Array(buffer.slice(0, count * 4));
    const columns = new Float64Array(buffer.slice(count * 4));
    this.#hotBytes += readings.length;
    for (const [index, id] of ids.entries()) {
      if (batch <= (sealed.get(id) ?? -1)) continue;
      const known = byId.get(id) ?? this.#reopen(id);
      byId.set(id, known);
      known.add(columns[index]!, columns[count + index]!);
    }
  }

  #reopen(id: number): SeriesBuffer {
    const { device, metric } = this.#statements.nameSeries.get(id)!;
    const buffer = new SeriesBuffer(id, this.#room);
    this.#series.set(keyOf(String(device), String(metric)), buffer);
    return buffer;
  }
}

function prepare(db: DatabaseSync) {
  return {
    addSeries: db.prepare('INSERT INTO series (device, metric) VALUES (?, ?)'),
    nameSeries: db.prepare('SELECT device, metric FROM series WHERE id = ?'),
    addHot: db.prepare('INSERT INTO hot (batch, at, readings) VALUES (?, ?, ?)'),
    allHot: db.prepare('SELECT batch, at, readings FROM hot ORDER BY batch'),
    clearHot: db.prepare('DELETE FROM hot WHERE batch <= ?'),
    leftHot: db.prepare('SELECT total(length(readings)) AS bytes, min(at) AS since FROM hot'),
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
