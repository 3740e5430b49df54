import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_TOLD_FAULTS } from './file-fault.ts';
import { findUserNameFault, parsePasswordFile } from './password-file.ts';

const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const KEY = 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=';
const SCRAM = `$scram-sha-256$i=4096$W22ZaJ0SNY7soEsUEjb6gQ==$${KEY}$${KEY}`;

function faultsOf(text: string): string[] {
  const parsed = parsePasswordFile(text);
  return parsed.ok ? [] : parsed.failure.map(({ line, message }) => `${line}: ${message}`);
}

describe('parsePasswordFile', () => {
  it('reads users of both kinds, comments, empty lines and line ends of every system', () => {
    const text = `# users\r\n\n  \nann:${HASH}\r\nann:${SCRAM}  \nö b$:${SCRAM}\n__proto__:${HASH}`;
    const parsed = parsePasswordFile(text);
    assert.ok(parsed.ok);
    assert.deepEqual([...parsed.value.passwords.keys()], ['ann', '__proto__']);
    assert.deepEqual([...parsed.value.scram.keys()], ['ann', 'ö b$']);
    assert.equal(parsed.value.passwords.get('ann')?.text, HASH);
  });

  it('reads an empty file: nobody is let in', () => {
    const parsed = parsePasswordFile('');
    assert.ok(parsed.ok);
    assert.equal(parsed.value.passwords.size + parsed.value.scram.size, 0);
  });

  it('says line, fault and remedy', () => {
    assert.deepEqual(faultsOf('\nann'), ['2: must be "user:hash"; write it with "recado passwd FILE USER"']);
    assert.match(faultsOf(`:${HASH}`)[0] ?? '', /^1: must be "user:hash"/);
    assert.match(faultsOf(` ann:${HASH}`)[0] ?? '', /^1: a user name must not begin or end with a space/);
    assert.match(
      faultsOf(`ann:${HASH}\nbob:x\nann:${HASH}`)[0] ?? '',
      /^2: "bob" has no hash that is known .* anew/,
    );
    assert.deepEqual(faultsOf(`ann:${HASH}\nbob:${HASH}\nann:${HASH}`), [
      '3: "ann" stands in line 1 too; take one of them away',
    ]);
    assert.match(faultsOf(`ann:${SCRAM.replace('4096', '4095')}`)[0] ?? '', /4096 to 5000000/);
    assert.match(faultsOf(`ann:${SCRAM}$x`)[0] ?? '', /is the line whole\?/);
    assert.match(faultsOf(`ann:${SCRAM.slice(0, -8)}`)[0] ?? '', /is the line whole\?/);
  });

  it('wants names of SCRAM as SCRAM compares them', () => {
    assert.deepEqual(faultsOf(`ª:${SCRAM}`), ['1: "ª" cannot come with SCRAM; write the name as "a"']);
    assert.match(faultsOf(`\ue000:${SCRAM}`)[0] ?? '', /prohibited in user names/);
    assert.deepEqual(faultsOf(`ª:${HASH}`), []);
  });

  it('tells so many faults and no more, and never a password', () => {
    const faults = faultsOf('ann:hunter2\n'.repeat(10_000));
    assert.equal(faults.length, MAX_TOLD_FAULTS);
    assert.doesNotMatch(faults.join(), /hunter2/);
  });
});

describe('findUserNameFault', () => {
  it('finds what could not be read back', () => {
    for (const name of ['', 'a:b', '#a', ' a', 'a ', 'a\nb', 'a\tb', 'a\0', '\ud800'])
      assert.notEqual(findUserNameFault(name), undefined, JSON.stringify(name));
    for (const name of ['ann', 'a b', 'a#b', 'a/b', 'José', '$x', '+'])
      assert.equal(findUserNameFault(name), undefined, name);
  });
});
