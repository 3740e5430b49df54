import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReadingBatch } from '../../src/devices/telemetry-store.ts';
import { MemoryTelemetryStore } from '../../src/devices/memory-telemetry-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { SqliteTelemetryStore } from '../../src/store/sqlite/telemetry/sqlite-telemetry-store.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
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
