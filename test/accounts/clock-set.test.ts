import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Accounts } from '../../src/accounts/accounts.ts';
import { MemoryAccountStore } from '../../src/accounts/memory-account-store.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { IdempotencyKeys } from '../../src/devices/idempotency-keys.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const PASSWORD = 'correct horse battery';
const RIGHTS = { roles: ['viewer'], scopes: [] } as const;

async function open(clock: ManualClock, store = new MemoryAccountStore()) {
  const accounts = new Accounts({ store, clock, log: silentLogger });
  await accounts.start();
  return accounts;
}

async function makeAnn(accounts: Accounts) {
  const made = await accounts.users.create({ name: 'ann', password: PASSWORD, ...RIGHTS });
  assert.ok(made.ok);
  return made.value;
}

async function makeToken(accounts: Accounts, clock: ManualClock, forMs: number) {
  const made = await accounts.tokens.create({ name: 'x', ...RIGHTS, expiresAt: clock.now() + forMs });
  assert.ok(made.ok);
  return made.value.text;
}

async function signIn(accounts: Accounts) {
  const { passwordAt } = accounts.users.get('ann')!;
  return accounts.signIns.open(accounts.users.principalOf('ann')!, passwordAt);
}

describe('a clock of the machine that is set', () => {
  it('back: a user made before it is who asked afterwards', async () => {
    const clock = new ManualClock(YEAR_MS);
    const accounts = await open(clock);
    const early = clock.now();
    clock.set(YEAR_MS);
    await makeAnn(accounts);
    assert.equal(accounts.wasThere('user:ann', early), false);
    clock.set(-YEAR_MS);
    assert.equal(accounts.wasThere('user:ann', clock.now()), true);
    const asked = { principal: 'user:ann', acceptedAt: clock.now() };
    assert.equal(accounts.mayStill(asked, 'read', {}), true);
  });

  it('back: no sign-in lasts longer for it, also not one that outlives the hub', async () => {
    const clock = new ManualClock(2 * YEAR_MS);
    const store = new MemoryAccountStore();
    const accounts = await open(clock, store);
    await makeAnn(accounts);
    const secret = await signIn(accounts);
    clock.set(-YEAR_MS);
    for (let hours = 0; hours < 168; hours++) {
      clock.advance(HOUR_MS);
      assert.ok(accounts.signIns.verify(secret));
    }
    clock.advance(HOUR_MS);
    assert.equal(accounts.signIns.verify(secret), undefined);

    const late = await signIn(accounts);
    clock.set(-YEAR_MS);
    const again = await open(clock, store);
    assert.ok(again.signIns.verify(late));
    clock.advance(25 * HOUR_MS);
    assert.equal(again.signIns.verify(late), undefined);
    await accounts.stop();
    await again.stop();
  });

  it('forward, by a machine that finds out what time it is: nobody is signed out', async () => {
    const clock = new ManualClock(0);
    const accounts = await open(clock);
    await makeAnn(accounts);
    const secret = await signIn(accounts);
    clock.set(50 * YEAR_MS);
    assert.ok(accounts.signIns.verify(secret));
    await accounts.stop();
  });

  it('back: a token lasts no longer than it was made for', async () => {
    const clock = new ManualClock(2 * YEAR_MS);
    const accounts = await open(clock);
    const text = await makeToken(accounts, clock, HOUR_MS);
    clock.set(-YEAR_MS);
    const principal = accounts.tokens.verify(text);
    assert.ok(principal);
    clock.advance(HOUR_MS);
    assert.equal(accounts.tokens.verify(text), undefined);
    assert.equal(accounts.hasEnded(principal), true);
    await accounts.stop();
  });

  it('forward: who came with a token that has expired by it is gone within a minute', async () => {
    const clock = new ManualClock(YEAR_MS);
    const accounts = await open(clock);
    const text = await makeToken(accounts, clock, DAY_MS);
    const principal = accounts.tokens.verify(text);
    assert.ok(principal);
    clock.set(2 * DAY_MS);
    assert.equal(accounts.tokens.verify(text), undefined);
    clock.advance(60_000);
    assert.equal(accounts.hasEnded(principal), true);
    // It was wrong, and is set right: the token is good again, and who came before has still ended.
    clock.set(-2 * DAY_MS);
    const again = accounts.tokens.verify(text);
    assert.ok(again);
    assert.equal(accounts.hasEnded(again), false);
    assert.equal(accounts.hasEnded(principal), true);
    clock.advance(DAY_MS);
    assert.equal(accounts.hasEnded(again), true);
    await accounts.stop();
  });

  it('forward: a key still stands for what was done with it, and the audit forgets nothing', async () => {
    const clock = new ManualClock(YEAR_MS);
    const keys = new IdempotencyKeys(clock, new Ledger(), () => {});
    const command = { principal: 'user:ann', deviceId: 'pump', command: 'go', key: 'k' };
    keys.keep(command, { id: '1', digest: 'd', acceptedAt: clock.now() }, 'user:ann');
    const accounts = await open(clock);
    const note = () =>
      accounts.audit.note(accounts.users.principalOf('ann')!, {
        address: '',
        action: 'x',
        target: '',
        status: 200,
      });
    await makeAnn(accounts);
    note();
    clock.set(YEAR_MS);
    assert.equal(keys.get(command)?.id, '1');
    note();
    assert.equal((await accounts.audit.read({ limit: 10 })).length, 2);
    clock.set(-YEAR_MS);
    clock.advance(DAY_MS);
    assert.equal(keys.get(command), undefined);
    await accounts.stop();
  });
});
