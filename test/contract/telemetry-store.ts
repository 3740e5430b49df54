import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type {
  HistoryFunction,
  HistoryQuery,
  ReadingBatch,
  SeriesName,
  TelemetryStore,
} from '../../src/devices/telemetry-store.ts';

/** Midnight of a day, UTC. */
export const DAY = Date.parse('2026-11-22T00:00:00.000Z');
const MINUTE = 60_000;

export type Written = {
  readonly deviceId?: string;
  readonly metric?: string;
  readonly time: number;
  readonly value: number;
};

/** Writes readings as the hub does: series by number, from the first batch on. */
export class BatchWriter {
  readonly #store: TelemetryStore;
  readonly #numbers = new Map<string, number>();
  #isFresh = true;

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  async write(readings: readonly Written[], at = DAY): Promise<boolean> {
    const series: SeriesName[] = [];
    const numbers = readings.map(({ deviceId = 'pump', metric = 'bar' }) => {
      const key = `${deviceId} ${metric}`;
      const number = this.#numbers.get(key) ?? this.#numbers.size;
      if (number === this.#numbers.size) series.push({ number, deviceId, metric });
      this.#numbers.set(key, number);
      return number;
    });
    const batch: ReadingBatch = {
      at,
      isFresh: this.#isFresh,
      series,
      numbers: Uint32Array.from(numbers),
      times: Float64Array.from(readings, ({ time }) => time),
      values: Float64Array.from(readings, ({ value }) => value),
    };
    this.#isFresh = false;
    return (await this.#store.write(batch)).isKept;
  }
}

/** Values by time from the beginning of the day, in ms. */
export async function readHistory(
  store: TelemetryStore,
  query: Partial<HistoryQuery> & { every?: number; fn?: HistoryFunction } = {},
): Promise<{ values: [time: number, value: number][]; next: number | undefined }> {
  const { every, fn = 'avg', ...rest } = query;
  const by = every === undefined ? undefined : { everyMs: every, fn };
  const whole = {
    deviceId: 'pump',
    metric: 'bar',
    from: DAY,
    to: DAY + 86_400_000,
    by,
    limit: 100_000,
    ...rest,
  };
  const read = await store.read(whole);
  assert.ok(read !== undefined);
  const values = [...read.times].map((time, index): [number, number] => [time - DAY, read.values[index]!]);
  return { values, next: read.next === undefined ? undefined : read.next - DAY };
}

/** What every store of readings owes to the hub. */
export function describeTelemetryStore(
  name: string,
  open: (t: TestContext) => TelemetryStore | Promise<TelemetryStore>,
): void {
  describe(`telemetry in ${name}`, () => {
    it('is read as it was written, by device and metric, in the order of its times', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      await writer.write([
        { time: DAY + 5, value: 1.25 },
        { time: DAY + 5, value: -3, metric: 'flow' },
        { time: DAY + 1, value: 2 },
        { time: DAY + 5, value: 9, deviceId: 'valve' },
      ]);
      await writer.write([
        { time: DAY + 3, value: 0 },
        { time: DAY + 3, value: 1e300 },
      ]);
      const values = [
        [1, 2],
        [3, 1e300],
        [5, 1.25],
      ];
      assert.deepEqual((await readHistory(store)).values, values);
      assert.deepEqual((await readHistory(store, { metric: 'flow' })).values, [[5, -3]]);
      assert.deepEqual((await readHistory(store, { deviceId: 'valve' })).values, [[5, 9]]);
      assert.deepEqual((await readHistory(store, { deviceId: 'nobody' })).values, []);
      assert.deepEqual((await readHistory(store, { metric: 'nothing' })).values, []);
    });

    it('has its bounds: from the first time on, before the second', async (t) => {
      const store = await open(t);
      await new BatchWriter(store).write([10, 20, 30, 40].map((time) => ({ time: DAY + time, value: time })));
      const { values } = await readHistory(store, { from: DAY + 20, to: DAY + 40 });
      assert.deepEqual(values, [
        [20, 20],
        [30, 30],
      ]);
    });

    it('comes in pages', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      // Out of order, in many batches.
      const times = Array.from({ length: 5000 }, (_, index) => (index * 1237) % 5000);
      for (let from = 0; from < 5000; from += 500)
        await writer.write(times.slice(from, from + 500).map((time) => ({ time: DAY + time, value: time })));
      const read: number[] = [];
      let from: number | undefined = 0;
      while (from !== undefined) {
        const page: Awaited<ReturnType<typeof readHistory>> = await readHistory(store, {
          from: DAY + from,
          limit: 700,
        });
        read.push(...page.values.map(([time]) => time));
        from = page.next;
      }
      assert.deepEqual(
        read,
        times.toSorted((a, b) => a - b),
      );
    });

    it('has of two readings at the same time the later one, also of many that came out of order', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      // The clock went back by 100 ms between them.
      for (const [begin, value] of [
        [1000, 1],
        [900, 2],
      ] as const)
        await writer.write(
          Array.from({ length: 1100 }, (_, index) => ({ time: DAY + begin + index, value })),
        );
      const moment = { from: DAY + 1500, to: DAY + 1501 };
      assert.deepEqual((await readHistory(store, moment)).values, [[1500, 2]]);
      const count = { ...moment, every: 1, fn: 'count' } as const;
      assert.deepEqual((await readHistory(store, { ...moment, every: 1, fn: 'last' })).values, [[1500, 2]]);
      assert.deepEqual((await readHistory(store, count)).values, [[1500, 2]]);
    });

    it('comes to numbers, however large the readings are', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      const largest = Number.MAX_VALUE;
      const many = (time: number, value: number): Promise<boolean> =>
        writer.write(Array.from({ length: 1100 }, (_, index) => ({ time: DAY + time + index, value })));
      await many(0, largest);
      const minute = { every: MINUTE, limit: 1 };
      assert.deepEqual((await readHistory(store, { ...minute, fn: 'avg' })).values, [[0, largest]]);
      assert.deepEqual((await readHistory(store, { ...minute, fn: 'sum' })).values, [[0, largest]]);
      await many(2000, -largest);
      for (const fn of ['avg', 'sum'] as const)
        assert.ok(Number.isFinite((await readHistory(store, { ...minute, fn })).values[0]![1]), fn);
    });

    it('comes by stretches of time, with what each comes to; gaps are gaps', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      await writer.write([
        { time: DAY + 10, value: 4 },
        { time: DAY + 59_999, value: 1 },
        { time: DAY + 20, value: 7 },
      ]);
      await writer.write([{ time: DAY + 3 * MINUTE, value: 8 }]);
      const expected = { avg: 4, min: 1, max: 7, sum: 12, count: 3, first: 4, last: 1 };
      for (const [fn, value] of Object.entries(expected)) {
        const { values } = await readHistory(store, { every: MINUTE, fn: fn as HistoryFunction });
        assert.deepEqual(
          values,
          [
            [0, value],
            [3 * MINUTE, fn === 'count' ? 1 : 8],
          ],
          fn,
        );
      }
      const { values, next } = await readHistory(store, { every: MINUTE, limit: 1 });
      assert.deepEqual([values, next], [[[0, 4]], 3 * MINUTE]);
    });

    it('comes to the same by stretches, however many there are', async (t) => {
      const store = await open(t);
      const writer = new BatchWriter(store);
      const value = (second: number): number => (second * 7919) % 1000;
      const seconds = Array.from({ length: 20_000 }, (_, second) => second);
      for (let from = 0; from < seconds.length; from += 2500)
        await writer.write(
          seconds
            .slice(from, from + 2500)
            .map((second) => ({ time: DAY + second * 1000, value: value(second) })),
        );
      for (const every of [MINUTE, 15 * MINUTE, 6 * 60 * MINUTE]) {
        const { values } = await readHistory(store, { every, fn: 'sum' });
        const sums = new Map<number, number>();
        for (const second of seconds) {
          const at = Math.floor((second * 1000) / every) * every;
          sums.set(at, (sums.get(at) ?? 0) + value(second));
        }
        assert.deepEqual(values, [...sums]);
      }
    });
  });
}
