import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, it } from 'node:test';
import { findCircles } from './helpers/import-circles.ts';
import { listFiles, readImports, readText, ROOT, type Import } from './helpers/source-files.ts';
import { assertOnlyKnown } from './helpers/tidy-exceptions.ts';

/** The floors of the house. A folder imports only from lower ones; folders on one floor do not know each other. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  config: 1,
  mqtt: 1,
  bus: 2,
  devices: 2,
  accounts: 2,
  rpc: 3,
  device: 3,
  store: 3,
  gateways: 4,
  services: 4,
  bridge: 4,
  hub: 5,
  api: 6,
  client: 7,
  terminal: 8,
  console: 8,
  simulators: 8,
  cli: 9,
  // src/index.ts, the public surface: it shows what others made, and nobody imports it.
  index: 10,
};
const TOP_FLOOR = 10;

/** Folders that may know less than their floor allows: the faces are outside programs as far as they can be. */
const ONLY_FROM: Readonly<Record<string, readonly string[]>> = {
  client: ['base', 'api'],
  terminal: ['base', 'client'],
  simulators: ['base', 'device'],
};

/** Where each package may be used. A package that is not here may be used nowhere. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  fastify: ['api'],
  '@fastify/swagger': ['api'],
  '@fastify/type-provider-typebox': ['api'],
  ajv: ['config', 'api'],
  'prom-client': ['api'],
  typebox: ['config', 'bridge', 'hub', 'api'],
  yaml: ['config', 'cli'],
  pino: ['cli'],
  commander: ['cli'],
  undici: ['bridge', 'services'],
  'string-width': ['terminal'],
  'wrap-ansi': ['terminal'],
};

/** Folders without node: modules: `client` runs in browsers too, `devices` is a model without input and output. */
const WITHOUT_NODE: readonly string[] = ['client', 'devices'];

/** Rooms inside large folders, by floors, the lowest first: a room imports only from itself and from lower floors. */
const ROOMS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'src/mqtt': [['codec'], ['topics'], ['session'], ['transport'], ['broker', 'client'], ['access']],
  'src/gateways/socket': [['wire'], ['directory'], ['session']],
  'src/gateways/home-assistant': [['template'], ['discovery'], ['platforms', 'tasmota', 'publication']],
  'src/services': [['wire'], ['flow'], ['hub', 'agent']],
  'src/rpc': [['wire'], ['correlation', 'responder']],
};

type Arrow = Import & { readonly file: string; readonly from: string };

const sources = listFiles('src', '.ts').filter((file) => !file.endsWith('.test.ts'));
const arrows: readonly Arrow[] = sources.flatMap((file) =>
  readImports(readText(file)).map((found) => ({ ...found, file, from: folderOf(file) })),
);
const inside = arrows.filter((arrow) => arrow.specifier.startsWith('.'));
const outside = arrows.filter((arrow) => !arrow.specifier.startsWith('.'));

/** `src/gateways/socket/x.ts` → `gateways`; `src/index.ts` → `index`. */
function folderOf(file: string): string {
  const [, name = ''] = file.split('/');
  return name.replace(/\.ts$/, '');
}

function targetOf(arrow: Arrow): string {
  return posix.normalize(posix.join(posix.dirname(arrow.file), arrow.specifier));
}

/** The folder right below `folder` in which a file lies. */
function roomOf(folder: string, file: string): string | undefined {
  if (!file.startsWith(`${folder}/`)) return undefined;
  const [room, rest] = file.slice(folder.length + 1).split('/');
  return rest === undefined ? undefined : room;
}

/** What is wrong with an import between folders; undefined when it may be. */
function judge(from: string, to: string): string | undefined {
  const [floorFrom, floorTo] = [FLOORS[from], FLOORS[to]];
  if (floorFrom === undefined || floorTo === undefined) return 'the folder has no floor in this test';
  if (from === to) return undefined;
  const allowed = ONLY_FROM[from];
  if (allowed !== undefined && !allowed.includes(to)) return `${from} may use only ${allowed.join(' and ')}`;
  if (floorTo === floorFrom) return 'it goes sideways';
  return floorTo > floorFrom ? 'it goes up' : undefined;
}

describe('the floors', () => {
  it('have a number for each folder of src', () => {
    assert.deepEqual(
      [...new Set(sources.map(folderOf))].filter((folder) => FLOORS[folder] === undefined),
      [],
    );
    assert.ok(sources.length > 0 && Math.max(...Object.values(FLOORS)) === TOP_FLOOR);
  });

  it('are kept by every import', () => {
    const wrong = inside.flatMap((arrow) => {
      const target = targetOf(arrow);
      const why = target.startsWith('src/') ? judge(arrow.from, folderOf(target)) : 'it leaves src';
      return why === undefined ? [] : [`${arrow.file} imports ${arrow.specifier}: ${why}`];
    });
    assert.deepEqual(wrong, []);
  });

  it('are told apart by this test', () => {
    assert.equal(judge('hub', 'base'), undefined);
    assert.equal(judge('bus', 'mqtt'), undefined);
    assert.equal(judge('base', 'hub'), 'it goes up');
    assert.equal(judge('mqtt', 'bus'), 'it goes up');
    assert.equal(judge('rpc', 'device'), 'it goes sideways');
    assert.equal(judge('terminal', 'simulators'), 'terminal may use only base and client');
    assert.equal(judge('client', 'api'), undefined);
    assert.match(judge('kitchen', 'base') ?? '', /no floor/);
  });

  it('see every way to import', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      "import { c, type D } from './c.ts';",
      "import './d.ts';",
      "export * from './e.ts';",
      "export type { F } from './f.ts';",
      "import {\n  g,\n  h,\n} from './g.ts';",
      "const { h } = await import('./h.ts');",
      'const i = await import(name);',
      "// import './comment.ts';",
      "/* import './block.ts'; */",
      "const url = 'http://import.example';",
    ].join('\n');
    const found = readImports(text).map(
      ({ specifier, isTypeOnly }) => `${specifier}${isTypeOnly ? ' type' : ''}`,
    );
    const statics = ['./a.ts', './b.ts type', './c.ts', './d.ts', './e.ts', './f.ts type', './g.ts'];
    assert.deepEqual(found, [...statics, './h.ts', '(computed)']);
  });
});

describe('the rooms of a large folder', () => {
  for (const [folder, floors] of Object.entries(ROOMS)) {
    it(`${folder}: ${floors.map((rooms) => rooms.join(' · ')).join(' < ')}`, () => {
      const missing = floors.flat().filter((room) => !existsSync(join(ROOT, folder, room)));
      assert.deepEqual(missing, [], 'a room that this test names is gone');
      const wrong = inside.flatMap((arrow) => {
        const [from, to] = [roomOf(folder, arrow.file), roomOf(folder, targetOf(arrow))];
        if (from === undefined || to === undefined || from === to) return [];
        const [floorFrom, floorTo] = [from, to].map((room) =>
          floors.findIndex((each) => each.includes(room)),
        );
        if (floorFrom! > floorTo!) return [];
        return [{ rooms: `${from} → ${to}`, arrow: describeArrow(arrow) }];
      });
      assertOnlyKnown(
        `arrows up or sideways in ${folder}`,
        `what a lower room needs is declared there, and passed in:\n${wrong.map(({ arrow }) => arrow).join('\n')}`,
        wrong.map((each) => each.rooms),
      );
    });
  }

  it('are told apart by this test', () => {
    assert.equal(roomOf('src/mqtt', 'src/mqtt/codec/publish.ts'), 'codec');
    assert.equal(roomOf('src/mqtt', 'src/mqtt/index.ts'), undefined);
    assert.equal(roomOf('src/mqtt', 'src/bus/bus.ts'), undefined);
  });
});

describe('files that import each other', () => {
  const graph = new Map(
    sources.map((file) => [file, inside.filter((arrow) => arrow.file === file).map(targetOf)] as const),
  );

  it('stand in no circle, types counted', () => {
    const circles = findCircles(graph);
    assertOnlyKnown(
      'files in a circle',
      `each of these leads back to itself; move what both need to a file below both:\n${circles
        .map((circle) => circle.join(' ⇄ '))
        .join('\n')}`,
      circles.flat().map((file) => posix.basename(file)),
    );
  });

  it('are found by this test', () => {
    const circle = findCircles(
      new Map([
        ['a', ['b']],
        ['b', ['c', 'd']],
        ['c', ['a']],
        ['d', ['d']],
        ['e', ['a']],
      ]),
    );
    assert.deepEqual(circle, [['d'], ['a', 'b', 'c']]);
  });
});

describe('files and packages', () => {
  it('relative imports name an existing file and end in .ts', () => {
    const wrong = inside.filter(
      (arrow) => !arrow.specifier.endsWith('.ts') || !existsSync(join(ROOT, targetOf(arrow))),
    );
    assert.deepEqual(wrong.map(describeArrow), []);
  });

  it('packages are used only where they belong', () => {
    const wrong = outside.filter(({ specifier, from }) => {
      if (specifier.startsWith('node:')) return WITHOUT_NODE.includes(from);
      return !(PACKAGES[packageName(specifier)] ?? []).includes(from);
    });
    assert.deepEqual(wrong.map(describeArrow), []);
  });

  it('what makes all of node:http or node:tls at once is not imported but asked for (docs/decisions/0020)', () => {
    const heavy = outside.filter(
      ({ specifier, isTypeOnly }) =>
        !isTypeOnly && ['node:http', 'node:https', 'node:tls'].includes(specifier),
    );
    assert.deepEqual(heavy.map(describeArrow), []);
  });

  it('packages in package.json are used, and the ones that are used are in package.json', () => {
    const manifest = JSON.parse(readText('package.json')) as { dependencies: Record<string, string> };
    assert.deepEqual(Object.keys(manifest.dependencies).sort(), Object.keys(PACKAGES).sort());
    const used = new Set(outside.map(({ specifier }) => packageName(specifier)));
    assert.deepEqual(
      Object.keys(PACKAGES).filter((name) => !used.has(name)),
      [],
    );
  });

  it('the client loads nothing that a browser does not have', () => {
    const loaded = new Set(sources.filter((file) => folderOf(file) === 'client'));
    for (const file of loaded) {
      for (const arrow of inside) if (arrow.file === file && !arrow.isTypeOnly) loaded.add(targetOf(arrow));
    }
    const wrong = outside.filter(({ file, isTypeOnly }) => loaded.has(file) && !isTypeOnly);
    assert.deepEqual(wrong.map(describeArrow), []);
    assert.deepEqual([...loaded].filter((file) => folderOf(file) === 'api').toSorted(), [
      'src/api/account-schemas.ts',
      'src/api/broker-schemas.ts',
      'src/api/bulk-schemas.ts',
      'src/api/event-schemas.ts',
      'src/api/history-schemas.ts',
      'src/api/hub-schemas.ts',
      'src/api/invocation-schemas.ts',
      'src/api/schemas.ts',
      'src/api/service-schemas.ts',
      'src/api/topic-schemas.ts',
      'src/api/webhook-schemas.ts',
    ]);
  });

  it('exports and bin in package.json point to existing sources', () => {
    const manifest = JSON.parse(readText('package.json')) as {
      exports: Record<string, string | Record<string, string>>;
      bin: Record<string, string>;
    };
    const targets = [
      ...Object.values(manifest.bin),
      ...Object.values(manifest.exports).flatMap(exportTargets),
    ];
    assert.deepEqual(
      targets.filter((target) => !existsSync(join(ROOT, target))),
      [],
    );
    for (const [name, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string') continue;
      const built = target['recado:source']?.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, '');
      assert.equal(target['default'], `${built}.js`, name);
      assert.equal(target['types'], `${built}.d.ts`, name);
    }
  });
});

function packageName(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}

/** What is built is missing in a fresh clone; its source is what must be there. */
function exportTargets(target: string | Record<string, string>): string[] {
  return typeof target === 'string' ? [target] : [target['recado:source'] ?? '(no recado:source)'];
}

function describeArrow(arrow: Arrow): string {
  return `${arrow.file} imports ${arrow.specifier}`;
}
