import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionPlaces, type Place } from './connection-places.ts';

type Places = ConnectionPlaces<TestConnection>;

class TestConnection {
  static reads = 0;
  place: Place<TestConnection> | undefined = undefined;
  hasSpoken = false;
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  get isSilent(): boolean {
    TestConnection.reads++;
    return !this.hasSpoken;
  }
}

function take(places: Places, address: string): TestConnection {
  const connection = new TestConnection(address);
  places.take(address, connection);
  return connection;
}

/** What the rule says, looked up in all that there are; undefined where nobody has to yield. */
function expectYielding(all: readonly TestConnection[], newcomer: string): Set<TestConnection> {
  const byAddress = new Map<string, TestConnection[]>();
  for (const connection of all) {
    byAddress.set(connection.address, [...(byAddress.get(connection.address) ?? []), connection]);
  }
  const most = Math.max(0, ...[...byAddress.values()].map(({ length }) => length));
  if (most <= (byAddress.get(newcomer)?.length ?? 0) + 1) return new Set();
  const largest = [...byAddress.values()].filter(({ length }) => length === most);
  return new Set(largest.map((crowd) => crowd.find(({ hasSpoken }) => !hasSpoken) ?? crowd.at(-1)!));
}

/** Numbers that look like chance and are the same each time (a linear congruential generator). */
function chance(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

describe('the places of a listener', () => {
  it('are given up by whoever the rule names, whatever came and went before', () => {
    const next = chance();
    const places: Places = new ConnectionPlaces();
    let all: TestConnection[] = [];
    let yielded = 0;
    for (let step = 0; step < 5000; step++) {
      const address = `10.0.0.${Math.min(next(12), next(12))}`;
      const one = all[next(Math.max(all.length, 1))];
      const what = next(4);
      if (what < 2 || one === undefined) all.push(take(places, address));
      else if (what === 2) one.hasSpoken = true;
      else {
        all = all.filter((other) => other !== one);
        places.leave(one);
        places.leave(one);
      }
      const expected = expectYielding(all, address);
      const found = places.findYielding(address);
      assert.ok(found === undefined ? expected.size === 0 : expected.has(found), `step ${step}`);
      assert.equal(places.taken, all.length);
      assert.equal(places.takenBy(address), all.filter((other) => other.address === address).length);
      if (found === undefined || all.length < 40) continue;
      all = all.filter((other) => other !== found);
      places.leave(found);
      yielded++;
    }
    assert.ok(yielded > 100);
    for (const connection of all) places.leave(connection);
    assert.deepEqual([places.taken, places.findYielding('10.0.0.1')], [0, undefined]);
  });

  it('are found without a look at all connections of the largest, or at all addresses', (t) => {
    const places: Places = new ConnectionPlaces();
    for (let count = 0; count < 1000; count++) take(places, '10.0.0.1').hasSpoken = true;
    for (let count = 0; count < 1000; count++) take(places, `10.1.${count >> 8}.${count & 255}`);
    assert.equal(places.findYielding('10.2.0.1')?.address, '10.0.0.1');
    const walks = t.mock.method(Map.prototype, 'values').mock;
    TestConnection.reads = 0;
    for (let count = 0; count < 100; count++) {
      const yielding = places.findYielding('10.2.0.1')!;
      places.leave(yielding);
      take(places, '10.0.0.1').hasSpoken = true;
    }
    assert.equal(walks.callCount(), 0);
    assert.ok(TestConnection.reads <= 100, `${TestConnection.reads} looks for 100 newcomers`);
  });
});
