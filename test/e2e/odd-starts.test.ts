import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { recadoWords } from '../helpers/hub-process.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';

function workingFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'recado-odd-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs words of a shell in which `"$@"` is `recado`, however it is started. */
function shell(cwd: string, script: string): Promise<ProgramEnd> {
  return runProgram(['sh', '-c', script, 'sh', ...recadoWords()], { cwd });
}

/** How each of them ends, and what it says in one line. */
async function check(t: TestContext, cases: readonly (readonly [string, number, RegExp])[]): Promise<void> {
  const cwd = workingFolder(t);
  for (const [script, code, told] of cases) {
    const { end, output, errors } = await shell(cwd, script);
    assert.deepEqual([end, output], [code, ''], `${script}\n${errors}`);
    assert.match(errors, told);
    // oxlint-disable-next-line no-control-regex -- there may be none
    assert.doesNotMatch(errors, /[\u0000-\u0009\u000b-\u001f]| {4}at /);
  }
}

describe('recado says in a line why it cannot begin', () => {
  it('where words are no text, or the input is none', (t) =>
    check(t, [
      [`"$@" devices --status "$(printf '\\377')"`, 2, /^recado: an argument is not UTF-8 text; what is no/],
      [`"$@" pub -t a -m "$(printf 'a\\200')"`, 2, /^recado: an argument is not UTF-8 text/],
      [`RECADO_TOKEN="$(printf '\\377')" "$@" devices`, 2, /^recado: RECADO_TOKEN is not UTF-8 text\n$/],
      [`"$@" devices --status '\ufffd'`, 2, /argument '\ufffd' is invalid/],
      ['"$@" pub -t a -s < /tmp', 2, /^recado: the standard input is a folder, not a file\n$/],
      [
        `printf '\\377%.0s' 1 2 3 4 5 6 7 8 | "$@" passwd u ann`,
        1,
        /^recado: the password is not UTF-8 text/,
      ],
    ]));

  it('where its folder is gone', (t) =>
    check(t, [
      [
        'mkdir d; cd d; rmdir ../d; "$@" check',
        1,
        /^(sh: .*\n)*recado: the folder that you are in is not there/,
      ],
    ]));

  it('where a file has no end', (t) =>
    check(t, [
      ['"$@" check /dev/zero', 2, /^\/dev\/zero: is larger than 16777216 bytes\n$/],
      ['"$@" agent --config /dev/zero', 2, /\/dev\/zero: is larger than 16777216 bytes\n$/],
      ['"$@" pub -t a -f /dev/zero', 2, /^recado: --file: \/dev\/zero is larger than 268435455 bytes\n/],
      ['RECADO_HTTP_TOKENS_FILE=/dev/zero "$@" check', 2, /names a file: \/dev\/zero is larger than/],
    ]));

  it('and shows what was typed as it is', (t) =>
    check(t, [
      [`"$@" "$(printf '\\033[31mx')"`, 2, /^recado: unknown command '\\u001b\[31mx'\n/],
      [`"$@" pub -m x -t "$(printf '%070000d' 0)"`, 2, /^recado: "0{79}…" is not a topic: it is longer than/],
      [`"$@" sub -t "$(printf '\\033#')"`, 2, /^recado: "\\u001b#" is not a topic filter/],
    ]));
});

describe('recado check says what is wrong with a file that is', () => {
  const files: readonly (readonly [name: string, text: string | Buffer, told: RegExp])[] = [
    ['nested', '['.repeat(200_000), /^f:1:\d+: this is nested too deep to be read\n$/],
    ['nested in sections', '{a: '.repeat(20_000), /^f:1:\d+: this is nested too deep to be read\n$/],
    ['two documents', '---\ninMemory: true\n---\n{}\n', /^f:3:1: a second document begins here; keep one/],
    ['no UTF-8', Buffer.from('http: {}', 'utf16le').fill(0xff, 0, 1), /^f: is not UTF-8 text\n$/],
    ['of an old system', 'http:\r  port: 5071\r', /^f:1:6: a carriage return alone ends no line/],
    ['of keys to obey', '"\\e[31mx": 1\n', /^f:1:1 \\u001b\[31mx: is not a key/],
    ['something else', '`\n'.repeat(5000), /^(f:.*\n){1,10}$/],
  ];
  for (const [name, text, told] of files) {
    it(name, async (t) => {
      const cwd = workingFolder(t);
      writeFileSync(join(cwd, 'f'), text);
      const { end, output, errors } = await runProgram(recadoWords('check', 'f'), { cwd });
      assert.deepEqual([end, output], [2, '']);
      assert.match(errors, told);
    });
  }

  it('a pipe, of which it waits for nobody', async (t) => {
    const cwd = workingFolder(t);
    execFileSync('mkfifo', ['users'], { cwd });
    writeFileSync(join(cwd, 'f'), 'mqtt: {passwordFile: users}\n');
    const { end, errors } = await runProgram(recadoWords('check', 'f'), { cwd });
    assert.equal(end, 2);
    assert.match(errors, /users: is no file\n$/);
  });
});
