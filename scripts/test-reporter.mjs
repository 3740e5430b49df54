// A short report for node --test: a line for each file, failures in full, and the runner's closing lines.
import { relative } from 'node:path';

const CLOSING = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

export default async function* report(events) {
  const files = new Map();
  const failures = [];
  const closing = [];
  for await (const { type, data } of events) {
    if (type === 'test:fail' || type === 'test:pass') countTest(files, data);
    if (type === 'test:fail' && !isOnlyParent(data)) failures.push(data);
    if (type === 'test:diagnostic' && CLOSING.test(data.message)) closing.push(data.message);
    if (type === 'test:summary' && data.file !== undefined) yield fileLine(data, files.get(data.file));
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
  }
  for (const failure of failures) yield failureText(failure);
  yield `\n${closing.map((line) => `# ${line}\n`).join('')}`;
}

function countTest(files, data) {
  const counts = files.get(data.file) ?? { tests: 0, skips: [] };
  files.set(data.file, counts);
  if (data.details?.type === 'suite') return;
  counts.tests++;
  if (typeof data.skip === 'string' && data.skip !== '') counts.skips.push(`${data.name}: ${data.skip}`);
}

function fileLine({ file, counts, duration_ms: durationMs, success }, seen) {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  const line = `${success ? '✔' : '✖'} ${relative(process.cwd(), file)}  ${counts.tests} tests${skipped}  ${Math.round(durationMs)} ms\n`;
  return line + (seen?.skips ?? []).map((skip) => `    skipped: ${skip}\n`).join('');
}

/** A suite fails with its tests; only they have something to say. */
function isOnlyParent(data) {
  return data.details?.error?.failureType === 'subtestsFailed';
}

function failureText({ name, file, line, details }) {
  const error = details?.error;
  const cause = error?.cause ?? error;
  const text =
    cause instanceof Error || cause?.stack !== undefined ? (cause.stack ?? String(cause)) : String(cause);
  return `\n✖ ${name}\n  ${file === undefined ? '' : relative(process.cwd(), file)}:${line ?? ''}\n${text.replaceAll(/^/gm, '    ')}\n`;
}
