import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BROKER_OPTIONS, DEFAULT_CLIENT_LIMITS } from '../src/mqtt/index.ts';
import { readMarkdown } from './helpers/markdown.ts';
import { runProgram } from './helpers/run-program.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const page = readFileSync(join(ROOT, 'docs/mqtt.md'), 'utf8');
const { codeBlocks } = readMarkdown(page);
const programs = codeBlocks.filter(({ language }) => language === 'ts').map(({ lines }) => lines.join('\n'));
const rules = codeBlocks.find(
  ({ language, lines }) => language === '' && lines.some((line) => line.startsWith('topic ')),
);

/** Any free port instead of the usual ones; and an end, for what listens does not end by itself. */
function asTest(program: string): string {
  const onAnyPort = program.replaceAll(/port: (1883|8080)/g, 'port: 0');
  return `${onAnyPort}\nawait new Promise((resolve) => setTimeout(resolve, 50));\nprocess.exit(0);\n`;
}

describe('docs/mqtt.md', () => {
  let folder = '';
  before(() => {
    // Within the package, so that `recado/mqtt` is this package.
    const data = join(ROOT, 'data');
    mkdirSync(data, { recursive: true });
    folder = mkdtempSync(join(data, 'docs-mqtt-'));
    programs.forEach((program, index) => writeFileSync(join(folder, `${index}.ts`), asTest(program)));
    writeFileSync(join(folder, 'users.txt'), '# nobody yet\n', { mode: 0o600 });
    writeFileSync(join(folder, 'rules.txt'), `${rules?.lines.join('\n') ?? ''}\n`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('shows programs that the compiler takes', async () => {
    assert.ok(programs.length >= 4);
    const files = programs.map((_, index) => `${index}.ts`);
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, files, include: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { end, output } = await runProgram([process.execPath, tsc, '-p', join(folder, 'tsconfig.json')]);
    assert.equal(end, 0, output);
  });

  it('shows programs that run', async () => {
    for (const [index, program] of programs.entries()) {
      // A type is gone at run time: Node runs the file as it is.
      const words = [process.execPath, '--conditions=recado:source', join(folder, `${index}.ts`)];
      const { end, errors, output } = await runProgram(words, { cwd: folder });
      assert.equal(end, 0, `${program}\n${errors}`);
      if (program.includes('connectMqtt')) assert.match(output, /^house\/door open\n/);
      if (index === 0) assert.match(output, /^house\/door open\nmqtt:\/\/127\.0\.0\.1:\d+\n$/);
    }
  });

  it('tells each default of the client as it is', () => {
    const [, section = ''] = page.split('\n## A client\n');
    const lines = section.split('\n## ')[0]?.split('\n') ?? [];
    const items = lines.filter((line) => line.startsWith('- ')).join(' ');
    const told = [...items.matchAll(/`(\w+)` ([\d,]+)/g)].map(
      ([, key = '', value = '']) => [key, Number(value.replaceAll(',', ''))] as const,
    );
    assert.ok(told.length >= 8, `${told.length} limits were found`);
    const defaults: Readonly<Record<string, number>> = DEFAULT_CLIENT_LIMITS;
    for (const [key, value] of told) assert.equal(value, defaults[key], key);
  });

  it('tells each default as it is', () => {
    const rows = page.split('\n').filter((line) => /^\| `m|^\| `h|^\| `c/.test(line));
    const told = new Map<string, number>();
    for (const row of rows) {
      const [, names = '', values = ''] = row.split('|').map((cell) => cell.trim());
      const numbers = values.split(', ');
      const keys = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '');
      keys.forEach((key, index) =>
        told.set(key, Number.parseInt((numbers[index] ?? numbers[0] ?? '').replaceAll(',', ''), 10)),
      );
    }
    const defaults = DEFAULT_BROKER_OPTIONS as unknown as Readonly<Record<string, unknown>>;
    const known = [...told.keys()].filter((key) => key in defaults);
    assert.ok(known.length >= 15, `${known.length} limits were found`);
    for (const [key, value] of told) if (key in defaults) assert.equal(value, defaults[key], key);
  });
});
