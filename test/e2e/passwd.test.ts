import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { plainEnvironment } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { parsePasswordFile, type PasswordFile } from '../../src/mqtt/access/password-file.ts';
import { isPasswordOf } from '../../src/mqtt/access/password-hash.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');

const folder = mkdtempSync(join(tmpdir(), 'recado-passwd-'));
after(() => rmSync(folder, { recursive: true }));

type End = { readonly end: unknown; readonly output: string; readonly errors: string };

/** Runs `recado passwd …` with this input. */
async function passwd(args: readonly string[], input: string): Promise<End> {
  const child = spawn(process.execPath, [MAIN, 'passwd', ...args], {
    cwd: folder,
    env: plainEnvironment(),
    timeout: 30_000,
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // It may end without having read anything.
  child.stdin.on('error', () => undefined).end(input);
  const [end] = (await once(child, 'close')) as unknown[];
  return { end, output, errors };
}

function readUsers(name: string): PasswordFile {
  const parsed = parsePasswordFile(readFileSync(join(folder, name), 'utf8'));
  assert.ok(parsed.ok);
  return parsed.value;
}

async function opens(name: string, user: string, password: string): Promise<boolean> {
  const hash = readUsers(name).passwords.get(user);
  return hash !== undefined && (await isPasswordOf(hash, Buffer.from(password)));
}

describe('recado passwd, through a pipe', () => {
  it('makes the file for its owner alone, from the first line of the input', async () => {
    const made = await passwd(['new.txt', 'ann'], ' se cret \r\nmore\n');
    assert.deepEqual(made, { end: 0, output: 'ann can come with a password (new.txt).\n', errors: '' });
    assert.ok(await opens('new.txt', 'ann', ' se cret '));
    assert.equal(statSync(join(folder, 'new.txt')).mode & 0o777, 0o600);
  });

  it('changes one user of many; SCRAM stays, with the new password', async () => {
    const name = 'many.txt';
    await passwd([name, 'ann'], 'one');
    const { output } = await passwd([name, 'bob', '--scram'], 'two');
    assert.equal(output, `bob can come with a password, and with SCRAM-SHA-256 (${name}).\n`);
    const before = readUsers(name);
    assert.ok(before.scram.has('bob') && !before.scram.has('ann'));
    await passwd([name, 'bob'], 'three');
    const now = readUsers(name);
    assert.notEqual(now.scram.get('bob')?.text, before.scram.get('bob')?.text);
    assert.equal(now.passwords.get('ann')?.text, before.passwords.get('ann')?.text);
    assert.deepEqual([await opens(name, 'bob', 'two'), await opens(name, 'bob', 'three')], [false, true]);
    // A password that SCRAM prohibits: the old one must not live on in the other line.
    const lost = await passwd([name, 'bob'], 'bell\u0007');
    assert.match(lost.errors, /no longer with SCRAM-SHA-256/);
    assert.equal(readUsers(name).scram.size, 0);
  });

  it('takes a user out', async () => {
    const name = 'out.txt';
    await passwd([name, 'ann', '--scram'], 'x');
    const gone = await passwd([name, 'ann', '--delete'], '');
    assert.deepEqual(gone, { end: 0, output: `ann is no longer in ${name}.\n`, errors: '' });
    assert.equal(readFileSync(join(folder, name), 'utf8'), '');
    const again = await passwd([name, 'ann', '--delete'], '');
    assert.deepEqual(again, { end: 1, output: '', errors: `recado: ${name} has no user "ann"\n` });
    assert.equal((await passwd(['none.txt', 'ann', '--delete'], '')).end, 1);
    assert.ok(!existsSync(join(folder, 'none.txt')));
  });

  it('says what is wrong, and changes nothing', async () => {
    writeFileSync(join(folder, 'other.yaml'), 'a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n');
    for (const [args, input, end, errors] of [
      [['w.txt', 'ann'], '', 1, /password is empty/],
      [['w.txt', 'ann'], '\nx\n', 1, /password is empty/],
      [['w.txt', 'ann'], 'x'.repeat(65_536), 1, /longer than 65535 bytes/],
      [['w.txt', 'ann', '--scram'], 'bell\u0007', 1, /characters that SCRAM prohibits/],
      [['w.txt', 'ª', '--scram'], 'x', 1, /write the name as "a"/],
      [['w.txt', 'a:b'], 'x', 2, /must not have a colon/],
      [['w.txt', 'a', '--scram', '--delete'], 'x', 2, /exclude each other/],
      [['none/w.txt', 'ann'], 'x', 1, /none\/w\.txt cannot be written: there is no such folder/],
      [['other.yaml', 'ann'], 'x', 1, /other\.yaml:1: .*\n.*\n.*\nrecado: … and 2 more\n$/],
    ] as const) {
      const result = await passwd(args, input);
      assert.equal(result.end, end, result.errors);
      assert.match(result.errors, errors);
      assert.equal(result.output, '');
    }
    assert.ok(!existsSync(join(folder, 'w.txt')));
  });

  it('keeps the rights of a file that others share', async () => {
    const file = join(folder, 'shared.txt');
    writeFileSync(file, '# shared\n');
    chmodSync(file, 0o640);
    await passwd(['shared.txt', 'ann'], 'x');
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.match(readFileSync(file, 'utf8'), /^# shared\nann:/);
  });
});

describe('recado passwd, in a terminal', { skip: process.platform === 'win32' }, () => {
  function start(t: TestContext, name: string): TerminalProgram {
    const program = new TerminalProgram([process.execPath, MAIN, 'passwd', name, 'ann'], {
      cwd: folder,
      env: plainEnvironment(),
    });
    t.after(() => program.stop());
    return program;
  }

  it('asks twice, and shows nothing of it', async (t) => {
    const program = start(t, 'tty.txt');
    await program.waitFor('New password of ann:');
    program.type('hunter3');
    program.press('backspace');
    program.type('2\r');
    await program.waitFor('Once more:');
    program.type('hunter2\r');
    assert.equal(await program.exit(), 0);
    assert.ok(await opens('tty.txt', 'ann', 'hunter2'));
    assert.doesNotMatch(program.output, /hunter/);
  });

  it('takes both lines when they come at once', async (t) => {
    const program = start(t, 'pasted.txt');
    await program.waitFor('New password of ann:');
    program.type('hunter2\rhunter2\r');
    assert.equal(await program.exit(), 0);
    assert.ok(await opens('pasted.txt', 'ann', 'hunter2'));
  });

  it('refuses two different ones', async (t) => {
    const program = start(t, 'two.txt');
    await program.waitFor('New password of ann:');
    program.type('one\r');
    await program.waitFor('Once more:');
    program.type('other\r');
    assert.equal(await program.exit(), 1);
    assert.match(program.output, /two different passwords, nothing was changed/);
    assert.ok(!existsSync(join(folder, 'two.txt')));
  });

  it('gives up on Ctrl+C', async (t) => {
    const program = start(t, 'given-up.txt');
    await program.waitFor('New password of ann:');
    program.type('one');
    program.press('ctrlC');
    assert.equal(await program.exit(), 1);
    assert.match(program.output, /given up, nothing was changed/);
    assert.ok(!existsSync(join(folder, 'given-up.txt')));
  });
});
