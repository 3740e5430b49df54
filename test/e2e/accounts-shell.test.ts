import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { plainEnvironment } from '../helpers/run-program.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { until } from '../helpers/until.ts';

const PASSWORD = 'correct horse battery';

type End = { readonly end: unknown; readonly output: string; readonly errors: string };

/** A folder in which `recado` runs. */
class Shell {
  readonly folder: string;
  readonly #t: TestContext;

  static async open(t: TestContext): Promise<Shell> {
    const folder = await mkdtemp(join(tmpdir(), 'recado-shell-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    return new Shell(t, folder);
  }

  private constructor(t: TestContext, folder: string) {
    this.#t = t;
    this.folder = folder;
  }

  async recado(args: readonly string[], input = ''): Promise<End> {
    const [command = '', ...words] = recadoWords(...args);
    const child = spawn(command, words, { cwd: this.folder, env: plainEnvironment(), timeout: 30_000 });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdin.on('error', () => undefined).end(input);
    const [end] = (await once(child, 'close')) as unknown[];
    return { end, output, errors };
  }

  /** @returns the program, and where its API is */
  async startHub(): Promise<{ program: ChildProgram; url: string }> {
    const ports = ['--http-port', '0', '--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];
    const program = new ChildProgram(recadoWords('hub', ...ports), {
      name: 'the hub',
      cwd: this.folder,
      env: {},
    });
    this.#t.after(() => program.stop());
    const url = await until(
      'the hub is ready',
      () =>
        program.errorText.includes('the hub is ready') &&
        /"(http:\/\/127\.0\.0\.1:\d+)"/.exec(program.errorText)?.[1],
    );
    return { program, url };
  }
}

async function statusOf(url: string, token: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/devices`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status;
}

describe('recado user and recado token', () => {
  it('say that a folder cannot be opened, and a hub that starts over it does so too', async (t) => {
    const shell = await Shell.open(t);
    // A way that leads nowhere is closed to every user, to root as well.
    await symlink('recado-data', join(shell.folder, 'recado-data'));
    for (const [words, text] of [
      [['user', 'list'], /^recado: .*recado-data is a link that leads back to itself\n$/],
      [
        ['token', 'create', 'a'],
        /\nrecado: the accounts in .* cannot be had: the file cannot be opened: give /,
      ],
    ] as const) {
      const { end, output, errors } = await shell.recado(words);
      assert.deepEqual([end, output], [1, '']);
      assert.match(errors, text);
      assert.doesNotMatch(errors, /"stack"/);
    }
    const { program } = await shell.startHub();
    assert.match(program.errorText, /data is kept in .*, but not now: the file cannot be opened: give /);
    assert.match(program.errorText, /"code":"STORE_UNAVAILABLE"/);
    assert.doesNotMatch(program.errorText, /"stack"/);
  });

  it('ask the hub that runs, and open its folder where none runs', async (t) => {
    const shell = await Shell.open(t);
    const made = await shell.recado([
      'token',
      'create',
      'grafana',
      '--role',
      'viewer',
      '--expires-in',
      '90d',
    ]);
    assert.match(made.output, /^rcd_[0-9a-f]{12}_[\w-]{43}\n$/);
    const token = made.output.trim();
    const { program, url } = await shell.startHub();
    assert.equal(await statusOf(url, token), 200);

    const added = await shell.recado(['user', 'add', 'ann', '--role', 'operator'], `${PASSWORD}\n`);
    assert.deepEqual([added.end, added.output], [0, 'ann is a user now (operator).\n']);
    const signedIn = await fetch(`${url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ann', password: PASSWORD }),
    });
    assert.equal(signedIn.status, 200);

    // The secret may have underscores of its own.
    const [, id = '', ...secret] = token.split('_');
    assert.equal((await shell.recado(['token', 'revoke', id])).output, `${id} opens nothing any more.\n`);
    assert.equal(await statusOf(url, token), 401);
    await program.stop();
    const listed = await shell.recado(['user', 'list', '--json']);
    assert.deepEqual((JSON.parse(listed.output) as { name: string; roles: string[] }).name, 'ann');
    assert.equal((await shell.recado(['token', 'list'])).output, '');
    const secrets = [secret.join('_'), PASSWORD];
    for (const text of [program.errorText, await readAll(shell.folder)])
      for (const secret of secrets) assert.ok(!text.includes(secret));
  });

  it('work after a hub that was killed, whose socket is still there', async (t) => {
    const shell = await Shell.open(t);
    const { program } = await shell.startHub();
    assert.equal((await stat(join(shell.folder, 'recado-data/control.sock'))).mode & 0o777, 0o600);
    assert.equal((await stat(join(shell.folder, 'recado-data/hub.db'))).mode & 0o777, 0o600);
    program.signal('SIGKILL');
    await program.exit();
    const changed = await shell.recado(['user', 'add', 'ann'], `${PASSWORD}\n`);
    assert.deepEqual([changed.end, changed.errors], [0, '']);
    await shell.startHub();
    assert.match((await shell.recado(['user', 'list'])).output, /^USER .*\nann /);
  });

  it('say what is wrong, and change nothing then', async (t) => {
    const shell = await Shell.open(t);
    const fails = async (args: readonly string[], text: RegExp, input = `${PASSWORD}\n`): Promise<void> => {
      const { end, errors } = await shell.recado(args, input);
      assert.notEqual(end, 0, args.join(' '));
      assert.match(errors, text);
    };
    assert.equal((await shell.recado(['user', 'add', 'bea'], `${PASSWORD}\n`)).end, 0);
    const before = (await shell.recado(['user', 'list'])).output;
    await fails(['user', 'add', 'ann'], /at least 8 characters\. \(REQUEST_INVALID\)/, 'short\n');
    await fails(['user', 'add', 'ann'], /the password is empty/, '');
    await fails(['user', 'add', 'a b'], /A name begins with a letter/);
    await fails(['user', 'add', 'ann', '--role', 'king'], /Allowed choices are viewer, operator, admin/);
    await fails(['user', 'add', 'ann', '--password', 'x'], /unknown option '--password'/);
    await fails(['user', 'passwd', 'ann'], /There is no user ann\. \(USER_UNKNOWN\)/);
    await fails(['user', 'remove', '../tokens'], /There is no user \.\.\/tokens\./);
    await fails(['token', 'revoke', 'x'], /There is no token x\./);
    await fails(['token', 'create', 'x', '--expires-in', '3 weeks'], /--expires-in is a number/);
    assert.equal((await shell.recado(['user', 'list'])).output, before);
  });

  it('make no folder where there is nothing to read, and say so', async (t) => {
    const shell = await Shell.open(t);
    for (const words of [
      ['user', 'list'],
      ['user', 'change', 'ann', '--role', 'admin'],
      ['user', 'passwd', 'ann'],
      ['user', 'remove', 'ann'],
      ['token', 'list'],
      ['token', 'revoke', 'x'],
      ['doctor'],
      ['backup', 'a.backup'],
    ]) {
      const ended = await shell.recado([...words, '--data-dir', 'slip'], `${PASSWORD}\n`);
      assert.deepEqual([ended.end, ended.output], [1, ''], words.join(' '));
      assert.match(
        ended.errors,
        /^recado: no hub has kept anything in .*\/slip; name its folder with --data-dir/,
      );
    }
    assert.deepEqual(await readdir(shell.folder), []);
  });

  it('say in words of the command line what is empty or too long', async (t) => {
    const shell = await Shell.open(t);
    const fails = async (words: readonly string[], end: number, text: RegExp): Promise<void> => {
      const ended = await shell.recado(words, `${PASSWORD}\n`);
      assert.deepEqual([ended.end, ended.output], [end, ''], words.join(' '));
      assert.match(ended.errors, text);
    };
    for (const words of [
      ['user', 'add'],
      ['user', 'passwd'],
      ['user', 'remove'],
      ['token', 'create'],
      ['token', 'revoke'],
    ])
      await fails([...words, ''], 2, /^recado: "" names nothing\n/);
    await fails(['user', 'change', '..', '--role', 'admin'], 2, /^recado: "\.\." names nothing\n/);
    await fails(
      ['token', 'create', 'x', '--scope', 'raed tag:hall'],
      2,
      /"raed" is no verb \(read, .*\), nor device:…, tag:…/,
    );
    await fails(
      ['token', 'create', 'x', '--scope', 'topic:a/#/b'],
      1,
      /^recado: The topic a\/#\/b of a scope has a wildcard/,
    );
    await fails(
      ['token', 'create', 'x'.repeat(129)],
      1,
      /^recado: the name must not be longer than 128 char/,
    );
    await fails(
      ['token', 'create', 'x', '--expires-in', '999999d'],
      1,
      /^recado: --expires-in must be at most /,
    );
  });

  it('ask for a password at a terminal without showing it', async (t) => {
    const shell = await Shell.open(t);
    const terminal = new TerminalProgram(recadoWords('user', 'add', 'ann'), {
      cwd: shell.folder,
      env: plainEnvironment(),
    });
    t.after(() => terminal.stop());
    await terminal.waitFor('New password of ann');
    terminal.type(`${PASSWORD}\r`);
    await terminal.waitFor('Once more');
    terminal.type(`${PASSWORD}\r`);
    await terminal.waitFor('ann is a user now (viewer).');
    assert.ok(!terminal.text.includes(PASSWORD));
  });
});

/** All that is in the files of a folder. */
async function readAll(folder: string): Promise<string> {
  const data = join(folder, 'recado-data');
  const files = (await readdir(data)).filter((name) => !name.endsWith('.sock'));
  const texts = await Promise.all(files.map((name) => readFile(join(data, name), 'latin1')));
  return texts.join('');
}
