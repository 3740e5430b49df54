import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { ChildProgram } from './helpers/child-program.ts';
import { recadoWords } from './helpers/hub-process.ts';
import { readMarkdown } from './helpers/markdown.ts';
import { plainEnvironment } from './helpers/run-program.ts';
import { ROOT } from './helpers/source-files.ts';
import { until } from './helpers/until.ts';

const { codeBlocks } = readMarkdown(readFileSync(join(ROOT, 'docs/accounts.md'), 'utf8'));
const commands = codeBlocks
  .filter(({ language }) => language === 'console')
  .flatMap(({ lines }) => lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2)));

it('the commands of docs/accounts.md do what they say', async (t) => {
  assert.ok(commands.length >= 8);
  const folder = mkdtempSync(join(tmpdir(), 'recado-docs-accounts-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const words = recadoWords()
    .map((word) => `'${word}'`)
    .join(' ');
  writeFileSync(join(folder, 'recado'), `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(join(folder, 'recado'), 0o755);
  const env = { ...plainEnvironment(), PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const run = async (command: string, more: Record<string, string> = {}): Promise<string> => {
    const child = spawn('sh', ['-c', command], { cwd: folder, env: { ...env, ...more }, timeout: 60_000 });
    let [output, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.stdin.on('error', () => undefined).end('correct horse battery\n');
    const [end] = (await once(child, 'close')) as [number];
    assert.equal(end, 0, `${command}: ${errors}`);
    return output;
  };

  const ADMIN = (await run('recado token create test --role admin')).trim();
  const ports = ['--http-port', '0', '--tcp-port', '0', '--udp-port', '0', '--mqtt-port', '0'];
  const hub = new ChildProgram(recadoWords('hub', ...ports), { name: 'the hub', cwd: folder, env: {} });
  t.after(() => hub.stop());
  const url = await until(
    'the hub is ready',
    () =>
      hub.errorText.includes('the hub is ready') && /"(http:\/\/127\.0\.0\.1:\d+)"/.exec(hub.errorText)?.[1],
  );
  for (const command of commands) {
    const output = await run(command.replace('http://127.0.0.1:5070', url), { ADMIN, TOKEN: ADMIN });
    assert.doesNotMatch(output, /"code":"/, command);
  }
  const users = await run('recado user list');
  assert.match(users, /^ann +admin/m);
  assert.match(users, /^bob +operator/m);
  const tokens = await run('recado token list');
  for (const name of ['grafana', 'pump-7']) assert.match(tokens, new RegExp(` ${name} `));
});
