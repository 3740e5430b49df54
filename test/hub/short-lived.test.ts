import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { getHeapSpaceStatistics } from 'node:v8';
import { Roster } from '../../src/base/roster.ts';
import { findCollector } from '../../src/base/find-collector.ts';
import { FlowTable } from '../../src/services/flow/flow-table.ts';

const ROUNDS = 60;
const PER_ROUND = 64;
const AT_ONCE = 16;
const WORDS = 256;

class Passing {
  rosterIndex = -1;
  readonly request: number;
  readonly state = Array.from({ length: WORDS }, () => 0);

  constructor(request: number) {
    this.request = request;
  }
}

function longLivedBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')!.space_used_size;
}

/** Bytes for which only a look through the whole heap finds out that nobody needs them, of all that came and went. */
function keptAfter(passThrough: (passing: Passing) => () => void): number {
  const collect = findCollector()!;
  const leaveOf: (() => void)[] = [];
  const run = (rounds: number): void => {
    for (let round = 0; round < rounds; round++) {
      for (let count = 0; count < PER_ROUND; count++) {
        leaveOf.push(passThrough(new Passing(round * PER_ROUND + count + 1)));
        if (leaveOf.length > AT_ONCE) leaveOf.shift()!();
      }
      // Who is there now stays for now; what was there in the last round is gone.
      collect({ type: 'minor' });
    }
  };
  run(2);
  collect({ type: 'major' });
  const before = longLivedBytes();
  run(ROUNDS);
  return longLivedBytes() - before;
}

describe('what comes and goes with each request', () => {
  const passedBytes = ROUNDS * PER_ROUND * WORDS * 8;

  it('is forgotten with it, where the requests that run are kept', () => {
    const roster = new Roster<Passing>();
    const kept = keptAfter((passing) => {
      roster.add(passing);
      return () => roster.remove(passing);
    });
    assert.ok(kept < passedBytes / 4, `${kept} of ${passedBytes} bytes`);
  });

  it('is forgotten with it, where flows are found by their numbers', () => {
    const table = new FlowTable<Passing>();
    const kept = keptAfter((passing) => {
      table.set(passing);
      return () => table.delete(passing);
    });
    assert.ok(kept < passedBytes / 4, `${kept} of ${passedBytes} bytes`);
  });

  it('is not with a Set: where that changes, Roster and FlowTable have no reason any more', () => {
    const set = new Set<Passing>();
    const kept = keptAfter((passing) => {
      set.add(passing);
      return () => set.delete(passing);
    });
    assert.ok(kept > passedBytes / 2, `${kept} of ${passedBytes} bytes`);
  });
});
