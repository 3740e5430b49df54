import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { HISTORY_FUNCTIONS, type HistoryFunction } from '../../src/devices/telemetry-store.ts';
import { holdsMinutes } from '../../src/store/sqlite/telemetry/minute-file.ts';
import { DAY, DAY_MS, FilesRig } from '../helpers/telemetry-files-rig.ts';
import { SmallDisk, whyNoSmallDisk } from '../helpers/small-disk.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const SECOND = 1000;

type Known = { readonly metric: string; readonly time: number; readonly value: number };

/** The same numbers in each run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What readings come to, told plainly. */
const PLAIN: Readonly<Record<HistoryFunction, (values: readonly number[]) => number>> = {
  avg: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  count: (values) => values.length,
  first: (values) => values[0]!,
  last: (values) => values.at(-1)!,
};

function plainly(
  known: readonly Known[],
  {
    metric,
    from,
    to,
    every,
    fn,
  }: { metric: string; from: number; to: number; every: number; fn: HistoryFunction },
): [number, number][] {
  const wanted = known.filter((each) => each.metric === metric && each.time >= from && each.time < to);
  const stretches = Map.groupBy(
    wanted.toSorted((a, b) => a.time - b.time),
    ({ time }) => Math.floor(time / every) * every,
  );
  return [...stretches].map(([time, each]) => [time, PLAIN[fn](each.map(({ value }) => value))]);
}

/** A day of one reading each second, in one file. */
function fillDay(rig: FilesRig, day: number, metric = 'bar'): number {
  const begin = DAY + day * DAY_MS;
  const seconds = Array.from({ length: 6000 }, (_, second) => second);
  rig.append(
    begin,
    seconds.map((second) => [begin + second * SECOND, second % 997] as const),
    metric,
  );
  return seconds.length;
}

/** One reading of another metric on each day from here on. */
function pass(rig: FilesRig, ...days: readonly number[]): void {
  for (const day of days) rig.append(DAY + day * DAY_MS, [[DAY + day * DAY_MS, 5]], 'flow');
}

function grains(rig: FilesRig): ('minutes' | 'readings')[] {
  return rig.names.map((name) => (holdsMinutes(join(rig.folder, name)) ? 'minutes' : 'readings'));
}

/** Until minutes of the oldest file are being written: others are done with before. */
function beginMinutes(rig: FilesRig): void {
  const isBegun = (): boolean => readdirSync(rig.folder).some((name) => name.endsWith('.db.minutes'));
  while (rig.files.isDue && !isBegun()) rig.files.coarsen();
  assert.ok(isBegun());
}

describe('old history by the minute', () => {
  it('comes to the same as each reading, with clocks that jump and readings that come late', (t) => {
    const random = randomNumbers(20_261_122);
    const rig = new FilesRig(t, { rawDays: 2 });
    const known: Known[] = [];
    const taken = new Set<string>();
    let now = DAY;
    for (let batch = 0; batch < 250; batch++) {
      // Some hours on; now and then the clock is set back, or forward for a while.
      now += random(2 * HOUR);
      const at = batch % 37 === 5 ? now - random(3 * DAY_MS) : batch % 41 === 7 ? now + random(DAY_MS) : now;
      for (const metric of ['bar', 'flow', 'level']) {
        const readings: [number, number][] = [];
        for (let count = random(40); count >= 0; count--) {
          const time = random(20) === 0 ? DAY + random(30 * DAY_MS) : at - random(random(3) * MINUTE + 1);
          if (taken.has(`${metric} ${time}`)) continue;
          taken.add(`${metric} ${time}`);
          const value = random(2_000_001) - 1_000_000;
          readings.push([time, value]);
          known.push({ metric, time, value });
        }
        if (readings.length > 0) rig.append(at, readings, metric);
      }
      if (batch % 40 === 20) rig.coarsen();
      if (batch % 90 === 60) rig.restart();
    }
    rig.coarsen();
    assert.ok(grains(rig).filter((grain) => grain === 'minutes').length > 5, grains(rig).join(' '));
    assert.ok(grains(rig).includes('readings'));
    for (let question = 0; question < 100; question++) {
      const metric = ['bar', 'flow', 'level'][random(3)]!;
      const every = MINUTE * [1, 1, 5, 7, 15, 60, 1440, 10_080][random(8)]!;
      const from = DAY - DAY_MS + random(33 * 1440) * MINUTE;
      const to = from + (1 + random(20_000)) * MINUTE;
      const fn = HISTORY_FUNCTIONS[random(HISTORY_FUNCTIONS.length)]!;
      const limit = 20 + random(2000);
      const found: [number, number][] = [];
      for (let next: number | undefined = from; next !== undefined;) {
        const page: ReturnType<FilesRig['ask']> = rig.ask({
          metric,
          from: next,
          to,
          by: { everyMs: every, fn },
          limit,
        });
        assert.ok(page.times.length <= limit);
        found.push(...[...page.times].map((time, index): [number, number] => [time, page.values[index]!]));
        next = page.next;
      }
      assert.deepEqual(
        found,
        plainly(known, { metric, from, to, every, fn }),
        `${metric} ${fn} every ${every}`,
      );
    }
  });

  it('is smaller, and says what it is', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    fillDay(rig, 0);
    pass(rig, 1);
    rig.append(DAY + 2 * DAY_MS, [[DAY + 2 * DAY_MS, 5]]);
    const path = join(rig.folder, rig.names[0]!);
    const before = statSync(path).size;
    assert.deepEqual(rig.files.kept.minutes, { files: 0, bytes: 0 });
    rig.coarsen();
    assert.deepEqual(grains(rig), ['minutes', 'readings', 'readings']);
    assert.ok(statSync(path).size < before / 2, `${before} → ${statSync(path).size}`);
    assert.deepEqual(rig.files.kept.minutes, { files: 1, bytes: statSync(path).size });
    assert.deepEqual(
      readdirSync(rig.folder).filter((name) => name.startsWith(rig.names[0]!)),
      [rig.names[0]],
    );
    const each = rig.ask();
    assert.deepEqual([each.resolutionMs, each.times.length], [MINUTE, 101]);
    assert.deepEqual([each.times[0], each.values[0]], [DAY, 29.5]);
    assert.deepEqual([each.times[100], each.values[100]], [DAY + 2 * DAY_MS, 5]);
    assert.equal(rig.ask({ from: DAY + DAY_MS }).resolutionMs, undefined);
    // A minute counts where it begins, so that two ranges that meet have it once.
    const by = { everyMs: DAY_MS, fn: 'count' } as const;
    const edge = DAY + 30 * MINUTE + 30 * SECOND;
    assert.deepEqual([...rig.ask({ to: edge, by }).values], [31 * 60]);
    assert.deepEqual([...rig.ask({ from: edge, to: DAY + DAY_MS, by }).values], [6000 - 31 * 60]);
    const halves = rig.ask({ to: DAY + 2 * MINUTE, by: { everyMs: 30 * SECOND, fn: 'count' } });
    assert.deepEqual(
      [[...halves.times], [...halves.values], halves.resolutionMs],
      [[DAY, DAY + MINUTE], [60, 60], MINUTE],
    );
  });

  it('pages through minutes of a series whose readings come in any order', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    // Each minute has a reading in each third of the file: it is written in pieces.
    const minutes = 9000;
    for (const third of [0, 1, 2])
      rig.append(
        DAY,
        Array.from(
          { length: minutes },
          (_, index) => [DAY + ((index * 7919) % minutes) * MINUTE + third, third] as const,
        ),
      );
    // A whole that is not sparse, for the file to become smaller.
    fillDay(rig, 0);
    pass(rig, 1, 2);
    rig.coarsen();
    assert.equal(grains(rig)[0], 'minutes');
    const found: number[] = [];
    for (let from: number | undefined = DAY + 200 * MINUTE; from !== undefined;) {
      const page: ReturnType<FilesRig['ask']> = rig.ask({ from, limit: 450 });
      assert.ok([...page.values].every((value) => value === 1));
      found.push(...page.times);
      from = page.next;
    }
    assert.deepEqual(
      found,
      Array.from({ length: minutes - 200 }, (_, index) => DAY + (200 + index) * MINUTE),
    );
  });

  it('is whole whenever the process is killed: the one file or the other has the name', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    const count = fillDay(rig, 0);
    pass(rig, 1, 2);
    const seen = new Set<string>();
    for (let isDone = false; !isDone;) {
      isDone = !rig.files.isDue;
      const left = rig.copy(t);
      assert.equal(left.count(), count);
      assert.deepEqual(left.names, rig.names);
      assert.equal(
        readdirSync(left.folder).some((name) => name.includes('.minutes')),
        false,
      );
      seen.add(grains(left).join(' '));
      // It is begun anew by the first batch.
      left.append(DAY + 2 * DAY_MS, [[DAY + 2 * DAY_MS + 1, 6]], 'flow');
      left.coarsen();
      assert.deepEqual([grains(left), left.count()], [['minutes', 'readings', 'readings'], count]);
      if (!isDone) rig.files.coarsen();
    }
    assert.deepEqual([...seen], ['readings readings readings', 'minutes readings readings']);
  });

  it('takes in what a process that was killed left without chunks', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    const count = fillDay(rig, 0);
    rig.append(DAY + 1, [[DAY + 23 * HOUR, 5]]);
    const left = rig.copy(t);
    left.append(DAY + 2 * DAY_MS, [[DAY + 2 * DAY_MS, 5]], 'flow');
    // Another one, which was the last of its day when the process was killed.
    const killed = left.copy(t);
    assert.equal(killed.count(), count + 1);
    killed.append(DAY + 4 * DAY_MS, [[DAY + 4 * DAY_MS, 5]], 'flow');
    killed.coarsen();
    assert.deepEqual([grains(killed), killed.count()], [['minutes', 'minutes', 'readings'], count + 1]);
  });

  it('goes on while others write and ask; a file that is written again stays', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    const count = fillDay(rig, 0);
    pass(rig, 1, 2);
    rig.files.coarsen();
    rig.files.coarsen();
    assert.equal(rig.count(), count);
    // The clock was wrong, and is set back to the day of that file.
    rig.append(DAY + 1, [[DAY + 7000 * SECOND, 1]]);
    assert.equal(rig.count(), count + 1);
    rig.coarsen();
    assert.deepEqual([grains(rig)[0], rig.count()], ['readings', count + 1]);
    pass(rig, 3, 4);
    rig.coarsen();
    assert.deepEqual([grains(rig)[0], rig.count()], ['minutes', count + 1]);
    // One of minutes is never written: another one is begun beside it.
    rig.append(DAY + 2, [[DAY + 8000 * SECOND, 1]]);
    assert.deepEqual([rig.names[1], rig.count()], ['telemetry-2026-11-22.002.db', count + 2]);
    rig.restart();
    assert.equal(rig.count(), count + 2);
  });

  it('leaves a file as it is that would not become smaller, that is gone, or that is a newer one', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    // Readings that are alone in their minutes.
    for (let metric = 0; metric < 40; metric++) rig.append(DAY, [[DAY + metric * MINUTE, 1]], `m${metric}`);
    fillDay(rig, 1);
    fillDay(rig, 2);
    rig.files.close();
    const db = new DatabaseSync(join(rig.folder, rig.names[1]!));
    db.exec('PRAGMA user_version = 99');
    db.close();
    rig.restart();
    pass(rig, 3, 4, 5);
    rmSync(join(rig.folder, rig.names[2]!));
    assert.throws(() => rig.coarsen(), /newer Recado/);
    rig.coarsen();
    assert.equal(rig.files.isDue, false);
    assert.equal(existsSync(join(rig.folder, 'telemetry-2026-11-24.001.db')), false);
    assert.equal(rig.ask({ metric: 'm7' }).times.length, 1);
  });

  it('is taken away with its day, also while it is being made', (t) => {
    const rig = new FilesRig(t, { rawDays: 1, retentionDays: 3 });
    fillDay(rig, 0);
    pass(rig, 1, 2);
    beginMinutes(rig);
    pass(rig, 3, 4);
    assert.equal(rig.names.includes('telemetry-2026-11-22.001.db'), false);
    rig.coarsen();
    assert.equal(
      readdirSync(rig.folder).some((name) => name.includes('2026-11-22')),
      false,
    );
  });

  it('waits while somebody reads the file from outside, and is told', (t) => {
    const rig = new FilesRig(t, { rawDays: 1 });
    const count = fillDay(rig, 0);
    pass(rig, 1, 2);
    const backup = new DatabaseSync(join(rig.folder, rig.names[0]!), { readOnly: true });
    const row = backup.prepare('SELECT rowid FROM chunk').iterate().next();
    assert.equal(row.done, false);
    assert.throws(() => rig.coarsen(), /locked/);
    backup.close();
    assert.deepEqual([grains(rig)[0], rig.count()], ['readings', count]);
    pass(rig, 3);
    rig.coarsen();
    assert.deepEqual([grains(rig)[0], rig.count()], ['minutes', count]);
  });
});

describe('old history on a disk that becomes full', { skip: whyNoSmallDisk() }, () => {
  it('stays as it is until there is room', (t) => {
    const { path: disk } = new SmallDisk(t, 40);
    const rig = new FilesRig(t, { rawDays: 1 }, disk);
    const count = fillDay(rig, 0);
    for (let metric = 0; metric < 20; metric++) fillDay(rig, 0, `m${metric}`);
    pass(rig, 1, 2);
    beginMinutes(rig);
    const filler = join(disk, 'filler');
    assert.throws(() => {
      for (let part = 0; ; part++) writeFileSync(filler, Buffer.alloc(4096), { flag: 'a' });
    }, /ENOSPC/);
    assert.throws(() => rig.coarsen(), /full|ENOSPC/);
    assert.deepEqual([grains(rig)[0], rig.count()], ['readings', count]);
    assert.equal(
      readdirSync(disk).some((name) => name.includes('.minutes')),
      false,
    );
    rmSync(filler);
    writeFileSync(filler, Buffer.alloc(30 * 1024 * 1024));
    pass(rig, 3);
    assert.throws(() => rig.coarsen(), /the disk has \d+ bytes left/);
    rmSync(filler);
    pass(rig, 4);
    rig.coarsen();
    assert.deepEqual([grains(rig)[0], rig.count()], ['minutes', count]);
  });
});
