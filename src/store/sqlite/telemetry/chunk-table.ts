import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { HistoryCollector, ReadingChunk } from '../../../devices/history-collector.ts';
import type { HistoryQuery } from '../../../devices/telemetry-store.ts';
import { decodeChunk } from './chunk-format.ts';
import { decodeMinutes } from './minute-format.ts';

/** Chunks that are looked up at once. */
const PAGE_CHUNKS = 4096;

/** What the times of a file lie between; from after to where it has none. */
export type TimeSpan = { readonly t0: number; readonly t1: number };

/** What is different in a file of minutes. */
const COLUMNS = {
  readings: { rows: 'count', firstTime: 't0', lastTime: 't1', blob: 'readings' },
  minutes: { rows: 'rows', firstTime: 'first_time', lastTime: 'last_time', blob: 'minutes' },
} as const;

/** What a file holds of each series: its readings, or what they came to by the minute. */
export type Grain = keyof typeof COLUMNS;

/** A chunk as it is found, without its blob. */
type FoundChunk = ReadingChunk & { readonly number: number; readonly rows: number };

/** The series and chunks of a file, to be read. */
export class ChunkTable {
  readonly #grain: Grain;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync, grain: Grain) {
    this.#grain = grain;
    this.#statements = prepare(db, COLUMNS[grain]);
  }

  /** Undefined where the file knows none of this name. */
  findSeries(deviceId: string, metric: string): number | undefined {
    const id = this.#statements.findSeries.get(deviceId, metric)?.['id'];
    return id === undefined ? undefined : Number(id);
  }

  /** Hands over what is asked for of a series, chunk by chunk: what is in chunks when it begins. */
  *collect(series: number, query: HistoryQuery, collector: HistoryCollector): Generator<undefined, void> {
    for (const chunk of this.#find(series, query)) {
      yield;
      if (!collector.wants(chunk.t0, chunk.t1) || collector.addTogether(chunk)) continue;
      if (chunk.isByMinute) {
        for (const { minute, stats } of decodeMinutes(this.#blobOf(chunk), chunk))
          collector.addMinute(minute, stats);
      } else {
        const { times, values } = this.#readingsOf(chunk);
        collector.add(times, values);
      }
    }
  }

  /** All chunks of readings of a series, in the order in which they came. */
  *readings(
    series: number,
  ): Generator<{ readonly times: Float64Array; readonly values: Float64Array }, void> {
    const all = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
    for (const chunk of this.#find(series, all)) yield this.#readingsOf(chunk);
  }

  /** What lies in chunks. */
  span(): TimeSpan {
    const { t0, t1 } = this.#statements.span.get() ?? {};
    return { t0: Number(t0), t1: Number(t1) };
  }

  /** In the order in which they came: of two readings at the same time the later one counts. */
  *#find(series: number, { from, to }: { from: number; to: number }): Generator<FoundChunk, void> {
    const last = Number(this.#statements.lastChunk.get()?.['number'] ?? 0);
    for (let after = 0; after < last;) {
      const rows = this.#statements.find.all(series, to, from, after, last, PAGE_CHUNKS);
      for (const row of rows) yield readRow(row, this.#grain);
      after = rows.length < PAGE_CHUNKS ? last : Number(rows.at(-1)?.['number']);
    }
  }

  #readingsOf(chunk: FoundChunk): ReturnType<typeof decodeChunk> {
    return decodeChunk(this.#blobOf(chunk), { t0: chunk.t0, count: chunk.rows });
  }

  #blobOf({ number }: FoundChunk): Uint8Array {
    return this.#statements.readBlob.get(number)!['blob'] as Uint8Array;
  }
}

function prepare(db: DatabaseSync, { rows, firstTime, lastTime, blob }: (typeof COLUMNS)[Grain]) {
  return {
    findSeries: db.prepare('SELECT id FROM series WHERE device = ? AND metric = ?'),
    lastChunk: db.prepare('SELECT max(rowid) AS number FROM chunk'),
    find: db.prepare(
      `SELECT rowid AS number, t0, t1, ${rows} AS row_count, count, min, max, sum, first, last,
         ${firstTime} AS first_time, ${lastTime} AS last_time
       FROM chunk WHERE series = ? AND t0 < ? AND t1 >= ? AND rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?`,
    ),
    readBlob: db.prepare(`SELECT ${blob} AS blob FROM chunk WHERE rowid = ?`),
    span: db.prepare('SELECT t0, t1 FROM span'),
  };
}

function readRow(row: Record<string, SQLOutputValue>, grain: Grain): FoundChunk {
  const number = (name: string): number => Number(row[name]);
  return {
    number: number('number'),
    rows: number('row_count'),
    t0: number('t0'),
    t1: number('t1'),
    isByMinute: grain === 'minutes',
    stats: {
      count: number('count'),
      min: number('min'),
      max: number('max'),
      sum: number('sum'),
      first: number('first'),
      firstTime: number('first_time'),
      last: number('last'),
      lastTime: number('last_time'),
    },
  };
}
