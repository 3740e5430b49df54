import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../helpers/manual-clock.ts';
import { Poller } from '../../src/terminal/ui/poller.ts';

/** A poller whose runs last until they are ended, or given up. */
function rig(): { clock: ManualClock; poller: Poller; signals: AbortSignal[]; end: () => Promise<void> } {
  const clock = new ManualClock();
  const signals: AbortSignal[] = [];
  let finish = (): void => {};
  const run = (signal: AbortSignal): Promise<void> => {
    signals.push(signal);
    return new Promise((resolve) => {
      finish = resolve;
      signal.addEventListener('abort', () => resolve());
    });
  };
  const poller = new Poller({ periodMs: 1000, clock, run });
  const end = async (): Promise<void> => {
    finish();
    await setImmediate();
  };
  return { clock, poller, signals, end };
}

describe('Poller', () => {
  test('runs at once, then once a period from start to start', async () => {
    const { clock, poller, signals, end } = rig();
    poller.start();
    clock.advance(0);
    assert.equal(signals.length, 1);
    clock.advance(400);
    await end();
    clock.advance(599);
    assert.equal(signals.length, 1);
    clock.advance(1);
    assert.equal(signals.length, 2);
  });

  test('never runs twice at the same time, however long a run takes', async () => {
    const { clock, poller, signals, end } = rig();
    poller.start();
    clock.advance(5000);
    assert.equal(signals.length, 1);
    await end();
    clock.advance(0);
    assert.equal(signals.length, 2);
  });

  test('a poke gives up the run under way and begins another, at most four times a second', async () => {
    const { clock, poller, signals } = rig();
    poller.start();
    clock.advance(0);
    for (let pokes = 0; pokes < 5; pokes++) poller.poke();
    await setImmediate();
    assert.equal(signals[0]?.aborted, true);
    clock.advance(249);
    assert.equal(signals.length, 1);
    clock.advance(1);
    assert.equal(signals.length, 2);
  });

  test('a poke between runs does not wait for the period', async () => {
    const { clock, poller, signals, end } = rig();
    poller.start();
    clock.advance(0);
    await end();
    clock.advance(300);
    poller.poke();
    clock.advance(0);
    assert.equal(signals.length, 2);
  });

  test('is refreshed after the run under way, and once a second at most', async () => {
    const { clock, poller, signals, end } = rig();
    poller.start();
    clock.advance(0);
    for (let times = 0; times < 5; times++) poller.refresh();
    await end();
    assert.equal(signals[0]?.aborted, false);
    clock.advance(999);
    assert.equal(signals.length, 1);
    clock.advance(1);
    assert.equal(signals.length, 2);
  });

  test('stops with the run under way, and leaves no timer', async () => {
    const { clock, poller, signals } = rig();
    poller.start();
    clock.advance(0);
    poller.stop();
    await setImmediate();
    assert.equal(signals[0]?.aborted, true);
    poller.poke();
    assert.equal(clock.pending, 0);
    poller.start();
    clock.advance(250);
    assert.equal(signals.length, 2, 'and begins again');
  });

  test('stopped and started while a run ends, it still runs one at a time', async () => {
    const { clock, poller, signals, end } = rig();
    poller.start();
    clock.advance(0);
    poller.stop();
    poller.start();
    await setImmediate();
    clock.advance(250);
    assert.equal(signals.length, 2);
    await end();
    clock.advance(999);
    assert.equal(signals.length, 2);
  });
});
