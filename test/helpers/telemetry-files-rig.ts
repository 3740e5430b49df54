import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HistoryQuery, HistoryValues, ReadingBatch } from '../../src/devices/telemetry-store.ts';
import {
  TelemetryFiles,
  type TelemetryFilesOptions,
} from '../../src/store/sqlite/telemetry/telemetry-files.ts';
import { TelemetryQuestion } from '../../src/store/sqlite/telemetry/telemetry-question.ts';

export const DAY_MS = 86_400_000;
export const DAY = Date.parse('2026-11-22T00:00:00.000Z');

type Limits = Omit<TelemetryFilesOptions, 'folder'>;
type Readings = readonly (readonly [time: number, value: number])[];

/** Nothing is old, and nothing too much. */
export const FILES_LIMITS: Limits = {
  maxFileBytes: 1e9,
  maxBytes: 1e9,
  rawDays: 10_000,
  retentionDays: 10_000,
  maxBufferBytes: 1e9,
};

/** Readings of one metric of a pump, which came together. */
export function pumpBatch(at: number, readings: Readings, metric = 'bar'): ReadingBatch {
  return {
    at,
    isFresh: true,
    series: [{ number: 0, deviceId: 'pump', metric }],
    numbers: new Uint32Array(readings.length),
    times: Float64Array.from(readings, ([time]) => time),
    values: Float64Array.from(readings, ([, value]) => value),
  };
}

/** A folder of files, which can be left as a process leaves them that is killed. */
export class FilesRig {
  readonly folder: string;
  readonly #limits: Limits;
  files: TelemetryFiles;

  constructor(t: TestContext, limits: Partial<Limits> = {}, folder?: string) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'recado-telemetry-'));
    this.#limits = { ...FILES_LIMITS, ...limits };
    this.files = this.#open();
    t.after(() => {
      this.files.close();
      if (folder === undefined) rmSync(this.folder, { recursive: true });
    });
  }

  /** As after a SIGKILL: nothing is closed, and the files are opened anew. */
  kill(): void {
    this.files = this.#open();
  }

  /** Another one, over what a SIGKILL would leave now. */
  copy(t: TestContext): FilesRig {
    const folder = mkdtempSync(join(tmpdir(), 'recado-telemetry-'));
    cpSync(this.folder, folder, { recursive: true });
    const copy = new FilesRig(t, this.#limits, folder);
    t.after(() => rmSync(folder, { recursive: true }));
    return copy;
  }

  restart(): void {
    this.files.close();
    this.files = this.#open();
  }

  get names(): string[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.db'))
      .sort();
  }

  append(at: number, readings: Readings, metric?: string): void {
    this.files.append(pumpBatch(at, readings, metric));
  }

  /** Makes minutes of all that is due; in how many steps. */
  coarsen(): number {
    let steps = 0;
    for (; this.files.isDue; steps++) this.files.coarsen();
    return steps;
  }

  ask(query: Partial<HistoryQuery> = {}): HistoryValues {
    const whole = { deviceId: 'pump', metric: 'bar', from: 0, to: 9e15, by: undefined, limit: 1e6 };
    return new TelemetryQuestion(this.files, { ...whole, ...query }).goOn(Number.POSITIVE_INFINITY)!;
  }

  values(): number[] {
    return [...this.ask().values];
  }

  count(): number {
    return this.ask({ by: { everyMs: 9e15, fn: 'count' }, limit: 10 }).values[0] ?? 0;
  }

  #open(): TelemetryFiles {
    return new TelemetryFiles({ folder: this.folder, ...this.#limits });
  }
}
