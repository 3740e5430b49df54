import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { editPasswordFile, findUserSecrets, setUserSecrets } from './edit-password-file.ts';

const WRITTEN = { ok: true, value: { isChanged: true } };
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const folder = mkdtempSync(join(tmpdir(), 'recado-users-'));
const file = join(folder, 'users.txt');
after(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});

describe('setUserSecrets', () => {
  it('changes the lines of one user and no others', () => {
    const text = '# of the house\nann:1\nbob:2\n\nann:3\nann b:4';
    assert.equal(setUserSecrets(text, 'ann', ['x', 'y']), '# of the house\nann:x\nann:y\nbob:2\n\nann b:4\n');
    assert.equal(setUserSecrets(text, 'zoe', ['z']), `${text}\nzoe:z\n`);
    assert.equal(setUserSecrets(text, 'ann', []), '# of the house\nbob:2\n\nann b:4\n');
    assert.equal(setUserSecrets('', 'ann', ['x']), 'ann:x\n');
    assert.equal(setUserSecrets('ann:1', 'ann', []), '');
    assert.deepEqual(findUserSecrets(text, 'ann'), ['1', '3']);
    assert.deepEqual(findUserSecrets(text, 'nn'), []);
  });
});

describe('editPasswordFile', () => {
  it('makes a file that only its owner may read', async () => {
    assert.deepEqual(await editPasswordFile(file, (text) => `${text}ann:${HASH}\n`), WRITTEN);
    assert.equal(readFileSync(file, 'utf8'), `ann:${HASH}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['users.txt']);
  });

  it('puts another file in its place, with the same rights, through a link too', async () => {
    const real = join(folder, 'real.txt');
    writeFileSync(real, `ann:${HASH}\n`);
    chmodSync(real, 0o640);
    symlinkSync(real, file);
    const before = statSync(real).ino;
    assert.deepEqual(await editPasswordFile(file, (text) => `${text}bob:${HASH}\n`), WRITTEN);
    assert.equal(readFileSync(real, 'utf8'), `ann:${HASH}\nbob:${HASH}\n`);
    assert.notEqual(statSync(real).ino, before);
    assert.equal(statSync(real).mode & 0o777, 0o640);
    assert.deepEqual(readdirSync(folder).sort(), ['real.txt', 'users.txt']);
  });

  it('writes nothing that could not be read, and no change that is none', async () => {
    writeFileSync(file, 'http:\n  port: 80\n');
    const edit = await editPasswordFile(file, (text) => `${text}ann:${HASH}\n`);
    assert.ok(!edit.ok);
    assert.match(edit.failure[0] ?? '', /users\.txt:1: "http" has no hash that is known/);
    assert.deepEqual(await editPasswordFile(file, () => undefined), {
      ok: true,
      value: { isChanged: false },
    });
    assert.equal(readFileSync(file, 'utf8'), 'http:\n  port: 80\n');
    assert.deepEqual(readdirSync(folder), ['users.txt']);
  });

  it('refuses the second of two at once, and says what to do', async () => {
    const edits = await Promise.all(
      ['ann', 'bob'].map((user) => editPasswordFile(file, (text) => `${text}${user}:${HASH}\n`)),
    );
    assert.equal(edits.filter(({ ok }) => ok).length, 1);
    const refused = edits.find((edit) => !edit.ok);
    assert.ok(refused?.ok === false);
    assert.match(refused.failure[0] ?? '', /users\.txt\.new exists: .* remove /);
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 2);
  });

  it('leaves nothing behind when it fails', async () => {
    await assert.rejects(
      editPasswordFile(file, () => {
        throw new Error('no');
      }),
    );
    await assert.rejects(
      editPasswordFile(join(folder, 'none', 'users.txt'), () => ''),
      { code: 'ENOENT' },
    );
    const edit = await editPasswordFile(folder, () => '');
    assert.ok(!edit.ok && /is a folder|is no file/.test(edit.failure[0] ?? ''));
    assert.deepEqual(readdirSync(folder), []);
    assert.ok(!existsSync(`${folder}.new`));
  });
});
