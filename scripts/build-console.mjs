// Builds dist/console/, the pages of the web console, where it is not what its sources come to.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { root, runQuietly } from './checkout.mjs';

const target = join(root, 'dist', 'console');
const cache = join(root, 'node_modules', '.cache');
/** What the sources were when it was built. It is nothing of the package. */
const stamp = join(cache, 'console-sources');
const SOURCES = [
  'console',
  ...['accounts', 'api', 'base', 'client', 'config', 'devices', 'mqtt', 'terminal'].map(
    (room) => `src/${room}`,
  ),
];
const COMPRESSED = new Set(['.css', '.js', '.svg']);

/** @returns whether the pages are there now; where not, why is on standard error */
export async function ensureConsole() {
  const digest = digestSources();
  if (isBuilt(digest)) return true;
  // Aside: a hub that starts meanwhile, or another that builds, finds the pages whole.
  const aside = join(cache, `console-${process.pid}`);
  const words = ['build', 'console', '--config', 'console/vite.config.mjs', '--logLevel', 'warn'];
  words.push('--outDir', aside);
  const { exitCode, output } = await runQuietly('vite', words);
  if (exitCode !== 0) {
    rmSync(aside, { recursive: true, force: true });
    process.stderr.write(`recado: the web console could not be built:\n${output}`);
    return false;
  }
  compress(join(aside, 'assets'));
  if (!isBuilt(digest)) putInPlace(aside, digest);
  rmSync(aside, { recursive: true, force: true });
  return true;
}

function isBuilt(digest) {
  return (
    existsSync(join(target, 'index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest
  );
}

function putInPlace(aside, digest) {
  const before = `${aside}.before`;
  mkdirSync(dirname(target), { recursive: true });
  try {
    if (existsSync(target)) renameSync(target, before);
    renameSync(aside, target);
  } catch (error) {
    // Another was faster, with the same sources.
    if (!existsSync(join(target, 'index.html'))) throw error;
  }
  rmSync(before, { recursive: true, force: true });
  writeFileSync(stamp, digest);
}

/** The hub compresses nothing itself. */
function compress(assets) {
  for (const name of readdirSync(assets)) {
    if (!COMPRESSED.has(extname(name))) continue;
    const file = join(assets, name);
    const bytes = readFileSync(file);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

function digestSources() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  hash.update(readFileSync(join(root, 'scripts', 'build-console.mjs')));
  for (const folder of SOURCES) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
    for (const file of files.sort()) hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}
