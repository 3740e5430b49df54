// A short report for node --test: a line for each file, failures in full, and the runner's closing lines.
import { relative } from 'node:path';

const CLOSING = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

export default async function* report(events) {
  const skips = new Map();
  const failures = [];
  const closing = [];
  for await (const { type, data } of events) {
    if (type === 'test:pass') noteSkip(skips, data);
    if (type === 'test:fail' && !isOnlyParent(data)) {
      failures.push(data);
      // At once: whatever stops the run later, this is told.
      yield failureText(data);
    }
    if (type === 'test:diagnostic' && CLOSING.test(data.message)) closing.push(data.message);
    if (type === 'test:summary' && data.file !== undefined) yield fileLines(data, skips.get(data.file) ?? []);
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
  }
  // Once more at the end: a record of the run may keep its last lines only.
  if (failures.length > 0) yield `\nFailed tests:\n${failures.map(failureText).join('')}`;
  yield `\n${closing.map((line) => `# ${line}\n`).join('')}`;
}

function noteSkip(skips, { file, name, skip }) {
  if (skip === undefined || skip === false) return;
  const why = typeof skip === 'string' && skip !== '' ? `: ${skip}` : '';
  skips.set(file, [...(skips.get(file) ?? []), `    skipped ${name}${why}\n`]);
}

function fileLines({ file, counts, duration_ms: durationMs, success }, skipLines) {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const name = relative(process.cwd(), file);
  const line = `${success ? '✔' : '✖'} ${name}  ${counts.tests} tests${skipped}  ${Math.round(durationMs)} ms\n`;
  return line + skipLines.join('');
}

/** A suite fails with its tests; only they have something to say. */
function isOnlyParent(data) {
  return data.details?.error?.failureType === 'subtestsFailed';
}

function failureText(failure) {
  const error = failure.details?.error;
  const cause = error?.cause ?? error;
  const text = String(cause?.stack ?? cause).replaceAll(/\n\s+at [^\n]*node:internal[^\n]*/g, '');
  return `\n✖ ${failure.name}\n  ${place(failure)}\n${text.replaceAll(/^/gm, '    ')}\n\n`;
}

function place({ file, line }) {
  return file === undefined ? '' : `${relative(process.cwd(), file)}:${line ?? 1}`;
}
