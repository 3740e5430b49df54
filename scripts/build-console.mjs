// Builds dist/console/, the pages of the web console, where it is not what its sources come to.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { root, runQuietly } from './checkout.mjs';

const target = join(root, 'dist', 'console');
/** What the sources were when it was built. It is nothing of the package. */
const stamp = join(root, 'node_modules', '.cache', 'console-sources');
const SOURCES = ['console', 'src/client', 'src/api', 'src/base', 'src/config', 'src/devices', 'src/terminal'];
const COMPRESSED = new Set(['.css', '.js', '.svg']);

/** @returns whether the pages are there now; where not, why is on standard error */
export async function ensureConsole() {
  const digest = digestSources();
  const isBuilt = existsSync(join(target, 'index.html')) && existsSync(stamp);
  if (isBuilt && readFileSync(stamp, 'utf8') === digest) return true;
  const words = ['build', 'console', '--config', 'console/vite.config.mjs', '--logLevel', 'warn'];
  const { exitCode, output } = await runQuietly('vite', words);
  if (exitCode !== 0) {
    process.stderr.write(`recado: the web console could not be built:\n${output}`);
    return false;
  }
  compress();
  mkdirSync(join(stamp, '..'), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}

/** The hub compresses nothing itself. */
function compress() {
  for (const name of readdirSync(join(target, 'assets'))) {
    if (!COMPRESSED.has(extname(name))) continue;
    const file = join(target, 'assets', name);
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
