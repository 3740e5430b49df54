import assert from 'node:assert/strict';
import { readdirSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, test } from 'node:test';
import { SeriesBuffer } from '../../src/store/sqlite/telemetry/series-buffer.ts';
import { DAY, DAY_MS, FilesRig } from '../helpers/telemetry-files-rig.ts';

describe('files of history', () => {
  it('have each reading once, whenever the process is killed', (t) => {
    const rig = new FilesRig(t);
    let written = 0;
    // Chunks are made on the way, of 1,024 and a few more.
    for (let batch = 0; batch < 40; batch++) {
      const size = 1 + ((batch * 37) % 211);
      rig.append(
        DAY + batch,
        Array.from({ length: size }, () => [DAY + written, written++] as const),
      );
      if (batch % 3 === 0) rig.kill();
      if (batch % 7 === 0) rig.restart();
      assert.equal(rig.count(), written, `after batch ${batch}`);
    }
    assert.deepEqual(
      rig.values(),
      Array.from({ length: written }, (_, value) => value),
    );
  });

  it('begin anew with each day, and when one is full', (t) => {
    const rig = new FilesRig(t);
    rig.append(DAY, [[DAY, 1]]);
    rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 2]]);
    assert.deepEqual(rig.names, ['telemetry-2026-11-22.001.db', 'telemetry-2026-11-23.001.db']);
    const full = new FilesRig(t, { maxFileBytes: 1 });
    for (const value of [1, 2, 3]) full.append(DAY, [[DAY + value, value]]);
    assert.deepEqual(
      full.names.map((name) => name.slice(-6)),
      ['001.db', '002.db', '003.db'],
    );
    assert.deepEqual(full.values(), [1, 2, 3]);
  });

  it('take what comes late, and what comes after the clock went back, in the last file', (t) => {
    const rig = new FilesRig(t);
    rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 2]]);
    rig.append(DAY, [[DAY - 5 * DAY_MS, 1]]);
    assert.deepEqual(rig.names, ['telemetry-2026-11-23.001.db']);
    assert.deepEqual(rig.values(), [1, 2]);
    rig.append(DAY + 2 * DAY_MS, [[DAY + 2 * DAY_MS, 3]]);
    assert.deepEqual(rig.values(), [1, 2, 3]);
  });

  it('go when they are too old, the last one never', (t) => {
    const rig = new FilesRig(t, { retentionDays: 2 });
    for (const day of [0, 1, 2, 3]) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    assert.deepEqual(rig.values(), [1, 2, 3]);
    assert.equal(rig.names.length, 3);
    for (const day of [100, 101]) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    assert.deepEqual(rig.values(), [100, 101]);
    assert.equal(
      readdirSync(rig.folder).some((name) => name.startsWith('telemetry-2026-11')),
      false,
    );
  });

  it('stay when the clock leaps forward; when it is set right, what comes goes in its time', (t) => {
    const rig = new FilesRig(t, { retentionDays: 2 });
    rig.append(DAY, [[DAY, 1]]);
    rig.append(DAY + 30_000 * DAY_MS, [[DAY + 1, 2]]);
    assert.deepEqual(rig.values(), [1, 2]);
    rig.append(DAY, [[DAY + 2, 3]]);
    rig.restart();
    for (const day of [1, 2, 3, 4]) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day + 3]]);
    assert.deepEqual(rig.names, [
      'telemetry-2026-11-24.001.db',
      'telemetry-2026-11-25.001.db',
      'telemetry-2026-11-26.001.db',
      'telemetry-2109-01-11.001.db',
    ]);
    assert.deepEqual(rig.values(), [2, 5, 6, 7]);
  });

  it('are in their order beyond the thousandth of a day', (t) => {
    const rig = new FilesRig(t, { maxFileBytes: 1 });
    rig.append(DAY, [[DAY, 1]]);
    rig.files.close();
    renameSync(join(rig.folder, rig.names[0]!), join(rig.folder, 'telemetry-2026-11-22.999.db'));
    rig.restart();
    rig.append(DAY, [[DAY, 2]]);
    rig.restart();
    rig.append(DAY, [[DAY, 3]]);
    assert.ok(rig.names.includes('telemetry-2026-11-22.1001.db'));
    assert.deepEqual([rig.values(), rig.count()], [[3], 3]);
  });

  it('have less than all may have, also where a single one might have more', (t) => {
    const rig = new FilesRig(t, { maxBytes: 400_000 });
    for (let batch = 0; batch < 100; batch++)
      rig.append(
        DAY,
        Array.from({ length: 1024 }, (_, index) => [DAY + batch * 1024 + index, Math.sin(index)] as const),
      );
    rig.files.close();
    const bytes = rig.names.reduce((sum, name) => sum + statSync(join(rig.folder, name)).size, 0);
    assert.ok(bytes < 400_000, String(bytes));
    assert.ok(rig.names.length > 1, String(rig.names));
  });

  it('are not begun by a question', (t) => {
    const rig = new FilesRig(t);
    rig.append(DAY, [[DAY, 1]]);
    const empty = join(rig.folder, 'telemetry-2026-11-21.001.db');
    writeFileSync(empty, '');
    rig.restart();
    assert.deepEqual(rig.values(), [1]);
    assert.equal(statSync(empty).size, 0);
  });

  it('go when all have too much, the oldest first', (t) => {
    const rig = new FilesRig(t, { maxBytes: 150_000 });
    for (let day = 0; day < 10; day++) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    const values = rig.values();
    assert.ok(values.length > 1 && values.length < 10, String(values));
    assert.deepEqual(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].slice(-values.length));
  });

  it('are left as they are when they are of a newer version; the others go on', (t) => {
    const rig = new FilesRig(t);
    for (const day of [0, 1]) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    rig.files.close();
    for (const name of rig.names) {
      const db = new DatabaseSync(join(rig.folder, name));
      db.exec('PRAGMA user_version = 99');
      db.close();
    }
    rig.restart();
    const append = (): void => rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 2]]);
    assert.throws(append, /newer Recado/);
    append();
    assert.throws(() => rig.values(), /newer Recado/);
    assert.deepEqual(rig.values(), [2]);
    assert.equal(rig.names.length, 3);
  });

  it('that are damaged stay as long as history, and not too many of them', (t) => {
    const rig = new FilesRig(t, { retentionDays: 3, maxBytes: 400_000 });
    const damage = (day: number): void => {
      rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
      rig.files.close();
      const name = rig.names.at(-1)!;
      writeFileSync(join(rig.folder, name), Buffer.alloc(40_000, 'no database'));
      rig.restart();
      assert.throws(() => rig.count());
    };
    const left = (): string[] =>
      readdirSync(rig.folder)
        .filter((name) => name.endsWith('.damaged'))
        .toSorted();
    damage(0);
    damage(1);
    assert.deepEqual(left(), ['telemetry-2026-11-22.001.db.damaged', 'telemetry-2026-11-23.001.db.damaged']);
    damage(2);
    // Three have more than a quarter of what all history may have.
    rig.append(DAY + 3 * DAY_MS, [[DAY + 3 * DAY_MS, 3]]);
    assert.deepEqual(left(), ['telemetry-2026-11-23.001.db.damaged', 'telemetry-2026-11-24.001.db.damaged']);
    for (let day = 4; day < 9; day++) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    assert.deepEqual(left(), []);
  });

  it('are set aside when they are damaged; the others go on', (t) => {
    const rig = new FilesRig(t);
    for (const day of [0, 1, 2]) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, day]]);
    rig.restart();
    writeFileSync(join(rig.folder, 'telemetry-2026-11-23.001.db'), 'this is no database'.repeat(1000));
    assert.throws(() => rig.values(), /not a database/);
    assert.deepEqual(rig.values(), [0, 2]);
    assert.ok(readdirSync(rig.folder).includes('telemetry-2026-11-23.001.db.damaged'));
    rig.restart();
    truncateSync(join(rig.folder, 'telemetry-2026-11-24.001.db'), 5000);
    const again = (): void => rig.append(DAY + 2 * DAY_MS, [[DAY + 2 * DAY_MS, 22]]);
    assert.throws(again);
    again();
    assert.deepEqual(rig.values(), [0, 22]);
  });
});

test('a series that has nothing takes no room', () => {
  const room = { bytes: 0 };
  const buffer = new SeriesBuffer(1, room);
  for (let time = 0; time < 5000; time++) buffer.add(time, time);
  assert.ok(room.bytes >= 5000 * 16 && room.bytes <= 2 * 5000 * 16, String(room.bytes));
  buffer.clear();
  assert.equal(room.bytes, 0);
  assert.equal(buffer.times.buffer.byteLength + buffer.values.buffer.byteLength, 0);
  buffer.add(1, 2);
  assert.deepEqual([[...buffer.times], [...buffer.values]], [[1], [2]]);
});

describe('a file of history with many series', () => {
  const SERIES = 3000;
  const MANY = Array.from({ length: SERIES }, (_, number) => number);
  /** One reading of each. */
  const appendAll = (rig: FilesRig, at: number): void =>
    rig.files.append({
      at,
      isFresh: true,
      series: MANY.map((number) => ({ number, deviceId: 'pump', metric: `m${number}` })),
      numbers: Uint32Array.from(MANY),
      times: new Float64Array(SERIES).fill(at),
      values: Float64Array.from(MANY),
    });
  const countOf = (rig: FilesRig, what: string): number => {
    const db = new DatabaseSync(join(rig.folder, rig.names[0]!), { readOnly: true });
    const count = Number(db.prepare(`SELECT count(*) AS count FROM ${what}`).get()!['count']);
    db.close();
    return count;
  };
  /** Of readings at the same time, only the last would be told. */
  const COUNTED = { by: { everyMs: 9e15, fn: 'count' as const }, limit: 10 };
  const expectAll = (rig: FilesRig, count: number): void => {
    for (const number of [0, 1500, SERIES - 1])
      assert.deepEqual([...rig.ask({ metric: `m${number}`, ...COUNTED }).values], [count], `m${number}`);
  };

  it('gets its chunks piece by piece, and loses nothing when it ends between two', (t) => {
    const rig = new FilesRig(t);
    appendAll(rig, DAY);
    for (let batch = 1; batch <= 4; batch++) {
      appendAll(rig, DAY + 900_000 + batch);
      assert.equal(countOf(rig, 'chunk'), Math.min(batch * 1000, SERIES), `after ${batch} more`);
      expectAll(rig, 1 + batch);
      expectAll(rig.copy(t), 1 + batch);
    }
    assert.equal(countOf(rig, 'hot'), 3, 'batches that came meanwhile');
  });

  it('gets the rest of them when its day is over, piece by piece too', (t) => {
    const rig = new FilesRig(t);
    appendAll(rig, DAY);
    rig.append(DAY + DAY_MS, [[DAY + DAY_MS, 1]]);
    assert.deepEqual([countOf(rig, 'chunk'), countOf(rig, 'hot')], [0, 1]);
    rig.files.coarsen();
    assert.equal(countOf(rig, 'chunk'), 1000);
    expectAll(rig, 1);
    // A question between two pieces has read what gets a chunk after it.
    rig.files.coarsen();
    expectAll(rig, 1);
    rig.coarsen();
    assert.deepEqual([countOf(rig, 'chunk'), countOf(rig, 'hot')], [SERIES, 0]);
    expectAll(rig, 1);
  });
});
