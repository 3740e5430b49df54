import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReadingBatch } from '../../src/devices/telemetry-store.ts';
import { MemoryTelemetryStore } from '../../src/devices/memory-telemetry-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { SqliteTelemetryStore } from '../../src/store/sqlite/telemetry/sqlite-telemetry-store.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { DAY_MS, FILES_LIMITS, FilesRig, pumpBatch } from '../helpers/telemetry-files-rig.ts';
import { BatchWriter, DAY, describeTelemetryStore, readHistory } from './telemetry-store.ts';

const LIMITS = { maxFileBytes: 1e9, maxBytes: 1e9, rawDays: 30, retentionDays: 30, maxBufferBytes: 1e8 };

describeTelemetryStore('memory', () => new MemoryTelemetryStore({ maxReadings: 1_000_000 }));

describeTelemetryStore('SQLite', (t) => {
  const store = new SqliteTelemetryStore({ folder: new TestFolder(t).path, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  return store;
});

// Files that are full at once: what is asked for lies in many.
describeTelemetryStore('many files of SQLite', (t) => {
  const folder = new TestFolder(t).path;
  const store = new SqliteTelemetryStore({ folder, ...LIMITS, maxFileBytes: 1 }, silentLogger);
  t.after(() => store.close());
  return store;
});

test('what numbers mean is known though the folder could not be read when it was told', async (t) => {
  const folder = join(new TestFolder(t).path, 'not yet');
  const store = new SqliteTelemetryStore({ folder, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  const batch = (at: number): ReadingBatch => ({
    at,
    isFresh: at === 1000,
    series: at === 1000 ? [{ number: 0, deviceId: 'pump', metric: 'bar' }] : [],
    numbers: new Uint32Array(1),
    times: Float64Array.of(at),
    values: Float64Array.of(at),
  });
  assert.deepEqual(await store.write(batch(1000)), { isKept: false });
  mkdirSync(folder);
  assert.deepEqual(await store.write(batch(2000)), { isKept: true });
  const all = { deviceId: 'pump', metric: 'bar', from: 0, to: 9e15, by: undefined, limit: 10 };
  assert.deepEqual([...(await store.read(all))!.values], [2000]);
});

test('what is to be written waits for one question, not for all', async (t) => {
  const store = new SqliteTelemetryStore({ folder: new TestFolder(t).path, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  const writer = new BatchWriter(store);
  await writer.write([{ time: DAY, value: 1 }]);
  const order: string[] = [];
  const ask = async (name: string): Promise<void> => {
    await readHistory(store);
    order.push(name);
  };
  const asked = [ask('first'), ask('second'), ask('third')];
  await writer.write([{ time: DAY + 1, value: 2 }]);
  order.push('written');
  await Promise.all(asked);
  assert.ok(order.indexOf('written') < order.indexOf('second'), String(order));
});

test('what is to be written comes between the slices of one that takes long; one whose asker has left ends', async (t) => {
  const store = new SqliteTelemetryStore({ folder: new TestFolder(t).path, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  const writer = new BatchWriter(store);
  const many = 400_000;
  for (let from = 0; from < many; from += 50_000)
    await writer.write(
      Array.from({ length: 50_000 }, (_, index) => ({ time: DAY + from + index, value: 1 })),
    );
  const order: string[] = [];
  const each = { every: 1, fn: 'count' } as const;
  const asked = readHistory(store, { ...each, limit: 10 }).then(({ values }) => {
    order.push('answered');
    return values;
  });
  for (const time of [many, many + 1]) {
    await writer.write([{ time: DAY + time, value: 2 }]);
    order.push('written');
  }
  assert.equal((await asked).length, 10);
  assert.deepEqual(order, ['written', 'written', 'answered']);
  const leaving = new AbortController();
  const query = { deviceId: 'pump', metric: 'bar', from: 0, to: 9e15, limit: 10 };
  const left = store.read({ ...query, by: { everyMs: 1, fn: 'count' } }, leaving.signal);
  leaving.abort();
  assert.equal(await left, undefined);
  const last = store.read({ ...query, from: DAY + many + 1, by: undefined });
  assert.deepEqual([...(await last)!.values], [2]);
});

test('old history is made minutes of beside what is written, and goes on after a close in the middle', async (t) => {
  const rig = new FilesRig(t, { rawDays: 1 });
  const day = Array.from({ length: 86_400 }, (_, second) => [DAY + second * 1000, second] as const);
  for (const metric of ['bar', 'flow', 'level']) rig.append(DAY, day, metric);
  rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 5]]);
  rig.files.close();
  const limits = { ...FILES_LIMITS, rawDays: 1, folder: rig.folder };
  const open = (): SqliteTelemetryStore => new SqliteTelemetryStore(limits, silentLogger);
  const batch = (at: number): ReadingBatch => pumpBatch(at, [[at, 6]], 'flow');
  const first = open();
  assert.deepEqual(await first.write(batch(DAY + 2 * DAY_MS)), { isKept: true });
  await first.close();
  assert.equal(first.kept?.minutes.files, 0);
  assert.deepEqual(
    readdirSync(rig.folder).filter((name) => !/^telemetry-2026-11-2[2-4]\.001\.db$/.test(name)),
    [],
  );
  const second = open();
  t.after(() => second.close());
  await second.write(batch(DAY + 2 * DAY_MS + 1));
  const sums = { every: DAY_MS, fn: 'sum', to: DAY + DAY_MS } as const;
  for (let at = DAY + 2 * DAY_MS + 2; second.kept?.minutes.files === 0; at++) {
    assert.deepEqual((await readHistory(second, sums)).values, [[0, 3_732_436_800]]);
    await second.write(batch(at));
  }
  assert.deepEqual((await readHistory(second, sums)).values, [[0, 3_732_436_800]]);
  assert.equal(second.kept?.minutes.files, 1);
});

test('a question that failed says how it stands until the next one', async (t) => {
  const folder = new TestFolder(t);
  const first = new SqliteTelemetryStore({ folder: folder.path, ...LIMITS }, silentLogger);
  await new BatchWriter(first).write([{ time: DAY, value: 1 }]);
  await first.close();
  folder.write('telemetry-2026-11-22.001.db', 'this is no database'.repeat(1000));
  const store = new SqliteTelemetryStore({ folder: folder.path, ...LIMITS }, silentLogger);
  t.after(() => store.close());
  const all = { deviceId: 'pump', metric: 'bar', from: 0, to: 9e15, by: undefined, limit: 10 };
  assert.equal(await store.read(all), undefined);
  assert.equal(store.health.state, 'failing');
  assert.deepEqual([...(await store.read(all))!.values], []);
  assert.equal(store.health.state, 'ready');
});

test('memory has no more readings than it may, also of one batch', async () => {
  const store = new MemoryTelemetryStore({ maxReadings: 1000 });
  await new BatchWriter(store).write(
    Array.from({ length: 20_000 }, (_, time) => ({ time: DAY + time, value: time })),
  );
  const { values } = await readHistory(store);
  assert.ok(values.length > 400 && values.length <= 1000, String(values.length));
  assert.deepEqual(values.at(-1), [19_999, 19_999]);
});
