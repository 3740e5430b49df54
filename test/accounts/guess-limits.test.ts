import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuessLimits } from '../../src/accounts/guess-limits.ts';
import { Accounts } from '../../src/accounts/accounts.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

const HOME = '192.0.2.1';
const MINUTE_MS = 60_000;
const PASSWORD = 'correct horse battery';

function open() {
  const clock = new ManualClock();
  const limits = new GuessLimits(clock);
  const guess = (name: string, address: string): number => {
    const begun = limits.begin(name, address);
    return 'waitMs' in begun ? begun.waitMs : 0;
  };
  const comeIn = (name: string, address: string): boolean => {
    const begun = limits.begin(name, address);
    if ('waitMs' in begun) return false;
    begun.right();
    return true;
  };
  /** Tries as often as it may within a time. */
  const guessFor = (ms: number, name: string, address: string): number => {
    let tries = 0;
    for (let left = ms; left > 0;) {
      const waitMs = Math.min(guess(name, address), left);
      if (waitMs === 0) tries++;
      clock.advance(waitMs);
      left -= waitMs;
    }
    return tries;
  };
  return { clock, guess, comeIn, guessFor };
}

describe('limits of guessing', () => {
  it('let some wrong tries pass, then wait, longer each time, and are no shorter for tries meanwhile', () => {
    const { clock, guess } = open();
    for (let tries = 0; tries < 5; tries++) assert.equal(guess('ann', HOME), 0);
    assert.equal(guess('ann', HOME), 1000);
    assert.equal(guess('ann', HOME), 1000);
    clock.advance(1000);
    assert.equal(guess('ann', HOME), 0);
    assert.equal(guess('ann', HOME), 2000);
  });

  it('leave a few hundred tries a day for one name from one address', () => {
    const { guessFor } = open();
    assert.ok(guessFor(24 * 60 * MINUTE_MS, 'ann', HOME) < 200);
  });

  it('count many at once before any of them is judged', () => {
    const { guess } = open();
    const waits = Array.from({ length: 1000 }, () => guess('ann', HOME));
    assert.equal(waits.filter((waitMs) => waitMs === 0).length, 5);
  });

  it('forget what was wrong when it was right', () => {
    const { guess, comeIn } = open();
    for (let round = 0; round < 10; round++) {
      for (let tries = 0; tries < 4; tries++) assert.equal(guess('ann', HOME), 0);
      assert.equal(comeIn('ann', HOME), true);
    }
  });

  it('do not count, nor have anybody wait for, what nobody had the time to judge', async () => {
    const clock = new ManualClock();
    const accounts = new Accounts({ clock, log: silentLogger });
    await accounts.users.create({ name: 'ann', password: PASSWORD, roles: ['viewer'], scopes: [] });
    const wrong = (): Promise<unknown> => accounts.users.verify('ann', 'wrong', HOME);
    for (let tries = 0; tries < 6; tries++) {
      await wrong();
      clock.advance(MINUTE_MS);
    }
    for (let tries = 0; tries < 10; tries++) {
      const judged = accounts.users.verify('bob', 'wrong', '192.0.2.2');
      const waiting = wrong();
      clock.advance(MINUTE_MS);
      await judged;
      assert.deepEqual(await waiting, { ok: false, failure: { why: 'too-many', retryAfterMs: 1000 } });
    }
    assert.equal((await accounts.users.verify('ann', PASSWORD, HOME)).ok, true);
    await accounts.stop();
  });

  it('forget nobody for tries that nobody had the time to judge', () => {
    const limits = new GuessLimits(new ManualClock());
    for (let tries = 0; tries < 5; tries++) limits.begin('ann', HOME);
    for (let number = 0; number < 20_000; number++) {
      const begun = limits.begin(`name ${number}`, '192.0.2.2');
      assert.ok('unjudged' in begun);
      begun.unjudged();
    }
    assert.deepEqual(limits.begin('ann', HOME), { waitMs: 1000 });
  });

  it('are not in the way of many who are right at once', () => {
    const { comeIn } = open();
    for (let count = 0; count < 1000; count++) assert.equal(comeIn('sensors', HOME), true);
  });

  it('hold one address that tries many names, of IPv6 its network', () => {
    const { guess } = open();
    for (let tries = 0; tries < 20; tries++) assert.equal(guess(`name ${tries}`, `2001:db8::${tries}`), 0);
    assert.equal(guess('another', '2001:db8::ffff'), 1000);
    assert.equal(guess('another', '2001:db8:1::1'), 0);
  });

  it('hold many addresses that try one name, and not its owner where they were before', () => {
    const { guess, comeIn } = open();
    assert.equal(comeIn('ann', HOME), true);
    for (let tries = 0; tries < 100; tries++) assert.equal(guess('ann', `10.0.${tries}.1`), 0);
    assert.notEqual(guess('ann', '10.1.0.1'), 0);
    assert.equal(comeIn('ann', HOME), true);
    assert.equal(comeIn('bob', '10.1.0.1'), true);
  });

  it('let the owner in from a new address too, after half a minute at most, whatever strangers do', () => {
    const { clock, guess, comeIn } = open();
    for (let tries = 0; tries < 1000; tries++) {
      guess('ann', `10.${tries % 200}.${Math.floor(tries / 200)}.1`);
      clock.advance(MINUTE_MS);
    }
    clock.advance(MINUTE_MS / 2);
    assert.equal(comeIn('ann', '198.51.100.7'), true);
  });

  it('let who was right before in, although another name was tried from the same address', () => {
    const { guess, comeIn } = open();
    assert.equal(comeIn('ann', HOME), true);
    for (let tries = 0; tries < 30; tries++) guess(`stranger ${tries}`, HOME);
    assert.notEqual(guess('stranger', HOME), 0);
    assert.equal(comeIn('ann', HOME), true);
  });

  it('keep no more than they may of names and addresses that strangers make up', () => {
    const { guess } = open();
    for (let count = 0; count < 25_000; count++) guess(`name ${count}`, `10.${count % 250}.${count >> 8}.1`);
    for (let tries = 0; tries < 5; tries++) assert.equal(guess('ann', HOME), 0);
    assert.equal(guess('ann', HOME), 1000);
  });
});
