import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import { ReportSchedule } from '../../src/simulators/report-schedule.ts';

test('calls each reporter once a period, spread over it, with one timer', () => {
  const clock = new ManualClock(0);
  const schedule = new ReportSchedule({ periodMs: 800, clock });
  const calls: number[][] = Array.from({ length: 320 }, () => []);
  for (const times of calls) schedule.add(() => times.push(clock.now()));
  assert.equal(clock.pending, 1);
  clock.advance(8000);
  for (const times of calls) assert.equal(times.length, 10);
  const perMoment = new Map<number, number>();
  for (const time of calls.flat()) perMoment.set(time, (perMoment.get(time) ?? 0) + 1);
  assert.deepEqual([...new Set(perMoment.values())], [20], 'no moment has more to do than another');
});

test('a reporter that was taken out is not called again, and without any there is no timer', () => {
  const clock = new ManualClock();
  const schedule = new ReportSchedule({ periodMs: 800, clock });
  let calls = 0;
  const remove = schedule.add(() => calls++);
  clock.advance(800);
  assert.equal(calls, 1);
  remove();
  assert.equal(clock.pending, 0);
  schedule.add(() => calls++);
  clock.advance(800);
  assert.equal(calls, 2);
  schedule.stop();
  assert.equal(clock.pending, 0);
});
