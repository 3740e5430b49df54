import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

const TICK_MS = 10;
/** Timers beyond one round of the wheel are looked at once in each. */
const ROUND_MS = 1024 * TICK_MS;

/** A wheel, the time, and what has come. */
class Rig {
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
        const rig = new Rig(startMs);
        const dueMs = startMs + inMs;
        rig.set('x', inMs);
        while (rig.came.length === 0) {
          assert.ok(rig.nowMs <= dueMs + TICK_MS, `nothing at ${rig.nowMs - startMs} ms`);
          rig.pass(1);
        }
        assert.ok(rig.nowMs >= dueMs, `it came ${dueMs - rig.nowMs} ms early`);
        rig.pass(2 * TICK_MS);
        assert.deepEqual(rig.came, ['x']);
        assert.equal(rig.wheel.size, 0);
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
    const rig = new Rig();
    const timer = rig.set('x', 30);
    rig.wheel.set(timer, 100);
    assert.equal(rig.wheel.size, 1);
    rig.pass(90);
    assert.deepEqual(rig.came, []);
    rig.pass(20);
    assert.deepEqual(rig.came, ['x']);
  });

  it('a timer that is cleared does not come, wherever it stands in its slot', () => {
    for (const cleared of [0, 1, 2]) {
      const rig = new Rig();
      const timers = ['a', 'b', 'c'].map((name) => rig.set(name, 30));
      rig.wheel.clear(timers[cleared]!);
      rig.wheel.clear(timers[cleared]!);
      assert.equal(timers[cleared]!.isSet, false);
      assert.equal(rig.wheel.size, 2);
      rig.pass(50);
      assert.equal(rig.came.includes(['a', 'b', 'c'][cleared]!), false);
      assert.equal(rig.came.length, 2);
    }
  });

  it('one that is due at the same moment can be cleared from within another', () => {
    const rig = new Rig();
    const timers: WheelTimer[] = [];
    for (const [index, name] of ['a', 'b'].entries()) {
      timers.push(rig.timer(name, () => rig.wheel.clear(timers[1 - index]!)));
      rig.wheel.set(timers[index]!, 30);
    }
    rig.pass(50);
    assert.equal(rig.came.length, 1);
    assert.equal(rig.wheel.size, 0);
  });

  it('one that is due at the same moment can be set from within another: it comes later, once', () => {
    const rig = new Rig();
    const timers: WheelTimer[] = [];
    let isFirst = true;
    for (const [index, name] of ['a', 'b'].entries()) {
      const putOff = (): void => {
        if (isFirst) rig.wheel.set(timers[1 - index]!, rig.nowMs + 50);
        isFirst = false;
      };
      timers.push(rig.timer(name, putOff));
      rig.wheel.set(timers[index]!, 30);
    }
    rig.pass(40);
    assert.equal(rig.came.length, 1);
    rig.pass(60);
    assert.equal(rig.came.length, 2);
  });

  it('a timer may set itself again from within, also to a time that has passed', () => {
    const rig = new Rig();
    let left = 5;
    const timer: WheelTimer = rig.timer('x', () => {
      if (--left > 0) rig.wheel.set(timer, rig.nowMs - 1);
    });
    rig.wheel.set(timer, 0);
    rig.wheel.advance(0);
    assert.deepEqual(rig.came, []);
    rig.pass(TICK_MS);
    assert.equal(rig.came.length, 1); // The next one waits for the next tick: nothing goes round and round.
    rig.pass(4 * TICK_MS);
    assert.equal(rig.came.length, 5);
  });

  it('after a long sleep everything that is due comes, and nothing else', () => {
    const rig = new Rig();
    for (const inMs of [1, 500, ROUND_MS, 5 * ROUND_MS, 50 * ROUND_MS]) rig.set(`${inMs / ROUND_MS}`, inMs);
    const later = rig.set('later', 50 * ROUND_MS + 1000);
    rig.sleep(50 * ROUND_MS + 5);
    assert.equal(rig.came.length, 5);
    assert.equal(later.isSet, true);
    rig.pass(1000 + TICK_MS);
    assert.equal(rig.came.at(-1), 'later');
  });

  it('does nothing when the time has not gone on, or has gone back', () => {
    const rig = new Rig(1000);
    rig.set('x', 5);
    rig.wheel.advance(1000);
    rig.wheel.advance(0);
    assert.deepEqual(rig.came, []);
    rig.pass(2 * TICK_MS);
    assert.deepEqual(rig.came, ['x']);
  });
});
