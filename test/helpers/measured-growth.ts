import assert, { AssertionError } from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Ledger } from '../../src/base/ledger.ts';

/** Booked must be at least this part of what the process has grown by. */
const LEAST = 0.8;
/** And not so much more that peers are refused what would cost little. */
const MOST = 4;
/** What grows by less tells nothing. */
const LEAST_BYTES = 500_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Less than this from one collection to the next is no fall. */
const SETTLED_BYTES = 32_768;
const MAX_COLLECTIONS = 40;
/** Code that is not used any more goes only after some collections. */
const MIN_COLLECTIONS = 8;

/** Collects until nothing more is given back: what an earlier test left would hide what a later one grows by. */
export async function memoryBytes(read: () => number = heapBytes): Promise<number> {
  let bytes = Number.POSITIVE_INFINITY;
  for (let collections = 1; ; collections++) {
    collectGarbage();
    // What is freed by finalizers is gone after the next turn.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const now = read();
    const fallenBytes = bytes - now;
    bytes = now;
    const isSettled = collections >= MIN_COLLECTIONS && fallenBytes < SETTLED_BYTES;
    if (isSettled || collections === MAX_COLLECTIONS) return bytes;
  }
}

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/**
 * How much of what was kept for peers while `fill` ran is booked; what it gives is held meanwhile.
 *
 * @param read - of this process; the heap and its buffers unless told
 */
export async function compareGrowth(
  t: TestContext,
  ledger: Ledger,
  fill: () => Promise<unknown> | void,
  read: () => number = heapBytes,
): Promise<{ readonly grown: number; readonly booked: number }> {
  const memoryBefore = await memoryBytes(read);
  const bookedBefore = ledger.totalBytes;
  const held = await fill();
  const grown = (await memoryBytes(read)) - memoryBefore;
  const booked = ledger.totalBytes - bookedBefore;
  t.diagnostic(`grown ${grown}, booked ${booked}: ${(booked / grown).toFixed(2)}`);
  assert.ok(grown > LEAST_BYTES, `only ${grown} bytes: that tells nothing`);
  assert.ok(booked >= LEAST * grown, `${booked} booked, ${grown} grown`);
  assert.ok(booked <= MOST * grown, `${booked} booked, ${grown} grown`);
  assert.notEqual(held, null);
  return { grown, booked };
}

/** What the process gives back or takes beside makes one measurement wrong, and hardly each of these. */
const MAX_MEASUREMENTS = 4;

/** A test that measures growth: set up and measured anew when what it found does not fit; fails when it never does. */
export function itMeasures(name: string, measure: (t: TestContext) => Promise<void>): void {
  it(name, async (t) => {
    for (let left = MAX_MEASUREMENTS - 1; ; left--) {
      try {
        await measure(t);
        return;
      } catch (error) {
        if (left === 0 || !(error instanceof AssertionError)) throw error;
        t.diagnostic(`measured anew: ${error.message}`);
      }
    }
  });
}
