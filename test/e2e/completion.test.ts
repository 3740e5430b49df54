import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../helpers/source-files.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';
import { until } from '../helpers/until.ts';
import { runProgram } from '../helpers/run-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'recado-completion-'));
const HURT = join(folder, 'hurt');
const HOSTILE = `$(touch ${HURT})`;
const program = join(folder, 'recado');
after(() => rmSync(folder, { recursive: true }));

before(() => {
  const answer = `[ "$*" = 'call hostile --names' ] && echo '${HOSTILE}' && exit`;
  writeFileSync(
    program,
    `#!/bin/sh\n${answer}\nexec ${process.execPath} ${join(ROOT, 'src/cli/main.ts')} "$@"\n`,
  );
  chmodSync(program, 0o755);
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(folder, shell), execFileSync(program, ['completion', shell]));
});

/** How each shell is asked what would follow these words, the last of which is still being written. */
const ASK: Readonly<Record<string, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) => [
    '--norc',
    '-c',
    `source ${folder}/bash; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _recado; ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    ...words,
  ],
  // Without the editor of lines, which chooses among what it is given.
  zsh: (words) => [
    '-f',
    '-c',
    `compdef() {}; _files() {}; compadd() { for it in \${(P)2}; do [[ $it == "$words[CURRENT]"* ]] && print -r -- \${(q)it}; done }
     source ${folder}/zsh; words=("$@"); CURRENT=$#; _recado; true`,
    'zsh',
    ...words,
  ],
  fish: (words) => [
    '--no-config',
    '-c',
    `source ${folder}/fish; complete --escape -C '${words.join(' ')}' | string replace -r '\\t.*' ''`,
  ],
};

for (const [shell, ask] of Object.entries(ASK)) {
  const skip = spawnSync(shell, ['--version']).status === 0 ? false : `there is no ${shell} here`;

  describe(`completion in ${shell}`, { skip }, () => {
    const complete = async (
      words: readonly string[],
      env: Record<string, string> = {},
    ): Promise<string[]> => {
      const asked = [shell, ...ask(words)];
      const path = `${folder}:${process.env['PATH']}`;
      const { output, errors } = await runProgram(asked, {
        cwd: folder,
        env: { ...env, PATH: path, HOME: folder },
      });
      assert.equal(errors, '', words.join(' '));
      return output
        .split('\n')
        .filter((word) => word !== '')
        .sort();
    };

    it('offers commands, options and what they take', async () => {
      assert.deepEqual(await complete(['recado', 'hu']), ['hub']);
      assert.deepEqual(await complete(['recado', 'hub', '--da']), ['--data-dir']);
      assert.deepEqual(await complete(['recado', 'devices', '--status', '']), ['offline', 'online']);
      assert.deepEqual(await complete(['recado', 'user', 'ad']), ['add']);
      assert.deepEqual(await complete(['recado', 'user', 'add', '--role', 'vi']), ['viewer']);
    });

    it('offers what the hub knows', async (t) => {
      const hub = await startTestHub(t);
      const env = { RECADO_URL: hub.url };
      const hello = { recado: 2, id: 'radio', description: { commands: { turnOn: {}, turnOff: {} } } };
      (await WireDevice.connect(t, hub.tcpPort)).send(`${JSON.stringify(hello)}\n`);
      await until('it is known', async () => (await hub.call('GET', '/api/v1/devices/radio')).status === 200);
      assert.deepEqual(await complete(['recado', 'call', 'ra'], env), ['radio']);
      assert.deepEqual(await complete(['recado', 'call', 'radio', 'turn'], env), ['turnOff', 'turnOn']);
    });

    it('evaluates nothing that a hub says', async () => {
      const offered = await complete(['recado', 'call', 'hostile', '']);
      // What is put into the line stands for the name itself, whatever the shell makes of a line.
      const hostile = offered.find((word) => word.includes('touch'));
      const { output } = await runProgram([shell, '-c', `printf %s ${hostile}`], { cwd: folder });
      assert.equal(output, HOSTILE);
      assert.equal(existsSync(HURT), false);
    });
  });
}
