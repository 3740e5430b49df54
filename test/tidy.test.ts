import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, it } from 'node:test';
import { listFiles, readText } from './helpers/source-files.ts';
import { parseSources, type Declaration, type ParsedSource } from './helpers/source-tree.ts';
import { assertOnlyKnown } from './helpers/tidy-exceptions.ts';

const MAX_LINE_CHARACTERS = 120;

/** Words that no name may hold, and what stands instead. */
const BANNED_WORDS: Readonly<Record<string, string>> = {
  desk: 'a picture: say what it is (window, prompts)',
  shelf: 'a picture: say pool',
  debt: 'a picture: say what is owed (unacknowledged)',
  debts: 'a picture: say what is owed (unacknowledged)',
  caution: 'a picture: say what it does (quarantine)',
  garbage: 'a picture: say what it is (body that nobody reads)',
  bench: 'bench/ measures; what sets parts up for a test is a rig',
  outcome: 'say answer, output or Result',
  outcomes: 'say answers, outputs or Results',
  reply: 'say answer',
  replies: 'say answers',
};

/** Names that others gave, and where they stay: Fastify's, a label of metrics, a key of files. */
const NAMES_OF_OTHERS: readonly (readonly [file: RegExp, name: string])[] = [
  [/^src\/api\//, 'reply'],
  [/^src\/api\/mqtt-metrics\.ts$/, 'outcome'],
  [/^src\/bridge\/(server|caller)-config\.ts$/, 'reply'],
];

/** File names that say nothing of what is in the file. */
const BINS: readonly string[] = ['util', 'utils', 'helper', 'helpers', 'common', 'types', 'misc', 'stuff'];

/** MQTT's words: elsewhere a connection says whose it is (`SocketConnection`, `DeviceSession`, `ServiceExchange`). */
const WORDS_OF_MQTT: readonly string[] = ['Connection', 'Session', 'Exchange'];

/** What can be imported from a package, or run: the sources behind `exports` and `bin` of package.json. */
const PUBLIC_FILES: readonly string[] = [...readPublicFiles(), 'src/cli/main.ts'];

const all = parseSources(
  ['src', 'test', 'bench', 'examples', 'scripts'].flatMap((folder) => listFiles(folder, '.ts')),
);
const sources = all.filter(({ file }) => isSource(file));
const declarations = sources.flatMap((source) => source.declarations);
const publicNames = new Set(
  sources
    .filter(({ file }) => PUBLIC_FILES.includes(file))
    .flatMap(({ uses }) => uses.map(({ target, name }) => `${target} ${name}`)),
);

function isSource(file: string): boolean {
  return file.startsWith('src/') && !file.endsWith('.test.ts');
}

function readPublicFiles(): string[] {
  const { exports } = JSON.parse(readText('package.json')) as {
    exports: Record<string, string | Record<string, string>>;
  };
  return Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : [(target['recado:source'] ?? '').replace(/^\.\//, '')],
  );
}

function isTaken(taken: ReadonlySet<string>, { file, name }: Declaration): boolean {
  return taken.has(`${file} ${name}`) || taken.has(`${file} *`);
}

function usesOf(from: readonly ParsedSource[]): Set<string> {
  return new Set(from.flatMap(({ uses }) => uses.map(({ target, name }) => `${target} ${name}`)));
}

describe('names', () => {
  it('stand once in the whole tree: classes, and all that is exported', () => {
    const found = [...groupByName(declarations.filter((each) => each.isExported || each.kind === 'class'))];
    assertOnlyKnown(
      'names that stand twice',
      'give each a name of its own that says whose it is. Public names of two packages may be the same.',
      found.filter(([, places]) => isAmbiguous(places)).map(([name]) => name),
    );
  });

  it('hold no picture, and no second word for one thing', () => {
    const names = all.flatMap(({ file, givenNames }) => [
      ...(isSource(file) ? withoutNamesOfOthers(file, givenNames) : []),
      ...(file.startsWith('bench/') || file.startsWith('examples/') ? [] : fileNames(file)),
    ]);
    assertOnlyKnown(
      'banned words in names',
      Object.entries(BANNED_WORDS)
        .map(([word, why]) => `${word}: ${why}`)
        .join('; '),
      names.filter((name) => splitWords(name).some((word) => Object.hasOwn(BANNED_WORDS, word))),
    );
  });

  it("keep MQTT's words for MQTT", () => {
    assertOnlyKnown(
      "MQTT's words elsewhere",
      'say whose it is: SocketConnection, DeviceSession, ServiceExchange',
      declarations
        .filter(({ file, name }) => WORDS_OF_MQTT.includes(name) && !file.startsWith('src/mqtt/'))
        .map(({ file, name }) => `${posix.basename(file)} ${name}`),
    );
  });

  it('of files are kebab-case, and say what is in them', () => {
    const wrong = all.filter(({ file }) => {
      const name = posix.basename(file);
      const isBin = isSource(file) && splitWords(name).some((word) => BINS.includes(word));
      return isBin || !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(name);
    });
    assert.deepEqual(
      wrong.map(({ file }) => file),
      [],
    );
  });
});

/** What the web console, which is built by itself, takes from the sources. */
function namesOfConsole(): Set<string> {
  const files = [...listFiles('console/src', '.ts'), ...listFiles('console/src', '.tsx')];
  const imports = files.flatMap((file) => [
    ...readText(file).matchAll(/^import (?:type )?\{([^}]*)\} from '(?:\.\.\/)+src\//gm),
  ]);
  const names = imports.flatMap(([, list = '']) => list.split(','));
  return new Set(names.map((name) => name.replace(/^\s*type /, '').trim()));
}

describe('exports', () => {
  const used = usesOf(sources);
  const inConsole = namesOfConsole();
  const tested = usesOf(all.filter(({ file }) => !isSource(file)));
  const unused = sources.flatMap((source) =>
    PUBLIC_FILES.includes(source.file)
      ? []
      : source.declarations
          .filter((each) => each.isExported && !isTaken(used, each) && !inConsole.has(each.name))
          .map((each) => ({ ...each, isUsedAtHome: (source.identifiers.get(each.name) ?? 0) > 1 })),
  );

  it('are used by the program: what only tests use is dead', () => {
    assertOnlyKnown(
      'dead exports',
      'take it out, or move it to test/ when it serves tests',
      unused.filter(({ isUsedAtHome }) => !isUsedAtHome).map(({ name }) => name),
    );
  });

  it('are used by another file, or by a test', () => {
    assertOnlyKnown(
      'needless exports',
      'only its own file uses it: take the word `export` away',
      unused.filter((each) => each.isUsedAtHome && !isTaken(tested, each)).map(({ name }) => name),
    );
  });

  it('are by name', () => {
    assert.deepEqual(
      findLines(listFiles('src', '.ts'), (line) => line.startsWith('export default')),
      [],
    );
  });
});

describe('how something expected ended', () => {
  it('is a Result', () => {
    assertOnlyKnown(
      'hand-made results',
      'use Result<T, F> with succeed() and fail() of base/result.ts instead of a type with `ok`',
      sources
        .filter(({ file, ownShapes }) => file !== 'src/base/result.ts' && ownShapes.has('ok'))
        .map(({ file }) => posix.basename(file)),
    );
  });
});

describe('every file', () => {
  it(`has lines of at most ${MAX_LINE_CHARACTERS} characters`, () => {
    assert.deepEqual(
      findLines(listFiles('src', '.ts'), (line) => withoutTexts(line).length > MAX_LINE_CHARACTERS),
      [],
    );
  });

  it('has at most 400 lines, and functions of at most 60: the linter counts both', () => {
    const { rules, overrides } = JSON.parse(readText('.oxlintrc.json')) as {
      rules: Record<string, unknown>;
      overrides: { files: string[] }[];
    };
    assert.deepEqual(rules['max-lines'], ['error', { max: 400 }]);
    assert.deepEqual(rules['max-lines-per-function'], ['error', { max: 60, skipComments: true }]);
    assert.deepEqual(
      overrides.flatMap(({ files }) => files).filter((files) => files.startsWith('src')),
      [],
    );
  });

  it('leaves nothing to do', () => {
    const marks = /\b(TODO|FIXME|XXX)\b/;
    const files = [
      ...listFiles('src', '.ts'),
      ...listFiles('test', '.ts'),
      ...listFiles('scripts', '.mjs'),
    ].filter((file) => file !== 'test/tidy.test.ts');
    assert.deepEqual(
      findLines(files, (line) => marks.test(line)),
      [],
    );
  });

  it('of src knows nothing of test/, its tests neither', () => {
    assertOnlyKnown(
      'tests in src that need test/',
      'what needs set-up from test/helpers stands in test/',
      all
        .filter(
          ({ file, uses }) =>
            file.startsWith('src/') && uses.some(({ target }) => target.startsWith('test/')),
        )
        .map(({ file }) => posix.basename(file)),
    );
  });
});

describe('ARCHITECTURE.md', () => {
  const text = readText('ARCHITECTURE.md');

  it('says each thing once', () => {
    const rows = text
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| folder') && !line.startsWith('| change'))
      .map((line) => line.split('|')[1]?.trim() ?? '');
    assert.deepEqual(
      rows.filter((row, index) => rows.indexOf(row) !== index),
      [],
    );
  });

  it('names only what exists', () => {
    assert.deepEqual(
      namedPlaces(text).filter((place) => !exists(place)),
      [],
    );
  });
});

describe('this test', () => {
  it('tells a picture inside a name, and not in another word', () => {
    assert.deepEqual(splitWords('IdleShelf'), ['idle', 'shelf']);
    assert.deepEqual(splitWords('plain-desk.ts'), ['plain', 'desk', 'ts']);
    assert.deepEqual(splitWords('MAX_REPLIES'), ['max', 'replies']);
    assert.ok(!splitWords('desktop').some((word) => Object.hasOwn(BANNED_WORDS, word)));
  });

  it('tells what exists', () => {
    assert.ok(exists('mqtt/broker/dispatch') && exists('src/base') && exists('hub.devices'));
    assert.ok(!exists('mqtt/broker/dispatcher') && !exists('src/cellar') && !exists('hub.sing'));
  });
});

function withoutNamesOfOthers(file: string, names: ReadonlySet<string>): string[] {
  const theirs = NAMES_OF_OTHERS.filter(([where]) => where.test(file)).map(([, name]) => name);
  return [...names].filter((name) => !theirs.includes(name));
}

function groupByName(found: readonly Declaration[]): Map<string, Declaration[]> {
  return Map.groupBy(found, ({ name }) => name);
}

/** Whether two places of a name can be taken for each other. A type and a value in one file are one thing. */
function isAmbiguous(places: readonly Declaration[]): boolean {
  const files = new Map(places.map((place) => [place.file, isTaken(publicNames, place)]));
  return files.size > 1 && [...files.values()].includes(false);
}

/** `src/rpc/idle-shelf.ts` → its folders and its own name. */
function fileNames(file: string): string[] {
  return file.split('/').filter((name) => name !== 'src' && name !== 'test' && name !== 'helpers');
}

function splitWords(name: string): string[] {
  return name
    .split(/(?<=[a-z\d])(?=[A-Z])|[-_.\s]/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

/** A sentence for people is not broken in two for the sake of a rule about code. */
function withoutTexts(line: string): string {
  return line.replaceAll(/(['"`]).*\1/g, '');
}

function findLines(files: readonly string[], isWrong: (line: string) => boolean): string[] {
  return files.flatMap((file) =>
    readText(file)
      .split('\n')
      .flatMap((line, index) => (isWrong(line) ? [`${file}:${index + 1}`] : [])),
  );
}

/** Paths (`a/b.ts`, `a/b`) and functions (`a.b`) in the code of a document. */
function namedPlaces(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)]
    .flatMap(([, code = '']) => code.split(/[\s,()→]+/))
    .filter(
      (word) => /^[a-z][\w./-]*[\w/]$/.test(word) && /[./]/.test(word) && !/^(recado|npm)\b/.test(word),
    );
}

/** The ends of all paths: `a/b/c.ts` gives `c.ts`, `c`, `b/c.ts`, `b/c`, `a/b`, `b` … */
const pathEnds = new Set(
  listFiles('.', '').flatMap((path) => {
    const names = path.split('/');
    return names.flatMap((_, from) =>
      names.slice(from).flatMap((__, to) => {
        const end = names.slice(from, from + to + 1).join('/');
        return [end, end.replace(/\.ts$/, '')];
      }),
    );
  }),
);

/** Whether there is such a file (with or without `.ts`), such a folder, or a file or folder with such a member. */
function exists(place: string): boolean {
  const name = place.replace(/\/$/, '');
  if (pathEnds.has(name)) return true;
  const [, owner = '', member = ''] = /^(.*)\.(\w+)$/.exec(name) ?? [];
  return sources.some(
    ({ file, givenNames }) =>
      (file.includes(`/${owner}/`) || file.endsWith(`/${owner}.ts`)) && givenNames.has(member),
  );
}
