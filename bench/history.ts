import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLogger } from '../src/base/logger.ts';
import type { ReadingBatch, SeriesName } from '../src/devices/telemetry-store.ts';
import { SqliteTelemetryStore } from '../src/store/sqlite/telemetry/sqlite-telemetry-store.ts';
import type { Bar } from './bars.ts';
import { median, printTable } from './print-table.ts';

const READINGS = 10_000_000;
const BATCH = 50_000;
const SERIES = 1000;
const DAY_MS = 86_400_000;
const DAY = Date.parse('2026-11-22T00:00:00.000Z');
const ASKED = 9;

const MIN_PER_SECOND = 50_000;
const MAX_BYTES = 24;
const MAX_ASK_MS = 20;

/** Ten million readings of a thousand metrics, and a day of one that comes each second: how fast, how large, how soon read. */
export async function benchHistory(): Promise<readonly Bar[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'recado-history-'));
  const limits = { maxFileBytes: 1e12, maxBytes: 1e12, rawDays: 30, retentionDays: 30, maxBufferBytes: 1e8 };
  const store = new SqliteTelemetryStore({ folder, ...limits }, silentLogger);
  try {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (let number = 0; number < READINGS / BATCH; number++) await store.write(batchOf(number));
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    await store.write(dayOf());
    const askedMs = await ask(store);
    await store.close();
    const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
    const perSecond = READINGS / seconds;
    const bytesEach = bytes / (READINGS + DAY_MS / 1000);
    printTable(
      `${READINGS / 1e6} million readings of ${SERIES} metrics`,
      ['readings/s', 'CPU µs each', 'bytes each', 'a day as every=1m, ms'],
      [[perSecond, (user + system) / READINGS, bytesEach, askedMs]],
    );
    return [
      barOf('readings/s', perSecond >= MIN_PER_SECOND, perSecond.toFixed(0), `at least ${MIN_PER_SECOND}`),
      barOf('bytes a reading', bytesEach <= MAX_BYTES, bytesEach.toFixed(1), `at most ${MAX_BYTES}`),
      barOf('a day as every=1m', askedMs < MAX_ASK_MS, `${askedMs.toFixed(1)} ms`, `under ${MAX_ASK_MS} ms`),
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

function barOf(figure: string, met: boolean, measured: string, wanted: string): Bar {
  return { figure, met, measured, wanted };
}

/** A second of readings, 50 of each metric: they wander, with two decimals. */
function batchOf(number: number): ReadingBatch {
  const series: SeriesName[] = [];
  if (number === 0)
    for (let each = 0; each < SERIES; each++)
      series.push({
        number: each,
        deviceId: `device-${each % 100}`,
        metric: `metric-${Math.floor(each / 100)}`,
      });
  const at = (index: number): number => DAY + number * 1000 + Math.floor(index / SERIES) * 20;
  return {
    at: DAY + number * 1000,
    isFresh: number === 0,
    series,
    numbers: Uint32Array.from({ length: BATCH }, (_, index) => index % SERIES),
    times: Float64Array.from({ length: BATCH }, (_, index) => at(index) + Math.floor(Math.random() * 20)),
    values: Float64Array.from({ length: BATCH }, () => Math.round(2000 + Math.random() * 500) / 100),
  };
}

function dayOf(): ReadingBatch {
  const count = DAY_MS / 1000;
  return {
    at: DAY + (READINGS / BATCH) * 1000,
    isFresh: false,
    series: [{ number: SERIES, deviceId: 'pump', metric: 'bar' }],
    numbers: new Uint32Array(count).fill(SERIES),
    times: Float64Array.from({ length: count }, (_, second) => DAY + second * 1000),
    values: Float64Array.from(
      { length: count },
      (_, second) => Math.round(Math.sin(second / 500) * 1000) / 100,
    ),
  };
}

async function ask(store: SqliteTelemetryStore): Promise<number> {
  const by = { everyMs: 60_000, fn: 'avg' } as const;
  const took: number[] = [];
  for (let count = 0; count < ASKED; count++) {
    const startedAt = performance.now();
    const read = await store.read({
      deviceId: 'pump',
      metric: 'bar',
      from: DAY,
      to: DAY + DAY_MS,
      by,
      limit: 10_000,
    });
    took.push(performance.now() - startedAt);
    if (read?.times.length !== 1440)
      throw new Error(`a day has 1,440 minutes, and not ${read?.times.length}`);
  }
  return median(took);
}
