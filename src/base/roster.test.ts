import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Roster } from './roster.ts';

class Guest {
  rosterIndex = -1;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function rosterOf(...names: string[]): { roster: Roster<Guest>; guests: Guest[] } {
  const roster = new Roster<Guest>();
  const guests = names.map((name) => new Guest(name));
  for (const guest of guests) roster.add(guest);
  return { roster, guests };
}

function namesOn(roster: Roster<Guest>): string[] {
  const names: string[] = [];
  roster.forEach(({ name }) => void names.push(name));
  return names.toSorted();
}

describe('Roster', () => {
  it('has those who came and did not leave', () => {
    const { roster, guests } = rosterOf('a', 'b', 'c', 'd');
    roster.remove(guests[1]!);
    roster.remove(guests[3]!);
    roster.remove(guests[1]!);
    assert.deepEqual(namesOn(roster), ['a', 'c']);
    roster.add(guests[1]!);
    assert.deepEqual(namesOn(roster), ['a', 'b', 'c']);
    assert.equal(roster.size, 3);
  });

  it('visits each, also when each leaves while it is visited', () => {
    const { roster } = rosterOf('a', 'b', 'c');
    const seen: string[] = [];
    roster.forEach((guest) => {
      seen.push(guest.name);
      roster.remove(guest);
    });
    assert.deepEqual(seen.toSorted(), ['a', 'b', 'c']);
    assert.equal(roster.size, 0);
  });

  it('visits each, also when others leave meanwhile', () => {
    const { roster, guests } = rosterOf('a', 'b', 'c', 'd');
    const seen = new Set<string>();
    roster.forEach((guest) => {
      seen.add(guest.name);
      roster.remove(guests[0]!);
    });
    assert.deepEqual([...seen].toSorted(), ['b', 'c', 'd']);
    assert.deepEqual(namesOn(roster), ['b', 'c', 'd']);
  });
});
