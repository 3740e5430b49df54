import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '..', '..');
const FOLDER = path.join(ROOT, 'bench', 'bin', 'built');

let building: Promise<void> | undefined;

/**
 * The words that run `recado` as it is published, compiled once in a run from the sources that are here: sources that
 * are run directly take some 30 MiB more, for the compiler that Node has inside.
 */
export async function buildRecado(): Promise<(...args: readonly string[]) => string[]> {
  building ??= build();
  await building;
  return (...args) => [process.execPath, path.join(FOLDER, 'dist', 'cli', 'main.js'), ...args];
}

async function build(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const tsc = path.join(ROOT, 'node_modules', '.bin', 'tsc');
  const outDir = path.join(FOLDER, 'dist');
  await promisify(execFile)(tsc, ['-p', path.join(ROOT, 'tsconfig.build.json'), '--outDir', outDir]);
  await copyFile(path.join(ROOT, 'package.json'), path.join(FOLDER, 'package.json'));
}
