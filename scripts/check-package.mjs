// Packs the package as npm would publish it, looks at what is in it, installs it elsewhere and runs it.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinnedNode, root, runQuietly } from './checkout.mjs';

const MAX_PACKED_BYTES = 1_048_576;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const EXPECTED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'bin/recado.js',
  'dist/cli/main.js',
  'dist/index.js',
  'dist/index.d.ts',
];
const ALLOWED = /^(package\.json|[A-Z][A-Za-z.-]*\.md|LICENSE|bin\/recado\.js|dist\/.+\.(js|d\.ts))$/;

const problems = [];
const folder = mkdtempSync(join(tmpdir(), 'recado-package-'));
try {
  const packed = await pack();
  checkContents(packed);
  await checkThatItRuns(join(folder, packed.filename));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function pack() {
  // The build has run: the package is packed as it stands.
  const { output } = await runQuietly('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--loglevel=error',
    '--pack-destination',
    folder,
  ]);
  return JSON.parse(output.slice(output.indexOf('[')))[0];
}

function checkContents({ files, size }) {
  const paths = files.map((file) => file.path);
  for (const path of EXPECTED) if (!paths.includes(path)) problems.push(`the package lacks ${path}`);
  for (const path of paths) {
    if (!ALLOWED.test(path) || path.includes('.test.')) problems.push(`the package should not hold ${path}`);
  }
  if (size > MAX_PACKED_BYTES)
    problems.push(`the package is ${size} bytes packed; at most ${MAX_PACKED_BYTES} are sane`);
}

async function checkThatItRuns(archive) {
  const modules = join(folder, 'node_modules');
  const target = join(modules, 'recado');
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== 'recado' && !name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  await runQuietly('tar', ['-xzf', archive, '-C', target, '--strip-components=1']);
  const run = (args) => runQuietly(pinnedNode(), args, { cwd: folder });

  const printed = await run([join(target, 'bin', 'recado.js'), '--version']);
  if (printed.output.trim() !== version)
    problems.push(`the packed program printed no version:\n${printed.output}`);
  for (const name of [
    'recado',
    'recado/device',
    'recado/client',
    'recado/mqtt',
    'recado/bus',
    'recado/rpc',
  ]) {
    const imported = await run(['--input-type=module', '--eval', `await import('${name}')`]);
    if (imported.exitCode !== 0) problems.push(`the packed ${name} cannot be imported:\n${imported.output}`);
  }
}
