import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '..');
const FOLDER = path.join(import.meta.dirname, 'bin', 'built');

/**
 * The words that run `recado` as it is published, compiled from the sources that are here: sources that are run
 * directly take some 30 MiB more, for the compiler that Node has inside.
 */
export async function buildRecado(): Promise<(...args: readonly string[]) => string[]> {
  await mkdir(FOLDER, { recursive: true });
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc');
  const outDir = path.join(FOLDER, 'dist');
  await promisify(execFile)(tsc, ['-p', path.join(ROOT, 'tsconfig.build.json'), '--outDir', outDir]);
  await copyFile(path.join(ROOT, 'package.json'), path.join(FOLDER, 'package.json'));
  return (...args) => [process.execPath, path.join(outDir, 'cli', 'main.js'), ...args];
}
