import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
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
import type { Grain, TimeSpan } from './chunk-table.ts';
import { coarsenFile } from './coarsen-file.ts';
import { dropDamagedFiles, setFileAside } from './damaged-files.ts';
import { FileLeftError } from './file-left-error.ts';
import { beginningOf, byAge, dayOf, dayOfTime, listTelemetryFiles, nameAfter } from './file-names.ts';
import { holdsMinutes, MINUTE_SCHEMA, MinuteFile } from './minute-file.ts';
import { sealFile } from './seal-file.ts';
import type { SeriesBuffer } from './series-buffer.ts';
import { TELEMETRY_SCHEMA, TelemetryFile } from './telemetry-file.ts';

const DAY_MS = 86_400_000;
/** Older files that stay open for who asks again. */
const MAX_OPEN_FILES = 8;
/** Of a file: their names are in memory while it is the last one. */
const MAX_SERIES = 200_000;
/** A file has no more of what all may have: whole ones go, so one is not to be all that there is. */
const LARGEST_PART = 1 / 4;

export type TelemetryFilesOptions = {
  readonly folder: string;
  /** A file that has as much is followed by another. */
  readonly maxFileBytes: number;
  /** Of all files; the oldest go. */
  readonly maxBytes: number;
  /** How long each reading is kept; then what they came to by the minute. */
  readonly rawDays: number;
  readonly retentionDays: number;
  /** What readings that no chunk has may take in memory. */
  readonly maxBufferBytes: number;
};

/** What there is of each grain. */
export type KeptHistory = Readonly<Record<Grain, { readonly files: number; readonly bytes: number }>>;

type OpenFile<File> = { readonly name: string; readonly db: DatabaseSync; readonly file: File };

/**
 * History in files, one a day or more: the last one is written, the others are only read. When they are old, minutes
 * take the place of readings; then they go. A file has what came while it was the last, so it may have readings of any
 * time.
 */
export class TelemetryFiles {
  readonly #options: TelemetryFilesOptions;
  #names: string[] = [];
  #isListed = false;
  #current: OpenFile<TelemetryFile> | undefined;
  /** Those that are only read, the one asked for last at the end. */
  readonly #older = new Map<string, OpenFile<TelemetryFile | MinuteFile>>();
  readonly #spans = new Map<string, TimeSpan>();
  /** Those of minutes: they are never written. */
  readonly #ofMinutes = new Set<string>();
  /** Old ones that would not become smaller. */
  readonly #stays = new Set<string>();
  /** Those that were the last one, and have more than chunks. */
  #unsealed: string[] = [];
  /** Old ones that are to be rewritten, the oldest first. */
  #due: string[] = [];
  #coarsening:
    | { readonly name: string; readonly steps: Generator<undefined, boolean | undefined> }
    | undefined;
  /** Of all but the last; `NOTHING_KEPT` before they were looked at. */
  #keptOlder: KeptHistory = NOTHING_KEPT;
  /** Grows when a file that is read may have been closed. */
  changes = 0;
  /** Left as they are: neither read nor written. */
  readonly #left = new Set<string>();
  /** What numbers of batches mean. */
  #series: SeriesName[] = [];
  #buffers: SeriesBuffer[] = [];
  /** Of the batch before, or the end of the last day that has a file; wall time, ms. */
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
    if (batch.isFresh) this.#current?.file.forgetIdle();
    try {
      this.#list();
      const { db, file } = this.#fileFor(batch.at);
      db.exec('BEGIN');
      const buffers: SeriesBuffer[] = [];
      for (const number of batch.numbers) buffers.push(this.#bufferOf(file, number));
      file.append({ at: batch.at, buffers, times: batch.times, values: batch.values });
      db.exec('COMMIT');
      if (this.#keptOlder === NOTHING_KEPT) this.#findDue(batch.at);
      this.#lastAt = batch.at;
    } catch (error) {
      // What is in memory may be more than what the file has: it is read anew.
      this.#leaveCurrent();
      const last = this.#lastFor(dayOfTime(batch.at));
      if (last !== undefined && isDamage(error)) this.#setAside(last);
      throw error;
    }
  }

  /** What readings that no chunk has take in memory. */
  get bufferBytes(): number {
    return this.#current?.file.bufferBytes ?? 0;
  }

  /** What there is now. */
  get kept(): KeptHistory {
    const { readings, minutes } = this.#keptOlder;
    if (this.#current === undefined) return this.#keptOlder;
    const bytes = readings.bytes + this.#current.file.bytes;
    return { minutes, readings: { files: readings.files + 1, bytes } };
  }

  /** Writes to the last file what stands there: whether the disk takes it is what is asked. */
  probe(): void {
    try {
      this.#list();
      const { db } = this.#fileFor(Date.now());
      db.exec(`PRAGMA user_version = ${TELEMETRY_SCHEMA.migrations.length}`);
    } catch (error) {
      this.#leaveCurrent();
      throw error;
    }
  }

  /** Answers a question in small steps. What it reads may be closed between them: see `changes`. */
  *read(query: HistoryQuery): Generator<undefined, HistoryValues> {
    const collector = new HistoryCollector(query);
    this.#list();
    for (const name of this.#names) {
      if (name === this.#current?.name || this.#left.has(name)) continue;
      const known = this.#spans.get(name);
      if (known !== undefined && !collector.wants(known.t0, known.t1)) continue;
      try {
        yield* this.#collect(name, query, collector);
      } catch (error) {
        if (isDamage(error)) this.#setAside(name);
        throw error;
      }
    }
    if (this.#current !== undefined) yield* this.#current.file.collect(query, collector);
    return collector.finish();
  }

  /** Whether readings are to become chunks, or old ones minutes. */
  get isDue(): boolean {
    return this.#coarsening !== undefined || this.#unsealed.length + this.#due.length > 0;
  }

  /** One small step of making chunks or minutes, while no question is being answered. Throws as `append` does. */
  coarsen(): void {
    const unsealed = this.#coarsening === undefined ? this.#unsealed.shift() : undefined;
    const name = this.#coarsening?.name ?? unsealed ?? this.#due.shift();
    if (name === undefined || !this.#names.includes(name) || name === this.#current?.name) return;
    const path = join(this.#options.folder, name);
    const make = unsealed === undefined ? coarsenFile : sealFile;
    this.#coarsening ??= { name, steps: make(path, () => this.#forget(name)) };
    try {
      const step = this.#coarsening.steps.next();
      if (step.done !== true) return;
      if (step.value !== undefined) (step.value ? this.#ofMinutes : this.#stays).add(name);
      this.#measure();
    } catch (error) {
      if (isDamage(error)) this.#setAside(name);
      if (error instanceof FileLeftError) this.#left.add(name);
      this.#coarsening = undefined;
      throw error;
    }
    this.#coarsening = undefined;
  }

  close(): void {
    this.#stopCoarsening();
    this.#leaveCurrent();
    for (const { db } of this.#older.values()) db.close();
    this.#older.clear();
  }

  /** Where the folder cannot be read, the next call tries again; what numbers mean is told once and stays. */
  #list(): void {
    if (this.#isListed) return;
    const { folder } = this.#options;
    this.#names = listTelemetryFiles(folder);
    for (const name of this.#names) if (holdsMinutes(join(folder, name))) this.#ofMinutes.add(name);
    const last = this.#names.at(-1);
    if (last !== undefined) this.#lastAt = beginningOf(last) + DAY_MS;
    this.#isListed = true;
  }

  *#collect(name: string, query: HistoryQuery, collector: HistoryCollector): Generator<undefined, void> {
    // One that a full disk had no room to begin.
    if (sizeOf(join(this.#options.folder, name)) === 0) return;
    const { file } = this.#openOlder(name);
    const span = file.span();
    // The last one, before the first batch of this run, and one that was left in a hurry, have more than chunks.
    if (!file.hasHot && name !== this.#names.at(-1)) this.#spans.set(name, span);
    if (file.hasHot || collector.wants(span.t0, span.t1)) yield* file.collect(query, collector);
  }

  #setAside(name: string): void {
    this.#forget(name);
    setFileAside(this.#options.folder, name);
    this.#remove(name);
  }

  #remove(name: string): void {
    this.#names = this.#names.filter((other) => other !== name);
    this.#ofMinutes.delete(name);
    this.#stays.delete(name);
  }

  #forget(name: string): void {
    this.changes++;
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
  #fileFor(at: number): OpenFile<TelemetryFile> {
    const day = dayOfTime(at);
    const last = this.#lastFor(day);
    if (this.#current !== undefined && this.#current.name !== last) this.#finishCurrent();
    if (last !== undefined && day <= dayOf(last) && this.#mayBeWritten(last)) {
      if (this.#coarsening?.name === last) this.#stopCoarsening();
      const current = (this.#current ??= this.#openCurrent(last));
      const { file } = current;
      if (file.bytes < this.#options.maxFileBytes && file.seriesCount < MAX_SERIES) return current;
    }
    this.#finishCurrent();
    const name = nameAfter(last, day);
    this.#names = [...this.#names, name].sort(byAge);
    this.#current = this.#openCurrent(name);
    this.#dropOld(at);
    this.#findDue(at);
    return this.#current;
  }

  #mayBeWritten(name: string): boolean {
    return !this.#left.has(name) && !this.#ofMinutes.has(name);
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
    if (current.file.hasHot) this.#unsealed.push(current.name);
    this.#leaveCurrent();
  }

  #leaveCurrent(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#buffers = [];
    this.changes++;
    if (current === undefined) return;
    if (current.db.isTransaction) current.db.exec('ROLLBACK');
    current.db.close();
  }

  #openCurrent(name: string): OpenFile<TelemetryFile> {
    this.#forget(name);
    this.#stays.delete(name);
    const db = this.#openDatabase(name);
    return { name, db, file: new TelemetryFile(db, this.#options.maxBufferBytes) };
  }

  #openDatabase(name: string): DatabaseSync {
    const path = join(this.#options.folder, name);
    const isOfMinutes = this.#ofMinutes.has(name);
    const db = isOfMinutes ? new DatabaseSync(path, { readOnly: true }) : openDatabase(path);
    const foreign = migrate(db, path, isOfMinutes ? MINUTE_SCHEMA : TELEMETRY_SCHEMA);
    if (foreign === undefined) return db;
    db.close();
    this.#left.add(name);
    throw new FileLeftError(foreign.message);
  }

  #openOlder(name: string): OpenFile<TelemetryFile | MinuteFile> {
    const open = this.#older.get(name) ?? this.#readOlder(name);
    this.#older.delete(name);
    this.#older.set(name, open);
    for (const [other, { db }] of this.#older) {
      if (this.#older.size <= MAX_OPEN_FILES) break;
      db.close();
      this.#older.delete(other);
    }
    return open;
  }

  #readOlder(name: string): OpenFile<TelemetryFile | MinuteFile> {
    const db = this.#openDatabase(name);
    return {
      name,
      db,
      file: this.#ofMinutes.has(name) ? new MinuteFile(db) : new TelemetryFile(db, undefined),
    };
  }

  /**
   * Takes away whole files: the oldest, until neither their age nor their size, with what the new one may get, is too
   * much.
   */
  #dropOld(at: number): void {
    const { folder, retentionDays, maxBytes, maxFileBytes } = this.#options;
    const isOld = (name: string): boolean => this.#isOlderThan(name, retentionDays, at);
    dropDamagedFiles(folder, { maxBytes: maxBytes * LARGEST_PART, isOld });
    const sizes = this.#names.map((name) => sizeOf(join(folder, name)));
    let total = sizes.reduce((sum, bytes) => sum + bytes, 0);
    while (this.#names[0] !== undefined && this.#names[0] !== this.#current?.name) {
      const name = this.#names[0];
      if (!isOld(name) && total <= maxBytes - maxFileBytes) return;
      if (this.#coarsening?.name === name) this.#stopCoarsening();
      this.#forget(name);
      for (const end of ['', '-wal', '-shm']) rmSync(join(folder, name + end), { force: true });
      this.#remove(name);
      total -= sizes.shift() ?? 0;
    }
  }

  /** A clock that leaps forward makes nothing old at once: it may have been set wrong. */
  #isOlderThan(name: string, days: number, at: number): boolean {
    const now = Math.min(at, (this.#lastAt ?? at) + DAY_MS);
    return beginningOf(name) + DAY_MS <= now - days * DAY_MS;
  }

  /** All but the last one are never written again. */
  #findDue(at: number): void {
    this.#due = this.#names.filter(
      (name) =>
        name !== this.#current?.name &&
        name !== this.#coarsening?.name &&
        this.#mayBeWritten(name) &&
        !this.#stays.has(name) &&
        this.#isOlderThan(name, this.#options.rawDays, at),
    );
    this.#measure();
  }

  #stopCoarsening(): void {
    this.#coarsening?.steps.return(false);
    this.#coarsening = undefined;
  }

  #measure(): void {
    const kept = { readings: { files: 0, bytes: 0 }, minutes: { files: 0, bytes: 0 } };
    for (const name of this.#names) {
      if (name === this.#current?.name) continue;
      const grain = kept[this.#ofMinutes.has(name) ? 'minutes' : 'readings'];
      grain.files++;
      grain.bytes += sizeOf(join(this.#options.folder, name));
    }
    this.#keptOlder = kept;
  }
}

const NOTHING_KEPT: KeptHistory = { readings: { files: 0, bytes: 0 }, minutes: { files: 0, bytes: 0 } };

function isDamage(error: unknown): boolean {
  return faultOf(error)?.state === 'damaged';
}
