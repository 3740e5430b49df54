// The steps of `npm run check` and `npm test`: each one is told with its time, and in full when it fails.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pinnedNode, root, run, runQuietly } from './checkout.mjs';

/** @type {readonly [string, string, readonly string[]][]} */
export const STATIC_STEPS = [
  ['format', 'oxfmt', ['--check', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['types', 'tsc', ['--noEmit']],
  ['types of the console', 'tsc', ['-p', 'console/tsconfig.json']],
];

/** Runs steps one after another, also after one that failed; resolves to the names of those that did. */
export async function runSteps(steps) {
  const failed = [];
  for (const [name, program, args] of steps) {
    const startedAt = performance.now();
    const { exitCode, output } = await runQuietly(program, args);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${exitCode === 0 ? '✔' : '✖'} ${name}  ${seconds} s\n`);
    if (exitCode === 0) continue;
    failed.push(name);
    process.stdout.write(`${output.trimEnd()}\n\n`);
  }
  return failed;
}

/** A test that hangs must not hang everything, nor one that keeps its whole process busy. */
const TEST_TIMEOUT_MS = 240_000;
const ALL_TESTS_TIMEOUT_MS = 1_000_000;

/** Runs test files with the runner of Node, two at a time; resolves to its exit code. */
export async function runTests(files) {
  const reporter = join(root, 'scripts', 'test-reporter.mjs');
  const flags = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
  ];
  const startedAt = performance.now();
  const exitCode = await run(pinnedNode(), [...flags, ...files], { timeout: ALL_TESTS_TIMEOUT_MS });
  if (performance.now() - startedAt >= ALL_TESTS_TIMEOUT_MS) {
    const minutes = ALL_TESTS_TIMEOUT_MS / 60_000;
    process.stdout.write(
      `\nThe tests did not end within ${minutes} minutes; the files that are listed above did.\n`,
    );
  }
  return exitCode;
}

/** All `*.test.ts` files below the folders, sorted, so that every run is the same. */
export function findTests(...folders) {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
      .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name))),
  );
  return files.sort((one, other) => (one < other ? -1 : 1));
}
