import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { KEPT_KINDS, KeptKind, PARTY_BYTES } from './kept-kinds.ts';
import { Ledger, RESERVE, type Party } from './ledger.ts';

const MIB = 1024 * 1024;
const MAX_PARTIES = 100;

/** A whole in which the limits of the kinds do not count, so that only the whole's does. */
function makeLedger(usableBytes: number, maxParties = MAX_PARTIES): Ledger {
  const maxBytes = usableBytes + maxParties * PARTY_BYTES;
  const limits = Object.fromEntries(KEPT_KINDS.map((_, kind) => [kind, Number.POSITIVE_INFINITY]));
  return new Ledger({ maxBytes, maxParties, limits });
}

/** Books pieces until one is refused. */
function fill(party: Party, kind: KeptKind, piece: number): number {
  let bytes = 0;
  while (party.book(kind, piece)) bytes += piece;
  return bytes;
}

const anyStep = fc.record({
  party: fc.nat(29),
  kind: fc.integer({ min: 1, max: KEPT_KINDS.length - 1 }) as fc.Arbitrary<KeptKind>,
  bytes: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 400_000 })),
  action: fc.constantFrom('book', 'admit', 'release'),
});

describe('Ledger', () => {
  it('whatever is booked and taken back, limits hold, sums are right, and a newcomer finds room', () => {
    const limit = MIB;
    const floor = (limit * RESERVE) / (MAX_PARTIES + 1);
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 300 }), fc.boolean(), (steps, canReclaim) => {
        const ledger = makeLedger(limit);
        const kept: { party: Party; kind: KeptKind; bytes: number }[] = [];
        const release = (at: number): void => {
          const [{ party, kind, bytes }] = kept.splice(at, 1) as [(typeof kept)[number]];
          party.release(kind, bytes);
        };
        const held = (key: string): number =>
          kept.reduce((sum, { party, bytes }) => sum + (party.key === key ? bytes : 0), 0);
        if (canReclaim) {
          ledger.onReclaim((most) => {
            for (let at = kept.length - 1; at >= 0; at--) {
              const { party, kind } = kept[at]!;
              if (party === most && KEPT_KINDS[kind]!.isReclaimable) release(at);
            }
          });
        }
        for (const { party: who, kind, bytes, action } of steps) {
          if (action === 'release') {
            if (kept.length > 0) release(who % kept.length);
            continue;
          }
          const party = ledger.open(`p${who}`);
          const before = kept.reduce((sum, each) => sum + each.bytes, 0);
          const mine = held(party.key);
          const isBooked = party[action](kind, bytes);
          if (isBooked) kept.push({ party, kind, bytes });
          if (before + bytes <= limit / 2)
            assert.ok(isBooked, 'under half full everybody may have what there is');
          if (mine + bytes <= floor) assert.ok(isBooked, 'a newcomer finds room');
          party.close();
          const total = kept.reduce((sum, each) => sum + each.bytes, 0);
          const keys = new Set(kept.map((each) => each.party.key));
          const share = (limit * (1 - RESERVE)) / (keys.size + 1);
          if (isBooked && total > limit / 2)
            assert.ok(mine + bytes <= Math.max(share, floor), 'no more than a share');
          assert.ok(total <= limit, 'the limit is kept');
          assert.equal(ledger.totalBytes, total + keys.size * PARTY_BYTES);
          assert.equal(ledger.partyCount, keys.size);
        }
        while (kept.length > 0) release(0);
        assert.equal(ledger.totalBytes, 0);
        assert.equal(ledger.partyCount, 0);
        assert.ok(ledger.totals().every(({ bytes, count }) => bytes === 0 && count === 0));
      }),
      { numRuns: 500 },
    );
  });

  it('where connections hold everything, a newcomer finds its whole share: the one that holds most is closed', () => {
    const anyOrder = fc.array(fc.nat(11), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(anyOrder, fc.integer({ min: 100, max: 50_000 }), (order, piece) => {
        const ledger = makeLedger(MIB);
        const held = new Map<Party, number>();
        const closed: Party[] = [];
        ledger.onReclaim((most) => {
          closed.push(most);
          for (let left = (held.get(most) ?? 0) / piece; left > 0; left--)
            most.release(KeptKind.OUTBOX, piece);
          held.delete(most);
        });
        for (const who of order) {
          const party = ledger.open(`p${who}`);
          held.set(party, (held.get(party) ?? 0) + fill(party, KeptKind.OUTBOX, piece));
        }
        const newcomer = ledger.open('newcomer');
        const share = (MIB * (1 - RESERVE)) / (ledger.partyCount + 1);
        const before = closed.length;
        assert.ok(newcomer.admit(KeptKind.CONNECT, Math.floor(share)));
        assert.ok(closed.length - before <= 1, 'one is enough');
      }),
    );
  });

  it('who may not be closed is not asked for more than once in a turn', async () => {
    const ledger = makeLedger(MIB, 2);
    let asked = 0;
    ledger.onReclaim(() => void asked++);
    for (const key of ['a', 'b']) fill(ledger.open(key), KeptKind.OUTBOX, 1000);
    const newcomer = ledger.open('c');
    const bytes = MIB / 6;
    assert.equal(newcomer.admit(KeptKind.CONNECT, bytes), false);
    assert.equal(newcomer.admit(KeptKind.CONNECT, bytes), false);
    assert.equal(asked, 1);
    await new Promise((resolve) => void setImmediate(resolve));
    assert.equal(newcomer.admit(KeptKind.CONNECT, bytes), false);
    assert.equal(asked, 2);
  });

  it('a kind has its own limit, with the same rule', () => {
    const ledger = new Ledger({ maxBytes: 64 * MIB, limits: { [KeptKind.RETAINED]: 100_000 } });
    const [one, other] = [ledger.open('one'), ledger.open('other')];
    assert.equal(fill(one, KeptKind.RETAINED, 1000), 50_000);
    assert.equal(fill(other, KeptKind.RETAINED, 1000), 25_000);
    assert.ok(one.book(KeptKind.QUEUED, 1000), 'another kind has room');
    const { bytes, count, refusals, limitBytes } = ledger.totals()[KeptKind.RETAINED]!;
    assert.deepEqual([bytes, count, refusals, limitBytes], [75_000, 75, 2, 100_000]);
    for (let left = 50; left > 0; left--) one.release(KeptKind.RETAINED, 1000);
    assert.equal(fill(other, KeptKind.RETAINED, 1000), 25_000, 'up to the half again');
    assert.equal(fill(ledger.open('third'), KeptKind.RETAINED, 1000), 25_000, 'one of two, and not of three');
  });

  it('parties beyond those that are told apart share one line, and lines are given again', () => {
    const ledger = makeLedger(MIB, 3);
    const parties = ['a', 'b', 'c', 'd', 'e'].map((key) => ledger.open(key));
    assert.equal(parties[3], parties[4]);
    assert.equal(new Set(parties).size, 4);
    parties[0]!.close();
    assert.notEqual(ledger.open('d'), parties[3]);
    parties[3]!.charge(KeptKind.BODY, 10);
    assert.equal(parties[4]!.bytes, 10);
  });

  it('what was decided before is charged even where nothing is free', () => {
    const ledger = makeLedger(MIB);
    const party = ledger.open('a');
    party.charge(KeptKind.SESSION, 2 * MIB);
    assert.equal(party.bytes, 2 * MIB);
    assert.equal(ledger.open('b').book(KeptKind.SESSION, 1), false);
  });
});
