import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

const TICK_MS = 10;
/** Timers beyond one round of the wheel are looked at once in each. */
const ROUND_MS = 1024 * TICK_MS;

/** A wheel, the time, and what has come. */
class Bench {
  nowMs: number;
  readonly wheel: TimerWheel;
  readonly came: string[] = [];

  constructor(nowMs = 0) {
    this.nowMs = nowMs;
    this.wheel = new TimerWheel(TICK_MS, nowMs);
  }

  timer(name: string, also: () => void = () => {}): WheelTimer {
    return new WheelTimer(() => {
      this.came.push(name);
      also();
    });
  }

  set(name: string, inMs: number): WheelTimer {
    const timer = this.timer(name);
    this.wheel.set(timer, this.nowMs + inMs);
    return timer;
  }

  /** Lets time go on tick by tick. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs = Math.min(end, this.nowMs + TICK_MS);
      this.wheel.advance(this.nowMs);
    }
  }

  /** Lets time go on with nobody looking, as while a machine sleeps. */
  sleep(ms: number): void {
    this.nowMs += ms;
    this.wheel.advance(this.nowMs);
  }
}

describe('TimerWheel', () => {
  for (const inMs of [
    0,
    1,
    TICK_MS - 1,
    TICK_MS,
    TICK_MS + 1,
    55,
    ROUND_MS - 1,
    ROUND_MS,
    ROUND_MS + 1,
    10 * ROUND_MS,
  ]) {
    it(`a timer of ${inMs} ms comes once, not early and at most one tick late`, () => {
      for (const startMs of [0, 3, 1_000_000_007]) {
        const bench = new Bench(startMs);
        const dueMs = startMs + inMs;
        bench.set('x', inMs);
        while (bench.came.length === 0) {
          assert.ok(bench.nowMs <= dueMs + TICK_MS, `nothing at ${bench.nowMs - startMs} ms`);
          bench.pass(1);
        }
        assert.ok(bench.nowMs >= dueMs, `it came ${dueMs - bench.nowMs} ms early`);
        bench.pass(2 * TICK_MS);
        assert.deepEqual(bench.came, ['x']);
        assert.equal(bench.wheel.size, 0);
      }
    });
  }

  it('any timers, set, set again and cleared at any time, come as they should', () => {
    const anyMs = fc.oneof(fc.nat(200), fc.nat(3 * ROUND_MS));
    const anyStep = fc.record({
      timer: fc.nat(9),
      inMs: fc.option(anyMs),
      thenMs: anyMs,
      sleeps: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const wheel = new TimerWheel(TICK_MS, 0);
        let nowMs = 0;
        let beforeMs = 0;
        const due = new Map<number, number>();
        const timers = Array.from({ length: 10 }, (_, index) => {
          return new WheelTimer(() => {
            const dueMs = due.get(index) ?? Infinity;
            assert.ok(nowMs >= dueMs, 'early, or not set');
            assert.ok(beforeMs < dueMs + TICK_MS, 'it could have come before');
            due.delete(index);
          });
        });
        for (const { timer, inMs, thenMs, sleeps } of steps) {
          if (inMs === null) {
            wheel.clear(timers[timer]!);
            due.delete(timer);
          } else {
            wheel.set(timers[timer]!, nowMs + inMs);
            due.set(timer, nowMs + inMs);
          }
          assert.equal(wheel.size, due.size);
          for (let leftMs = thenMs; leftMs > 0;) {
            const stepMs = sleeps ? leftMs : Math.min(leftMs, TICK_MS);
            leftMs -= stepMs;
            nowMs += stepMs;
            wheel.advance(nowMs);
            beforeMs = nowMs;
            for (const dueMs of due.values()) assert.ok(dueMs + TICK_MS > nowMs, 'it did not come');
          }
          assert.deepEqual(
            timers.map((each) => each.isSet),
            timers.map((_, index) => due.has(index)),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a timer that is set again comes at the new time alone', () => {
    const bench = new Bench();
    const timer = bench.set('x', 30);
    bench.wheel.set(timer, 100);
    assert.equal(bench.wheel.size, 1);
    bench.pass(90);
    assert.deepEqual(bench.came, []);
    bench.pass(20);
    assert.deepEqual(bench.came, ['x']);
  });

  it('a timer that is cleared does not come, wherever it stands in its slot', () => {
    for (const cleared of [0, 1, 2]) {
      const bench = new Bench();
      const timers = ['a', 'b', 'c'].map((name) => bench.set(name, 30));
      bench.wheel.clear(timers[cleared]!);
      bench.wheel.clear(timers[cleared]!);
      assert.equal(timers[cleared]!.isSet, false);
      assert.equal(bench.wheel.size, 2);
      bench.pass(50);
      assert.equal(bench.came.includes(['a', 'b', 'c'][cleared]!), false);
      assert.equal(bench.came.length, 2);
    }
  });

  it('one that is due at the same moment can be cleared from within another', () => {
    const bench = new Bench();
    const timers: WheelTimer[] = [];
    for (const [index, name] of ['a', 'b'].entries()) {
      timers.push(bench.timer(name, () => bench.wheel.clear(timers[1 - index]!)));
      bench.wheel.set(timers[index]!, 30);
    }
    bench.pass(50);
    assert.equal(bench.came.length, 1);
    assert.equal(bench.wheel.size, 0);
  });

  it('one that is due at the same moment can be set from within another: it comes later, once', () => {
    const bench = new Bench();
    const timers: WheelTimer[] = [];
    let isFirst = true;
    for (const [index, name] of ['a', 'b'].entries()) {
      const putOff = (): void => {
        if (isFirst) bench.wheel.set(timers[1 - index]!, bench.nowMs + 50);
        isFirst = false;
      };
      timers.push(bench.timer(name, putOff));
      bench.wheel.set(timers[index]!, 30);
    }
    bench.pass(40);
    assert.equal(bench.came.length, 1);
    bench.pass(60);
    assert.equal(bench.came.length, 2);
  });

  it('a timer may set itself again from within, also to a time that has passed', () => {
    const bench = new Bench();
    let left = 5;
    const timer: WheelTimer = bench.timer('x', () => {
      if (--left > 0) bench.wheel.set(timer, bench.nowMs - 1);
    });
    bench.wheel.set(timer, 0);
    bench.wheel.advance(0);
    assert.deepEqual(bench.came, []);
    bench.pass(TICK_MS);
    assert.equal(bench.came.length, 1); // The next one waits for the next tick: nothing goes round and round.
    bench.pass(4 * TICK_MS);
    assert.equal(bench.came.length, 5);
  });

  it('after a long sleep everything that is due comes, and nothing else', () => {
    const bench = new Bench();
    for (const inMs of [1, 500, ROUND_MS, 5 * ROUND_MS, 50 * ROUND_MS]) bench.set(`${inMs / ROUND_MS}`, inMs);
    const later = bench.set('later', 50 * ROUND_MS + 1000);
    bench.sleep(50 * ROUND_MS + 5);
    assert.equal(bench.came.length, 5);
    assert.equal(later.isSet, true);
    bench.pass(1000 + TICK_MS);
    assert.equal(bench.came.at(-1), 'later');
  });

  it('does nothing when the time has not gone on, or has gone back', () => {
    const bench = new Bench(1000);
    bench.set('x', 5);
    bench.wheel.advance(1000);
    bench.wheel.advance(0);
    assert.deepEqual(bench.came, []);
    bench.pass(2 * TICK_MS);
    assert.deepEqual(bench.came, ['x']);
  });
});
