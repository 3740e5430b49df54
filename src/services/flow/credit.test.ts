import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CreditGate, CreditLedger, LinkBudget } from './credit.ts';
import { MAX_FRAME_NUMBER } from '../wire/frame.ts';

describe('the credit of a sender', () => {
  it('is spent and granted again', () => {
    const gate = new CreditGate(100, new LinkBudget(1000));
    gate.take(60);
    assert.equal(gate.allowedBytes, 40);
    assert.equal(gate.grant(50), true);
    assert.equal(gate.allowedBytes, 90);
  });

  it('is never more than was sent', () => {
    const gate = new CreditGate(100, new LinkBudget(1000));
    gate.take(10);
    assert.equal(gate.grant(11), false);
    assert.equal(gate.grant(MAX_FRAME_NUMBER), false);
    assert.equal(gate.grant(10), true);
  });

  it('shares the link beyond a quarter of its own, and gives it back', () => {
    const link = new LinkBudget(100);
    const [one, two] = [new CreditGate(400, link), new CreditGate(400, link)];
    one.take(200);
    assert.deepEqual([link.freeBytes, one.allowedBytes, two.allowedBytes], [0, 0, 100]);
    assert.equal(one.isHeldByLink, true);
    let woken = 0;
    link.wait(() => woken++);
    one.grant(40);
    assert.deepEqual([link.freeBytes, two.allowedBytes, woken], [40, 140, 1]);
    one.release();
    assert.deepEqual([link.freeBytes, woken], [100, 1]);
  });

  it('waits for more rather than send crumbs, but not for ever', () => {
    const gate = new CreditGate(256, new LinkBudget(1000));
    assert.equal(gate.isWorthSending(64, 64), true);
    gate.take(250);
    assert.equal(gate.isWorthSending(64, 64), false);
    assert.equal(gate.isWorthSending(6, 64), true, 'all that there is');
    gate.grant(10);
    assert.equal(gate.isWorthSending(64, 64), true);
    gate.take(16);
    assert.equal(gate.isWorthSending(1, 64), false);
  });
});

describe('the credit of a receiver', () => {
  it('is granted when a quarter is consumed, and all of it', () => {
    const ledger = new CreditLedger(400);
    assert.equal(ledger.receive(400), true);
    assert.equal(ledger.receive(1), false);
    assert.equal(ledger.consume(99), 0);
    assert.equal(ledger.consume(1), 100);
    assert.equal(ledger.receive(100), true);
    assert.equal(ledger.receive(1), false);
    assert.equal(ledger.consume(250), 250);
  });

  it('and that of the sender never stand still together, whatever the sizes', () => {
    for (const [windowBytes, linkBytes, chunkBytes] of [
      [1, 0, 1],
      [5, 0, 64],
      [100, 10, 7],
      [256, 0, 64],
      [4096, 100, 65_536],
    ] as const) {
      const gate = new CreditGate(windowBytes, new LinkBudget(linkBytes));
      const ledger = new CreditLedger(windowBytes);
      let left = 10_000;
      while (left > 0) {
        const wanted = Math.min(left, chunkBytes);
        assert.ok(gate.isWorthSending(wanted, chunkBytes), `${windowBytes}, ${linkBytes}, ${chunkBytes}`);
        // Everything that may be sent is sent; then it is consumed byte by byte, the slowest that there is.
        let sent = 0;
        while (left > 0 && gate.isWorthSending(Math.min(left, chunkBytes), chunkBytes)) {
          const bytes = Math.min(left, chunkBytes, gate.allowedBytes);
          gate.take(bytes);
          assert.ok(ledger.receive(bytes));
          sent += bytes;
          left -= bytes;
        }
        for (; sent > 0; sent--) {
          const granted = ledger.consume(1);
          if (granted > 0) assert.ok(gate.grant(granted));
        }
      }
    }
  });
});
