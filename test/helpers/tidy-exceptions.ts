import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText, ROOT } from './source-files.ts';

const FILE = 'test/tidy-exceptions.txt';

/**
 * Fails when something breaks a rule and is not in the list of exceptions, a line `rule: what breaks it` each, or when
 * the list holds what breaks it no longer: the list may only shrink. With SHRINK=1 such lines are taken out instead.
 */
export function assertOnlyKnown(rule: string, advice: string, found: Iterable<string>): void {
  const broken = new Set(found);
  const known = readLines()
    .filter((line) => line.startsWith(`${rule}: `))
    .map((line) => line.slice(rule.length + 2));
  const fresh = [...broken].filter((entry) => !known.includes(entry)).sort();
  assert.deepEqual(fresh, [], `${rule}. ${advice}\n  ${fresh.join('\n  ')}`);

  const mended = known.filter((entry) => !broken.has(entry)).map((entry) => `${rule}: ${entry}`);
  if (process.env['SHRINK'] !== undefined) takeOut(mended);
  else
    assert.deepEqual(mended, [], `mended: take it out of ${FILE}, by hand or with SHRINK=1 before this test`);
}

function readLines(): string[] {
  return readText(FILE).split('\n');
}

function takeOut(mended: readonly string[]): void {
  const left = readLines().filter((line) => !mended.includes(line));
  writeFileSync(join(ROOT, FILE), left.join('\n'));
}
