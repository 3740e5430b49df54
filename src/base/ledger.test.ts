import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  costOf,
  KEPT_KINDS,
  KeptKind,
  NEWCOMER_BYTES,
  PARTY_BYTES,
  TLS_HANDSHAKE_BYTES,
} from './kept-kinds.ts';
import type { Holding } from './holding.ts';
import { Ledger, RESERVE, type Party } from './ledger.ts';

const MIB = 1024 * 1024;
const MAX_PARTIES = 40;

/** As many parties as are named find what a newcomer needs in the reserve. */
const USABLE = ((MAX_PARTIES + 1) * NEWCOMER_BYTES) / RESERVE;

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

type Piece = { party: Party; kind: KeptKind; bytes: number; holding: Holding | undefined };

const anyStep = fc.record({
  party: fc.nat(29),
  kind: fc.integer({ min: 1, max: KEPT_KINDS.length - 1 }) as fc.Arbitrary<KeptKind>,
  bytes: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 400_000 })),
  action: fc.constantFrom('book', 'admit', 'release'),
});

describe('Ledger', () => {
  it('whatever is booked and taken back, limits hold, sums are right, and a newcomer finds room', () => {
    const limit = USABLE;
    const floor = (limit * RESERVE) / (MAX_PARTIES + 1);
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 300 }), fc.boolean(), (steps, canReclaim) => {
        const ledger = makeLedger(limit);
        const kept: Piece[] = [];
        const release = (at: number): void => {
          const [{ party, kind, bytes, holding }] = kept.splice(at, 1) as [Piece];
          holding?.leave();
          party.release(kind, bytes);
        };
        const held = (key: string): number =>
          kept.reduce((sum, { party, bytes }) => sum + (party.key === key ? bytes : 0), 0);
        for (const { party: who, kind, bytes, action } of steps) {
          if (action === 'release') {
            if (kept.length > 0) release(who % kept.length);
            continue;
          }
          const party = ledger.open(`p${who}`);
          const before = kept.reduce((sum, each) => sum + each.bytes, 0);
          const mine = held(party.key);
          const isBooked = party[action](kind, bytes);
          if (isBooked) {
            const piece: Piece = { party, kind, bytes, holding: undefined };
            if (canReclaim && KEPT_KINDS[kind]!.isReclaimable)
              piece.holding = party.hold({ yieldRoom: () => release(kept.indexOf(piece)) });
            kept.push(piece);
          }
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
      fc.property(anyOrder, fc.integer({ min: 1000, max: 50_000 }), (order, piece) => {
        const ledger = makeLedger(USABLE);
        const closed: Party[] = [];
        const open = (party: Party): void => {
          const holding = party.hold({
            yieldRoom() {
              holding.leave();
              party.release(KeptKind.OUTBOX, piece);
              closed.push(party);
            },
          });
        };
        for (const who of order) {
          const party = ledger.open(`p${who}`);
          while (party.book(KeptKind.OUTBOX, piece)) open(party);
        }
        const newcomer = ledger.open('newcomer');
        const share = Math.floor((USABLE * (1 - RESERVE)) / (ledger.partyCount + 1));
        const before = ledger.totals()[KeptKind.OUTBOX]!.bytes;
        assert.ok(newcomer.admit(KeptKind.CONNECT, share));
        assert.ok(new Set(closed).size <= 1, 'those of one are enough');
        if (closed.length === 0) return;
        const withoutTheLast = before - (closed.length - 1) * piece;
        assert.ok(withoutTheLast + share > USABLE * (1 - RESERVE), 'and no more of them than it takes');
      }),
    );
  });

  it('who may not be closed is not asked for more than once in a turn', async () => {
    const ledger = makeLedger(MIB, 2);
    let asked = 0;
    for (const key of ['a', 'b']) {
      const party = ledger.open(key);
      party.hold({ yieldRoom: () => void asked++ });
      fill(party, KeptKind.OUTBOX, 1000);
    }
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

  it('however little memory there is, a newcomer finds what it needs', () => {
    for (const maxBytes of [16 * MIB, 64 * MIB, 1024 * MIB]) {
      const ledger = new Ledger({ maxBytes });
      for (let count = 0; count < 60; count++) {
        const party = ledger.open(`p${count}`);
        for (const piece of [100_000, 1000, 10])
          for (const kind of [KeptKind.RETAINED, KeptKind.SUBSCRIPTION]) fill(party, kind, piece);
      }
      assert.ok(ledger.totalBytes > (1 - RESERVE) * maxBytes * 0.9);
      assert.ok(ledger.open('newcomer').book(KeptKind.CONNECTION, NEWCOMER_BYTES));
    }
  });

  it('of each kind a newcomer finds room, however much two dozen others hold', () => {
    const kinds = KEPT_KINDS.map((row, kind) => ({ ...row, kind: kind as KeptKind }));
    for (const { kind, name } of kinds.filter((each) => each.kind !== KeptKind.PARTY)) {
      const ledger = new Ledger(
        kind === KeptKind.TLS ? { newcomerBytes: NEWCOMER_BYTES + TLS_HANDSHAKE_BYTES } : {},
      );
      const piece = costOf(kind, 512);
      const keys = [...Array.from({ length: 24 }, (_, who) => `p${who}`), 'newcomer'];
      const all = keys.flatMap((key) => {
        const party = ledger.open(key);
        return [100 * piece, piece].map((size) => ({ party, size, bytes: fill(party, kind, size) }));
      });
      assert.ok(all.at(-1)!.bytes > 0, name);
      const { bytes, limitBytes, refusals } = ledger.totals()[kind]!;
      assert.ok(bytes <= limitBytes, `${name}: the limit is kept`);
      assert.equal(refusals, all.length, name);
      for (const { party, size, bytes: held } of all)
        for (let left = held; left > 0; left -= size) party.release(kind, size);
      assert.deepEqual([ledger.totals()[kind]!.bytes, ledger.totals()[kind]!.count], [0, 0], name);
    }
  });

  it('a refusal is counted, whoever asks for room', () => {
    const ledger = new Ledger({ limits: { [KeptKind.PARTIAL]: 1000 } });
    const party = ledger.open('a');
    assert.equal(party.hasRoomFor(KeptKind.PARTIAL, 2000), false);
    assert.equal(party.makeRoomFor(KeptKind.PARTIAL, 2000), false);
    assert.equal(party.book(KeptKind.PARTIAL, 2000), false);
    assert.equal(ledger.totals()[KeptKind.PARTIAL]!.refusals, 3);
  });

  it('what was decided before is charged even where nothing is free', () => {
    const ledger = makeLedger(MIB);
    const party = ledger.open('a');
    party.charge(KeptKind.SESSION, 2 * MIB);
    assert.equal(party.bytes, 2 * MIB);
    assert.equal(ledger.open('b').book(KeptKind.SESSION, 1), false);
  });
});
