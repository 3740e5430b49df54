import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Written, type Transport } from '../../transport/transport.ts';
import { BrokerStats } from '../stats.ts';
import { nextOutboxState, OutboxEvent, OutboxState } from './outbox-state.ts';
import { Outbox } from './outbox.ts';
import { WriterPool } from './writer-pool.ts';
import { KeptKind } from '../../../base/kept-kinds.ts';
import { Ledger } from '../../../base/ledger.ts';

const PEER = { transport: 'stream', address: '', port: 0, certificate: undefined } as const;
const MAX_BYTES = 1024;

/** An outbox over a transport that writes down what it is given, and says what it is told to say. */
function makeOutbox(kind: 'stream' | 'tls' = 'stream') {
  const written: string[] = [];
  const told: string[] = [];
  let says: Written = Written.TAKEN;
  let kept = 0;
  const transport: Transport = {
    peer: { ...PEER, transport: kind },
    get bufferedBytes() {
      return kept;
    },
    unsentMark: 0,
    write(bytes) {
      written.push(bytes.toString());
      return says;
    },
    writeSlices(slices, start, end) {
      for (const slice of slices.slice(start, end)) written.push(slice.bytes.toString());
      return says;
    },
    pause() {},
    resume() {},
    end: () => void told.push('end'),
    destroy: () => void told.push('destroy'),
  };
  const ledger = new Ledger();
  const party = ledger.open('client');
  const owner = {
    party,
    flushLater: () => void told.push('flushLater'),
    onOverfull: () => void told.push('overfull'),
    onRoom: () => void told.push('room'),
  };
  const stats = new BrokerStats();
  const rules = { writers: new WriterPool(), stats, maxBytes: MAX_BYTES, lingerMs: () => 0 };
  const outbox = new Outbox(owner, transport, rules);
  return {
    outbox,
    ledger,
    party,
    written,
    told,
    stats,
    say: (answer: Written) => void (says = answer),
    keep: (answer: Written, bytes: number): void => {
      says = answer;
      kept = bytes;
    },
    put: (text: string): void => {
      outbox.writer().appendPackets(Buffer.from(text), 0, text.length);
      outbox.written();
    },
  };
}

describe('the states of an outbox', () => {
  const { OPEN, COMMITTING, BLOCKED, BLOCKED_COMMITTING, ENDING, ENDED } = OutboxState;
  const { WAIT, COMMITTED, BLOCK, DRAIN, END, DISCARD } = OutboxEvent;
  const legal: readonly (readonly [OutboxState, OutboxEvent, OutboxState])[] = [
    [OPEN, WAIT, COMMITTING],
    [OPEN, BLOCK, BLOCKED],
    [OPEN, DRAIN, OPEN],
    [OPEN, END, ENDED],
    [COMMITTING, COMMITTED, OPEN],
    [COMMITTING, BLOCK, BLOCKED_COMMITTING],
    [COMMITTING, DRAIN, COMMITTING],
    [COMMITTING, END, ENDING],
    [BLOCKED, WAIT, BLOCKED_COMMITTING],
    [BLOCKED, DRAIN, OPEN],
    [BLOCKED, END, ENDED],
    [BLOCKED_COMMITTING, COMMITTED, BLOCKED],
    [BLOCKED_COMMITTING, DRAIN, COMMITTING],
    [BLOCKED_COMMITTING, END, ENDING],
    [ENDING, COMMITTED, ENDED],
    [ENDING, DISCARD, ENDED],
    [ENDED, COMMITTED, ENDED],
  ];
  for (const [from, event, to] of legal) {
    it(`lead from ${from} by event ${event} to ${to}`, () => assert.equal(nextOutboxState(from, event), to));
  }

  it('do not know what cannot happen', () => {
    for (const [state, event] of [
      [OPEN, COMMITTED],
      [BLOCKED, BLOCK],
      [BLOCKED, COMMITTED],
      [ENDED, BLOCK],
    ] as const) {
      assert.throws(() => nextOutboxState(state, event), /met event/);
    }
  });
});

describe('what the transport keeps for a client that does not read', () => {
  it('is booked until it has gone, though more is taken', () => {
    const { outbox, ledger, keep, put, told } = makeOutbox();
    keep(Written.KEPT, 300);
    put('x'.repeat(300));
    outbox.endTurn();
    assert.equal(ledger.totals()[KeptKind.OUTBOX]!.bytes, 0, 'most of what is kept has gone with the turn');
    outbox.kept();
    assert.deepEqual([outbox.takesMore, ledger.totals()[KeptKind.OUTBOX]!.bytes], [true, 256 + 2 * 300]);
    keep(Written.TAKEN, 0);
    outbox.drained();
    assert.equal(ledger.totals()[KeptKind.OUTBOX]!.bytes, 0);
    assert.equal(told.at(-1), 'room');
  });

  it('is booked twice over TLS, which keeps it encrypted besides', () => {
    const { outbox, ledger, keep, put } = makeOutbox('tls');
    keep(Written.KEPT, 300);
    put('x'.repeat(300));
    outbox.endTurn();
    outbox.kept();
    assert.equal(ledger.totals()[KeptKind.OUTBOX]!.bytes, 256 + 2 * 2 * 300);
  });

  it('leaves no room for more where all of them have as much as they may', () => {
    const { outbox, ledger, keep, put } = makeOutbox();
    keep(Written.KEPT, 300);
    put('x'.repeat(300));
    outbox.endTurn();
    outbox.kept();
    const other = ledger.open('another');
    other.charge(KeptKind.OUTBOX, ledger.totals()[KeptKind.OUTBOX]!.limitBytes);
    assert.deepEqual([outbox.takesMore, outbox.reserve(10)], [false, false]);
    other.release(KeptKind.OUTBOX, ledger.totals()[KeptKind.OUTBOX]!.limitBytes);
    assert.deepEqual([outbox.takesMore, outbox.reserve(10)], [true, true]);
  });
});

describe('an outbox', () => {
  it('collects a turn, and asks once for its end', () => {
    const { outbox, put, written, told, stats } = makeOutbox();
    put('one ');
    put('two');
    assert.deepEqual([written, told], [[], ['flushLater']]);
    outbox.endTurn();
    assert.deepEqual([written, stats.bytesSent], [['one two'], 7]);
  });

  it('keeps what a commit must write first, and not for a later one', () => {
    const { outbox, put, written } = makeOutbox();
    put('a');
    assert.equal(outbox.waitFor(1), true);
    assert.equal(outbox.waitFor(1), false);
    outbox.seal();
    put('b');
    outbox.waitFor(2);
    outbox.endTurn();
    assert.deepEqual(written, []);
    outbox.release(1);
    assert.deepEqual(written, ['a']);
    outbox.release(2);
    assert.deepEqual(written, ['a', 'b']);
  });

  it('of a client that does not read takes no more until it does', () => {
    const { outbox, put, say, written, told } = makeOutbox();
    say(Written.BLOCKED);
    put('a');
    outbox.endTurn();
    assert.equal(outbox.takesMore, false);
    assert.equal(outbox.reserve(MAX_BYTES), true);
    assert.equal(outbox.reserve(MAX_BYTES + 1), false);
    put('b');
    outbox.endTurn();
    say(Written.TAKEN);
    outbox.drained();
    assert.deepEqual([written, told.at(-1)], [['a', 'b'], 'room']);
    assert.equal(outbox.takesMore, true);
  });

  it('ends after the commit that its last bytes wait for, and takes nothing meanwhile', () => {
    const { outbox, put, written, told } = makeOutbox();
    put('last words');
    outbox.waitFor(1);
    outbox.end();
    assert.deepEqual([written, told], [[], ['flushLater']]);
    put('too late');
    outbox.release(1);
    assert.deepEqual([written, told.at(-1)], [['last words'], 'end']);
    outbox.endTurn();
    outbox.release(1);
    assert.deepEqual(written, ['last words']);
  });

  it('that is discarded sends nothing, also when the commit comes', () => {
    const { outbox, put, written, told } = makeOutbox();
    put('a');
    outbox.waitFor(1);
    outbox.end();
    outbox.discard();
    outbox.release(1);
    assert.deepEqual([written, told], [[], ['flushLater']]);
  });

  it('says when so much waits that its client should not be read any more', () => {
    const { put, say, told } = makeOutbox();
    say(Written.BLOCKED);
    const piece = 'x'.repeat(MAX_BYTES);
    for (let count = 0; count < 64; count++) put(piece);
    assert.equal(told.includes('overfull'), false);
    for (let count = 0; count < 3; count++) put(piece);
    assert.equal(told.includes('overfull'), true);
  });

  it('books nothing for a party that has been closed while it ends', () => {
    const { outbox, ledger, party, put } = makeOutbox();
    outbox.waitFor(1);
    put('waits');
    outbox.end();
    party.close();
    const next = ledger.open('another, on the line that came free');
    outbox.endTurn();
    assert.equal(next.bytes, 0);
    outbox.release(1);
    assert.equal(ledger.partyCount, 1);
  });
});
