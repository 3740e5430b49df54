import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { hashPassword, isPasswordOf, parsePasswordHash, type PasswordHash } from './password-hash.ts';

const MOSQUITTO_PASSWD = '/usr/bin/mosquitto_passwd';
const SALT = 'c29tZXNhbHRzb21lc2FsdA';
const DIGEST = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

/** Of the password `password`; the first is of the reference implementation's tests, the second of Passlib's manual. */
const KNOWN = [
  '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
];
/** Made by mosquitto_passwd 2.0 for `secret`. */
const MOSQUITTO =
  '$7$101$9zH6kv24P5tVvBBp$' +
  'OqWZa6BsLgVuSWRb/ucb0AKWzsLBx4srFtejfieP3a6xKyTkWOza1QvkAY1ZKTWWf+MvQ6l3UW8r7AWcBCfaHg==';

function parse(text: string): PasswordHash {
  const parsed = parsePasswordHash(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure);
  return parsed.value;
}

function faultOf(text: string): string {
  const parsed = parsePasswordHash(text);
  assert.ok(!parsed.ok, text);
  return parsed.failure;
}

describe('a stored password', () => {
  for (const [text, password] of [
    ...KNOWN.map((text) => [text, 'password'] as const),
    [MOSQUITTO, 'secret'],
  ] as const) {
    it(`${text.slice(0, 30)}… opens to its password alone`, async () => {
      assert.equal(await isPasswordOf(parse(text), Buffer.from(password)), true);
      for (const wrong of ['', 'Password', `${password} `])
        assert.equal(await isPasswordOf(parse(text), Buffer.from(wrong)), false);
    });
  }

  it('is made with a salt of its own, and opens to its password', async () => {
    const password = Buffer.from([0, 255, 128, 10]);
    const [one, other] = await Promise.all([hashPassword(password), hashPassword(password)]);
    assert.notEqual(one, other);
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    assert.equal(await isPasswordOf(parse(one), password), true);
    assert.equal(await isPasswordOf(parse(one), password.subarray(1)), false);
  });

  it('of the installed mosquitto_passwd is read', { skip: !existsSync(MOSQUITTO_PASSWD) }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'recado-passwd-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'users.txt');
    for (const kind of ['sha512-pbkdf2', 'sha512']) {
      const words = ['-H', kind, '-c', '-b', file, 'ann', 'pässword'];
      execFileSync(MOSQUITTO_PASSWD, words, { stdio: 'ignore' });
      const [, text = ''] = readFileSync(file, 'utf8').trim().split(':');
      assert.ok(text.startsWith(kind === 'sha512' ? '$6$' : '$7$'));
      assert.equal(await isPasswordOf(parse(text), Buffer.from('pässword')), true);
      assert.equal(await isPasswordOf(parse(text), Buffer.from('password')), false);
    }
  });
});

describe('parsePasswordHash', () => {
  it('refuses hashes that would cost too much', () => {
    const argon2 = (costs: string): string => faultOf(`$argon2id$v=19$${costs}$${SALT}$${DIGEST}`);
    assert.match(argon2('m=10485760,t=1,p=1'), /more than 262144 KiB/);
    assert.match(argon2('m=262144,t=5,p=1'), /more work/);
    assert.match(argon2('m=19456,t=999999999,p=1'), /more work/);
    assert.match(argon2('m=19456,t=1,p=17'), /lanes/);
    const scrypt = (costs: string): string => faultOf(`$scrypt$${costs}$${SALT}$${DIGEST}`);
    assert.match(scrypt('ln=99,r=8,p=1'), /more than 262144 KiB/);
    assert.match(scrypt('ln=17,r=999999999,p=1'), /more than 262144 KiB/);
    assert.match(scrypt('ln=18,r=8,p=16'), /more work/);
    assert.match(faultOf(MOSQUITTO.replace('101', '5000001')), /more than 5000000 iterations/);
  });

  it('takes what costs just as much as it may', async () => {
    const most = parse(`$argon2id$v=19$m=262144,t=4,p=1$${SALT}$${DIGEST}`);
    assert.deepEqual(most.method, { kind: 'argon2id', memoryKiB: 262_144, passes: 4, lanes: 1 });
    assert.equal(parse(`$scrypt$ln=18,r=8,p=4$${SALT}$${DIGEST}`).method.kind, 'scrypt');
    // The least that there is, computed: a wrong password is an answer, not an error.
    for (const least of ['$argon2id$v=19$m=8,t=1,p=1$', '$scrypt$ln=1,r=1,p=1$'])
      assert.equal(await isPasswordOf(parse(`${least}${SALT}$${DIGEST}`), Buffer.alloc(0)), false);
  });

  it('refuses what is not whole', () => {
    for (const text of [
      `$argon2id$v=16$m=19456,t=2,p=1$${SALT}$${DIGEST}`,
      `$argon2id$m=19456,t=2,p=1$${SALT}$${DIGEST}`,
      `$argon2id$v=19$m=4,t=2,p=1$${SALT}$${DIGEST}`,
      `$argon2id$v=19$m=19456,t=0,p=1$${SALT}$${DIGEST}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${DIGEST}$x`,
      `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$`,
      `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${DIGEST.slice(0, 20)}`,
      `$argon2id$v=19$m=19456,t=2,p=1$c2Fs$${DIGEST}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(88)}$${DIGEST}`,
      `$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${DIGEST.replace('C', '*')}`,
      `$scrypt$ln=16,r=0,p=1$${SALT}$${DIGEST}`,
      `$scrypt$n=16,r=8,p=1$${SALT}$${DIGEST}`,
      MOSQUITTO.slice(0, -8),
      MOSQUITTO.replace('101', '0'),
      MOSQUITTO.replace('101', '-1'),
      '$7$',
      '$',
      '',
    ])
      assert.notEqual(faultOf(text), '', text);
  });

  it('says what an old or unknown hash is, and never repeats it', () => {
    assert.match(faultOf('$6$c2FsdA==$aGFzaA=='), /at least|16 to 64 bytes/);
    assert.match(faultOf('$2b$12$abcdef'), /no hash that is known/);
    assert.doesNotMatch(faultOf('hunter2'), /hunter2/);
  });
});
