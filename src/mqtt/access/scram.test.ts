import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { AuthenticationExchange, AuthenticationStep, ClientInfo } from '../broker/hooks.ts';
import { saslPrep } from './sasl-prep.ts';
import { createScramCredentials, parseScramCredentials, type ScramCredentials } from './scram-credentials.ts';
import { createScramMethod, MAX_SCRAM_MESSAGE_BYTES, ScramUsers } from './scram.ts';

/** RFC 7677 section 3. */
const RFC = {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
    'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

const credentials = await createRfcCredentials();

async function createRfcCredentials(): Promise<ScramCredentials> {
  const made = await createScramCredentials('pencil', { salt: RFC.salt, iterations: 4096 });
  assert.ok(made !== undefined);
  return made;
}

function begin(userName?: string, serverNonce = RFC.serverNonce): AuthenticationExchange {
  const users = new ScramUsers();
  users.setUsers(
    new Map([
      ['user', credentials],
      ['a,b=c', credentials],
    ]),
  );
  return createScramMethod(users, () => serverNonce).begin(clientNamed(userName));
}

function clientNamed(userName: string | undefined): ClientInfo {
  const peer = { transport: 'tcp', address: '127.0.0.1', port: 1, certificate: undefined } as const;
  return { clientId: 'c', userName, protocolVersion: 5, peer, listener: 'l' };
}

function send(exchange: AuthenticationExchange, message: string): AuthenticationStep {
  const step = exchange.next(Buffer.from(message));
  assert.ok(!(step instanceof Promise));
  return step;
}

function textOf(step: AuthenticationStep): string {
  assert.notEqual(step.step, 'failure', JSON.stringify(step));
  return step.step === 'failure' ? '' : Buffer.from(step.data ?? []).toString();
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

type Login = { readonly header?: string; readonly user?: string; readonly password?: string };

/** The client's side, written from RFC 5802 alone. */
function logIn(
  exchange: AuthenticationExchange,
  { header = 'n,,', user = 'user', password = 'pencil' }: Login = {},
) {
  const bare = `n=${user},r=clientnonce`;
  const serverFirst = textOf(send(exchange, header + bare));
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst) ?? [];
  assert.ok(nonce.startsWith('clientnonce') && nonce.length > 'clientnonce'.length);
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const withoutProof = `c=${Buffer.from(header).toString('base64')},r=${nonce}`;
  const authMessage = `${bare},${serverFirst},${withoutProof}`;
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
  const last = send(exchange, `${withoutProof},p=${proof.toString('base64')}`);
  const expected = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`;
  return { last, salt, iterations, hasServerProved: last.step === 'success' && textOf(last) === expected };
}

describe('SCRAM-SHA-256', () => {
  it('says what RFC 7677 says', () => {
    const exchange = begin();
    assert.equal(textOf(send(exchange, RFC.clientFirst)), RFC.serverFirst);
    const last = send(exchange, RFC.clientFinal);
    assert.equal(textOf(last), RFC.serverFinal);
    assert.ok(last.step === 'success' && last.userName === 'user');
  });

  it('lets the right ones in, whatever the header says that may be said', () => {
    for (const header of ['n,,', 'y,,', 'n,a=user,'])
      assert.ok(logIn(begin(), { header }).hasServerProved, header);
    assert.ok(logIn(begin(), { user: 'a=2Cb=3Dc' }).hasServerProved);
    assert.ok(logIn(begin(undefined, 'x'), { user: 'ｕｓｅｒ' }).hasServerProved, 'NFKC');
  });

  it('is the same for a wrong password, an unknown user and another one than CONNECT named', () => {
    const denied = { step: 'failure', reasonCode: 0x87 };
    assert.deepEqual(logIn(begin(), { password: 'crayon' }).last, denied);
    assert.deepEqual(logIn(begin(), { user: 'nobody' }).last, denied);
    assert.deepEqual(logIn(begin('somebody')).last, denied);
    assert.ok(logIn(begin('user')).hasServerProved);
  });

  it('has one salt for each unknown user, also after a restart, like those of known ones', () => {
    const [one, again, other] = ['x', 'x', 'y'].map((user) => logIn(begin(), { user }));
    assert.deepEqual([one?.salt, one?.iterations], [again?.salt, again?.iterations]);
    assert.notEqual(one?.salt, other?.salt);
    assert.equal(one?.salt.length, logIn(begin()).salt.length);
    assert.equal(one?.iterations, '4096');
  });

  it('has an answer for unknown users when there are no users at all', () => {
    const exchange = createScramMethod(new ScramUsers()).begin(clientNamed(undefined));
    const { last, iterations } = logIn(exchange);
    assert.deepEqual([last.step, iterations], ['failure', '16384']);
  });

  it('never says the same nonce twice', () => {
    const method = createScramMethod(new ScramUsers());
    const nonces = [1, 2].map(() => textOf(send(method.begin(clientNamed(undefined)), RFC.clientFirst)));
    assert.notEqual(nonces[0], nonces[1]);
  });

  it('asks once who did not begin', () => {
    const exchange = begin();
    assert.equal(textOf(send(exchange, '')), '');
    assert.ok(logIn(exchange).hasServerProved);
    const silent = begin();
    send(silent, '');
    assert.equal(send(silent, '').step, 'failure');
  });

  it('refuses first messages that are not ones', () => {
    for (const message of [
      'p=tls-exporter,,n=user,r=abc',
      'n,a=root,n=user,r=abc',
      'x,,n=user,r=abc',
      'n,,n=user',
      'n,,r=abc,n=user',
      'n,,m=ext,n=user,r=abc',
      'n,,n=us=er,r=abc',
      'n,,n=us=2c,r=abc',
      'n,,n=,r=abc',
      'n,,n=us\u0000er,r=abc',
      'n,,n=user,r=',
      'n,,n=user,r=a b',
      'n,,n=user,r=ü',
      `n,,n=user,r=${'a'.repeat(257)}`,
      `n,,n=${'u'.repeat(MAX_SCRAM_MESSAGE_BYTES)},r=abc`,
      RFC.clientFinal,
      '\n',
    ])
      assert.equal(send(begin(), message).step, 'failure', message);
    assert.equal((begin().next(Buffer.from([0xff, 0xfe])) as AuthenticationStep).step, 'failure');
  });

  it('refuses last messages that are not of this exchange', () => {
    for (const message of [
      RFC.clientFinal.replace('c=biws', 'c=eSws'),
      RFC.clientFinal.replace('c=biws', `c=${Buffer.from('p=tls-exporter,,').toString('base64')}`),
      RFC.clientFinal.replace('r=rOpr', 'r=xOpr'),
      RFC.clientFinal.replace('p=d', 'p=e'),
      RFC.clientFinal.replace(/p=.*/, 'p='),
      RFC.clientFinal.replace(/p=.*/, 'p=AAAA'),
      RFC.clientFinal.replace('p=d', 'p=*'),
      `${RFC.clientFinal},x=y`,
      RFC.clientFirst,
      '',
    ]) {
      const exchange = begin();
      send(exchange, RFC.clientFirst);
      assert.equal(send(exchange, message).step, 'failure', message);
      assert.equal(send(exchange, RFC.clientFinal).step, 'failure', 'a second try');
    }
  });
});

describe('stored credentials of SCRAM', () => {
  it('are read back as they were made', async () => {
    const made = await createScramCredentials('päss\u00adword');
    assert.ok(made !== undefined);
    assert.match(made.text, /^\$scram-sha-256\$i=16384(\$[\w+/]{22})(\$[\w+/]{43}){2}$/);
    const parsed = parseScramCredentials(made.text);
    assert.deepEqual(parsed.ok && parsed.value, made);
  });

  it('are not made of prohibited passwords', async () => {
    assert.equal(await createScramCredentials('a\u0007b'), undefined);
    assert.equal(await createScramCredentials(''), undefined);
  });

  it('are refused when they ask for too much or too little', () => {
    for (const count of ['4095', '5000001', '99999999999', '-1', '']) {
      const parsed = parseScramCredentials(credentials.text.replace('i=4096', `i=${count}`));
      assert.ok(!parsed.ok && /4096 to 5000000/.test(parsed.failure), count);
    }
    const long = 'A'.repeat(88);
    for (const salt of ['', '*', long]) {
      const [, kind, iterations, , ...keys] = credentials.text.split('$');
      assert.ok(!parseScramCredentials(['', kind, iterations, salt, ...keys].join('$')).ok, salt);
    }
  });
});

describe('saslPrep', () => {
  it('says what RFC 4013 section 3 says', () => {
    assert.equal(saslPrep('I\u00adX'), 'IX');
    assert.equal(saslPrep('user'), 'user');
    assert.equal(saslPrep('USER'), 'USER');
    assert.equal(saslPrep('\u00aa'), 'a');
    assert.equal(saslPrep('\u2168'), 'IX');
    assert.equal(saslPrep('\u0007'), undefined);
  });

  it('makes spaces one kind, and prohibits what cannot be told apart or seen', () => {
    assert.equal(saslPrep('a\u00a0b\u3000c'), 'a b c');
    for (const text of [
      '',
      '\u200b',
      'a\u202eb',
      'a\ufffdb',
      '\ud800',
      '\ue000',
      '\ufdd0',
      '\u{e0041}',
      '\u007f',
    ])
      assert.equal(saslPrep(text), undefined, JSON.stringify(text));
  });
});
