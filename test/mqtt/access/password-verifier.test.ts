import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { parsePasswordHash, type PasswordHash } from '../../../src/mqtt/access/password-hash.ts';
import {
  DEFAULT_VERIFIER_LIMITS,
  PasswordVerifier,
  type VerifierLimits,
} from '../../../src/mqtt/access/password-verifier.ts';

function hashOf(password: string, salt = 'salt'): PasswordHash {
  const digest = pbkdf2Sync(password, salt, 1, 64, 'sha512').toString('base64');
  const parsed = parsePasswordHash(`$7$1$${Buffer.from(salt).toString('base64')}$${digest}`);
  assert.ok(parsed.ok);
  return parsed.value;
}

const ann = hashOf('secret');

function createVerifier(limits: Partial<VerifierLimits> = {}, clock = new ManualClock()): PasswordVerifier {
  const verifier = new PasswordVerifier({ ...DEFAULT_VERIFIER_LIMITS, ...limits }, clock);
  verifier.setUsers(new Map([['ann', ann]]));
  return verifier;
}

const secret = Buffer.from('secret');
const wrong = Buffer.from('guess');

describe('PasswordVerifier', () => {
  it('costs one hash whoever asks, and with whatever password', async () => {
    const verifier = createVerifier();
    for (const [user, password] of [
      ['ann', wrong],
      ['ann', undefined],
      ['nobody', secret],
      ['nobody', undefined],
      ['', wrong],
      ['__proto__', secret],
    ] as const) {
      const { hashes } = verifier.counters;
      assert.equal(await verifier.verify(user, password, 'a'), 'wrong');
      assert.equal(verifier.counters.hashes, hashes + 1, user);
    }
    verifier.setUsers(new Map());
    assert.equal(await verifier.verify('ann', secret, 'a'), 'wrong');
    assert.equal(verifier.counters.hashes, 7);
  });

  it('never lets an unknown user in with the password of another', async () => {
    const verifier = createVerifier();
    for (let number = 0; number < 20; number++)
      assert.equal(await verifier.verify(`user ${number}`, secret, 'a'), 'wrong');
  });

  it('remembers what was right, by user, stored hash and password, until the users are others', async () => {
    const verifier = createVerifier();
    verifier.setUsers(
      new Map([
        ['ann', ann],
        ['bob', ann],
      ]),
    );
    assert.equal(await verifier.verify('ann', secret, 'a'), 'right');
    assert.equal(verifier.verify('ann', secret, 'a'), 'right');
    assert.deepEqual(verifier.counters, { hashes: 1, remembered: 1, busy: 0, waiting: 0 });
    assert.equal(await verifier.verify('ann', wrong, 'a'), 'wrong');
    assert.equal(await verifier.verify('bob', secret, 'a'), 'right');
    assert.equal(verifier.counters.hashes, 3);
    verifier.setUsers(new Map([['ann', ann]]));
    assert.equal(await verifier.verify('ann', secret, 'a'), 'right');
    assert.equal(verifier.counters.hashes, 4);
  });

  it('remembers no more than it may, the latest ones', async () => {
    const verifier = createVerifier({ maxVerifiedPasswords: 2 });
    verifier.setUsers(new Map(['a', 'b', 'c'].map((name) => [name, ann])));
    for (const name of ['a', 'b', 'c']) await verifier.verify(name, secret, 'x');
    assert.equal(verifier.verify('b', secret, 'x'), 'right');
    assert.equal(verifier.verify('c', secret, 'x'), 'right');
    assert.equal(verifier.counters.hashes, 3);
    assert.equal(await verifier.verify('a', secret, 'x'), 'right');
    assert.equal(verifier.counters.hashes, 4);
    const forgetful = createVerifier({ maxVerifiedPasswords: 0 });
    await forgetful.verify('ann', secret, 'x');
    await forgetful.verify('ann', secret, 'x');
    assert.equal(forgetful.counters.hashes, 2);
  });

  it('is busy beyond what may wait, in all and for one address', async () => {
    const verifier = createVerifier({
      maxHashesAtOnce: 1,
      maxWaitingHashes: 3,
      maxWaitingHashesPerAddress: 2,
    });
    const ask = (address: string): unknown => verifier.verify('ann', wrong, address);
    const [running, first, second, third] = [ask('a'), ask('a'), ask('a'), ask('a')];
    assert.equal(third, 'busy');
    const other = ask('b');
    assert.deepEqual(verifier.counters, { hashes: 1, remembered: 0, busy: 1, waiting: 3 });
    const newcomer = ask('c');
    assert.equal(await second, 'busy', 'the newest of who has most leaves for a newcomer');
    assert.equal(ask('d'), 'busy', 'nobody has more than one');
    assert.deepEqual(await Promise.all([running, first, other, newcomer]), Array(4).fill('wrong'));
    assert.deepEqual(verifier.counters, { hashes: 4, remembered: 0, busy: 3, waiting: 0 });
  });

  it('counts the addresses of one IPv6 network as one', () => {
    const verifier = createVerifier({ maxHashesAtOnce: 1, maxWaitingHashesPerAddress: 2 });
    const ask = (host: number): unknown => verifier.verify('ann', wrong, `2001:db8::${host}`);
    const [, , , fourth] = [ask(1), ask(2), ask(3), ask(4)];
    assert.equal(fourth, 'busy');
  });

  it('computes as many at once as it may', () => {
    const verifier = createVerifier({ maxHashesAtOnce: 2 });
    for (let number = 0; number < 5; number++) void verifier.verify('ann', wrong, 'a');
    assert.deepEqual(verifier.counters, { hashes: 2, remembered: 0, busy: 0, waiting: 3 });
  });

  it('does not hash for those who waited too long', async () => {
    const clock = new ManualClock();
    const verifier = createVerifier({ maxHashesAtOnce: 1, maxHashWaitMs: 100 }, clock);
    const [running, waiting] = [verifier.verify('ann', secret, 'a'), verifier.verify('ann', wrong, 'a')];
    clock.advance(101);
    assert.deepEqual(await Promise.all([running, waiting]), ['right', 'busy']);
    assert.deepEqual(verifier.counters, { hashes: 1, remembered: 0, busy: 1, waiting: 0 });
  });

  it('lets nobody in with a hash that went while it was computed', async () => {
    const verifier = createVerifier();
    const before = verifier.verify('ann', secret, 'a');
    verifier.setUsers(new Map([['ann', hashOf('another')]]));
    assert.equal(await before, 'wrong');
    assert.equal(await verifier.verify('ann', Buffer.from('another'), 'a'), 'right');
  });

  it('keeps a copy of the password, since what came is overwritten', async () => {
    const verifier = createVerifier({ maxHashesAtOnce: 1 });
    const received = Buffer.from('secret');
    const [first, second] = [verifier.verify('bob', received, 'a'), verifier.verify('ann', received, 'a')];
    received.fill(0);
    assert.deepEqual(await Promise.all([first, second]), ['wrong', 'right']);
    assert.equal(verifier.verify('ann', secret, 'a'), 'right');
  });

  it('goes on after a hash that fails', async () => {
    const verifier = createVerifier({ maxHashesAtOnce: 1 });
    const broken: PasswordHash = { ...ann, method: { kind: 'pbkdf2-sha512', iterations: -1 } };
    verifier.setUsers(
      new Map([
        ['ann', ann],
        ['eve', broken],
      ]),
    );
    await assert.rejects(async () => verifier.verify('eve', secret, 'a'));
    assert.equal(await verifier.verify('ann', secret, 'a'), 'right');
  });
});
