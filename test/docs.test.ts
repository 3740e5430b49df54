import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { ERROR_TABLE, problemSlug, type ErrorCode } from '../src/base/errors.ts';
import { KEPT_KINDS } from '../src/base/kept-kinds.ts';
import { buildProgram } from '../src/cli/program.ts';
import { loadConfig } from '../src/config/load-config.ts';
import { configDocs } from '../scripts/config-docs.ts';
import { HUB_CONFIG } from '../src/hub/config/hub-config.ts';
import { findOpenListeners } from '../src/hub/config/open-listeners.ts';
import { limitsDocs } from '../scripts/limits-docs.ts';
import { shellDocs } from '../scripts/shell-docs.ts';
import { headingAnchor, readMarkdown } from './helpers/markdown.ts';
import { listFiles, readText, ROOT } from './helpers/source-files.ts';

/** Pages that every person who meets the project looks for. */
const REQUIRED = [
  'README.md',
  'README.pt-BR.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'docs/config.md',
  'docs/errors.md',
  'docs/limits.md',
  'docs/shell.md',
];

/** Pages whose shell blocks are checked against the command line. */
const SHELL_PAGES = ['README.md', 'README.pt-BR.md', 'CONTRIBUTING.md', 'docs/config.md'];

describe('the documents', () => {
  for (const file of REQUIRED) {
    it(`${file} is there`, () => assert.ok(existsSync(join(ROOT, file))));
  }

  it('link only to what exists, headings too', () => {
    const wrong: string[] = [];
    for (const file of listFiles('.', '.md')) {
      for (const link of readMarkdown(readText(file)).links) {
        if (!/^[a-z]+:/.test(link) && !isLinkGood(file, link)) wrong.push(`${file}: ${link}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});

function isLinkGood(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : posix.join(posix.dirname(file), decodeURI(path));
  if (!existsSync(join(ROOT, target))) return false;
  if (anchor === undefined || !target.endsWith('.md')) return true;
  return readMarkdown(readText(target)).headings.some((heading) => headingAnchor(heading) === anchor);
}

describe('docs/config.md', () => {
  it('is what the schema says (npm run docs:config writes it anew)', () => {
    assert.equal(readText('docs/config.md'), configDocs());
  });

  it('shows only configuration that is good', () => {
    const examples = readMarkdown(readText('docs/config.md')).codeBlocks.filter(
      ({ language }) => language === 'yaml',
    );
    assert.ok(examples.length > 0);
    const folder = mkdtempSync(join(tmpdir(), 'recado-docs-'));
    for (const { lines } of examples) {
      writeFileSync(join(folder, 'recado.yaml'), lines.join('\n'));
      const reading = loadConfig(HUB_CONFIG, { environment: {}, folder });
      assert.deepEqual(reading.ok ? findOpenListeners(reading.value.config) : reading.failure, []);
    }
    rmSync(folder, { recursive: true });
  });
});

describe('docs/limits.md', () => {
  it('is what the table of kinds says (npm run docs:limits writes it anew)', () => {
    assert.equal(readText('docs/limits.md'), limitsDocs());
  });

  it('names only options that exist', () => {
    const known = new Set(HUB_CONFIG.variables.map(({ path }) => path));
    const named = KEPT_KINDS.flatMap(({ options }) => options);
    assert.deepEqual(
      named.filter((option) => !known.has(option)),
      [],
    );
  });
});

describe('docs/shell.md', () => {
  it('is what the table of flags says (npm run docs:shell writes it anew)', () => {
    assert.equal(readText('docs/shell.md'), shellDocs());
  });
});

describe('docs/errors.md', () => {
  const rows = readText('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it('has a row for each error, in the order of the table, and none beside', () => {
    const expected = (Object.keys(ERROR_TABLE) as ErrorCode[]).map((code) => {
      const { status, title } = ERROR_TABLE[code];
      return [`\`${code}\``, String(status), `\`urn:recado:problem:${problemSlug(code)}\``, `${title}.`];
    });
    assert.deepEqual(
      rows.map((cells) => cells.slice(1, 5)),
      expected,
    );
  });

  it('says for each what to do', () => {
    assert.deepEqual(
      rows.filter((cells) => (cells[5] ?? '').length < 10),
      [],
    );
  });
});

const program = await buildProgram();

describe('the shell commands in the documents', () => {
  for (const file of SHELL_PAGES) {
    it(`${file} shows only commands and flags that exist`, () => {
      const wrong = shellLines(file).flatMap((line) => {
        const why = judgeCommandLine(program, line);
        return why === undefined ? [] : [`${line}: ${why}`];
      });
      assert.deepEqual(wrong, []);
    });

    it(`${file} names only npm scripts that exist`, () => {
      const { scripts } = JSON.parse(readText('package.json')) as { scripts: Record<string, string> };
      const named = [...readText(file).matchAll(/\bnpm run ([a-z:-]+)/g)].map((match) => match[1] ?? '');
      assert.deepEqual(
        named.filter((name) => scripts[name] === undefined),
        [],
      );
    });
  }

  it('are told apart by this test', () => {
    assert.equal(judgeCommandLine(program, 'npx recado hub --http-port 8080 # comment'), undefined);
    assert.equal(
      judgeCommandLine(program, 'RECADO_HTTP_PORT=1 recado check x.yaml --print | head'),
      undefined,
    );
    assert.equal(judgeCommandLine(program, 'curl http://127.0.0.1'), undefined);
    assert.equal(judgeCommandLine(program, 'recado hub --prot 1'), 'recado hub has no --prot');
    assert.equal(judgeCommandLine(program, 'recado hubb'), 'there is no command hubb');
    assert.equal(judgeCommandLine(program, 'recado check a b'), 'recado check takes no "b"');
  });
});

describe('README.pt-BR.md', () => {
  it('has the headings and the code of README.md', () => {
    const [english, portuguese] = ['README.md', 'README.pt-BR.md'].map((file) =>
      readMarkdown(readText(file)),
    );
    const levels = (headings: readonly string[] = []) =>
      headings.map((heading) => heading.replace(/\s.*/, ''));
    assert.deepEqual(levels(portuguese?.headings), levels(english?.headings));
    const code = (blocks: typeof english) =>
      blocks?.codeBlocks.map(({ language, lines }) => [language, ...lines.map(withoutComment)].join('\n'));
    assert.deepEqual(code(portuguese), code(english));
  });
});

/** Comments in code are translated. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s+)(#|\/\/) .*$/, '');
}

function shellLines(file: string): string[] {
  return readMarkdown(readText(file))
    .codeBlocks.filter(({ language }) => language === 'sh' || language === 'bash')
    .flatMap(({ lines }) =>
      lines
        .join('\n')
        .replaceAll(/\\\n\s*/g, ' ')
        .split('\n'),
    );
}

/** What is wrong with a line that calls recado; undefined when nothing is, or when it calls something else. */
function judgeCommandLine(program: Command, line: string): string | undefined {
  const call = /^(?:\w+=\S+\s+)*(?:\$\s+)?(?:npx\s+)?recado(?:\s+(.*))?$/.exec(
    line.trim().replace(/\s*(\s[#|&;>]).*$/, ''),
  );
  if (call === null) return undefined;
  let command = program;
  let positions = 0;
  const words = (call[1] ?? '').match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const child = command.commands.find((each) => each.name() === word);
    if (word.startsWith('-')) {
      const why = judgeFlag(command, word, words);
      if (why !== undefined) return why;
    } else if (child !== undefined) {
      command = child;
    } else if (command.commands.length > 0) {
      return `there is no command ${word}`;
    } else if (positions++ >= command.registeredArguments.length && !isVariadic(command)) {
      return `${commandName(command)} takes no "${word}"`;
    }
  }
  return undefined;
}

/** Takes the value of the flag out of `rest`. */
function judgeFlag(command: Command, word: string, rest: string[]): string | undefined {
  const [flag = '', value] = word.split('=');
  if (flag === '--help' || flag === '-h') return undefined;
  const option = command.options.find((each) => each.long === flag || each.short === flag);
  if (option === undefined) return `${commandName(command)} has no ${flag}`;
  if (option.required && value === undefined && rest.shift() === undefined) return `${flag} needs a value`;
  return undefined;
}

function isVariadic(command: Command): boolean {
  return command.registeredArguments.at(-1)?.variadic ?? false;
}

function commandName(command: Command): string {
  return command.parent === null ? command.name() : `${commandName(command.parent)} ${command.name()}`;
}
