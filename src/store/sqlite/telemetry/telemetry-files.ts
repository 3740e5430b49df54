import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HistoryCollector } from '../../../devices/history-collector.ts';
import type {
  HistoryQuery,
  HistoryValues,
  ReadingBatch,
  SeriesName,
} from '../../../devices/telemetry-store.ts';
import { migrate } from '../migrate.ts';
import { openDatabase, sizeOf } from '../open-database.ts';
import { faultOf } from '../sqlite-error.ts';
import type { SeriesBuffer } from './series-buffer.ts';
import { TELEMETRY_SCHEMA, TelemetryFile, type TimeSpan } from './telemetry-file.ts';

const DAY_MS = 86_400_000;
/** Older files that stay open for who asks again. */
const MAX_OPEN_FILES = 8;
/** Of a file: their names are in memory while it is the last one. */
const MAX_SERIES = 200_000;
/** A file has no more of what all may have: whole ones go, so one is not to be all that there is. */
const LARGEST_PART = 1 / 4;
const FILE_NAME = /^telemetry-(\d{4}-\d\d-\d\d)\.(\d{1,6})\.db$/;

export type TelemetryFilesOptions = {
  readonly folder: string;
  /** A file that has as much is followed by another. */
  readonly maxFileBytes: number;
  /** Of all files; the oldest go. */
  readonly maxBytes: number;
  readonly retentionDays: number;
};

/** A file of a newer Recado, or of something else: it is left as it is, and the history goes on without it. */
export class FileLeftError extends Error {}

type OpenFile = { readonly name: string; readonly db: DatabaseSync; readonly file: TelemetryFile };

/**
 * History in files, one a day or more: the last one is written, the others are only read, and go as they are. A file
 * has what came while it was the last, so it may have readings of any time.
 */
export class TelemetryFiles {
  readonly #options: TelemetryFilesOptions;
  #names: string[] = [];
  #isListed = false;
  #current: OpenFile | undefined;
  /** Those that are only read, the one asked for last at the end. */
  readonly #older = new Map<string, OpenFile>();
  readonly #spans = new Map<string, TimeSpan>();
  /** Left as they are: neither read nor written. */
  readonly #left = new Set<string>();
  /** What numbers of batches mean. */
  #series: SeriesName[] = [];
  #buffers: SeriesBuffer[] = [];
  /** Of the batch before; wall time, ms. */
  #lastAt: number | undefined;

  constructor(options: TelemetryFilesOptions) {
    const maxFileBytes = Math.min(options.maxFileBytes, options.maxBytes * LARGEST_PART);
    this.#options = { ...options, maxFileBytes };
  }

  /** In one transaction. */
  append(batch: ReadingBatch): void {
    if (batch.isFresh) this.#series = [];
    for (const name of batch.series) this.#series[name.number] = name;
    if (batch.isFresh) this.#buffers = [];
    try {
      this.#list();
      const { db, file } = this.#fileFor(batch.at);
      db.exec('BEGIN');
      const buffers = Array.from(batch.numbers, (number) => this.#bufferOf(file, number));
      file.append({ at: batch.at, buffers, times: batch.times, values: batch.values });
      db.exec('COMMIT');
      this.#lastAt = batch.at;
    } catch (error) {
      // What is in memory may be more than what the file has: it is read anew.
      this.#leaveCurrent();
      const last = this.#lastFor(dayOfTime(batch.at));
      if (last !== undefined && isDamage(error)) this.#setAside(last);
      throw error;
    }
  }

  read(query: HistoryQuery): HistoryValues {
    const collector = new HistoryCollector(query);
    this.#list();
    for (const name of this.#names) {
      if (name === this.#current?.name || this.#left.has(name)) continue;
      const known = this.#spans.get(name);
      if (known !== undefined && !collector.wants(known.t0, known.t1)) continue;
      try {
        this.#collect(name, query, collector);
      } catch (error) {
        if (isDamage(error)) this.#setAside(name);
        throw error;
      }
    }
    this.#current?.file.collect(query, collector);
    return collector.finish();
  }

  close(): void {
    this.#leaveCurrent();
    for (const { db } of this.#older.values()) db.close();
    this.#older.clear();
  }

  /** Where the folder cannot be read, the next call tries again; what numbers mean is told once and stays. */
  #list(): void {
    if (this.#isListed) return;
    this.#names = list(this.#options.folder);
    this.#isListed = true;
  }

  #collect(name: string, query: HistoryQuery, collector: HistoryCollector): void {
    // One that a full disk had no room to begin.
    if (sizeOf(join(this.#options.folder, name)) === 0) return;
    const { file } = this.#openOlder(name);
    const span = file.span();
    // The last one, before the first batch of this run, and one that was left in a hurry, have more than chunks.
    if (!file.hasHot && name !== this.#names.at(-1)) this.#spans.set(name, span);
    if (file.hasHot || collector.wants(span.t0, span.t1)) file.collect(query, collector);
  }

  /** History goes on without a file that is damaged; it stays for who can read it. */
  #setAside(name: string): void {
    this.#forget(name);
    try {
      renameSync(join(this.#options.folder, name), join(this.#options.folder, `${name}.damaged`));
    } catch {
      // Then it is met again, and told again, by the next run.
    }
    this.#names = this.#names.filter((other) => other !== name);
  }

  #forget(name: string): void {
    this.#older.get(name)?.db.close();
    this.#older.delete(name);
    this.#spans.delete(name);
  }

  #bufferOf(file: TelemetryFile, number: number): SeriesBuffer {
    const known = this.#buffers[number];
    if (known !== undefined) return known;
    const { deviceId, metric } = this.#series[number]!;
    const buffer = file.open(deviceId, metric);
    this.#buffers[number] = buffer;
    return buffer;
  }

  /** The last one of the day, or a new one when there is none or it is full. */
  #fileFor(at: number): OpenFile {
    const day = dayOfTime(at);
    const last = this.#lastFor(day);
    const lastDay = last === undefined ? '' : dayOf(last);
    if (this.#current !== undefined && this.#current.name !== last) this.#finishCurrent();
    if (last !== undefined && day <= lastDay && !this.#left.has(last)) {
      const current = (this.#current ??= this.#open(last, true));
      const { file } = current;
      if (file.bytes < this.#options.maxFileBytes && file.seriesCount < MAX_SERIES) return current;
    }
    this.#finishCurrent();
    const number = day > lastDay ? 1 : numberOf(last!) + 1;
    const name = `telemetry-${day > lastDay ? day : lastDay}.${String(number).padStart(3, '0')}.db`;
    this.#names = [...this.#names, name].sort(byAge);
    this.#current = this.#open(name, true);
    this.#dropOld(at);
    return this.#current;
  }

  /**
   * Days that are still to come were written before the clock was set right, and are passed by: what comes now is to
   * go in its time. Where there is no other, the clock is wrong now, as where a machine has none of its own.
   */
  #lastFor(day: string): string | undefined {
    return this.#names.findLast((name) => dayOf(name) <= day) ?? this.#names.at(-1);
  }

  /** Nothing comes to it any more. */
  #finishCurrent(): void {
    const current = this.#current;
    if (current === undefined) return;
    current.db.exec('BEGIN');
    current.file.sealAll();
    current.db.exec('COMMIT');
    this.#leaveCurrent();
  }

  #leaveCurrent(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#buffers = [];
    if (current === undefined) return;
    if (current.db.isTransaction) current.db.exec('ROLLBACK');
    current.db.close();
  }

  #open(name: string, isWritten: boolean): OpenFile {
    this.#forget(name);
    const path = join(this.#options.folder, name);
    const db = openDatabase(path);
    const foreign = migrate(db, path, TELEMETRY_SCHEMA);
    if (foreign !== undefined) {
      db.close();
      this.#left.add(name);
      throw new FileLeftError(foreign.message);
    }
    return { name, db, file: new TelemetryFile(db, isWritten) };
  }

  #openOlder(name: string): OpenFile {
    const open = this.#older.get(name) ?? this.#open(name, false);
    this.#older.delete(name);
    this.#older.set(name, open);
    for (const [other, { db }] of this.#older) {
      if (this.#older.size <= MAX_OPEN_FILES) break;
      db.close();
      this.#older.delete(other);
    }
    return open;
  }

  /**
   * Takes away whole files: the oldest, until neither their age nor their size, with what the new one may get, is too
   * much. A clock that leaps forward makes nothing old at once: it may have been set wrong.
   */
  #dropOld(at: number): void {
    const { folder, retentionDays, maxBytes, maxFileBytes } = this.#options;
    const now = Math.min(at, (this.#lastAt ?? at) + DAY_MS);
    const sizes = this.#names.map((name) => sizeOf(join(folder, name)));
    let total = sizes.reduce((sum, bytes) => sum + bytes, 0);
    while (this.#names[0] !== undefined && this.#names[0] !== this.#current?.name) {
      const name = this.#names[0];
      const isRecent = Date.parse(dayOf(name)) + DAY_MS > now - retentionDays * DAY_MS;
      if (isRecent && total <= maxBytes - maxFileBytes) return;
      this.#forget(name);
      for (const end of ['', '-wal', '-shm']) rmSync(join(folder, name + end), { force: true });
      this.#names.shift();
      total -= sizes.shift() ?? 0;
    }
  }
}

function isDamage(error: unknown): boolean {
  return faultOf(error)?.state === 'damaged';
}

/** In the order in which they were begun. */
function list(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => FILE_NAME.test(name))
    .sort(byAge);
}

function byAge(a: string, b: string): number {
  return Date.parse(dayOf(a)) - Date.parse(dayOf(b)) || numberOf(a) - numberOf(b);
}

function dayOfTime(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function dayOf(name: string): string {
  return FILE_NAME.exec(name)![1]!;
}

function numberOf(name: string): number {
  return Number(FILE_NAME.exec(name)![2]);
}
