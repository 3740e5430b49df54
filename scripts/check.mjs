// `npm run check`: what must hold before each commit, in less than a minute.
import { ensureInstalled } from './checkout.mjs';
import { findTests, runSteps, runTests, STATIC_STEPS } from './steps.mjs';

await ensureInstalled();
const failed = await runSteps(STATIC_STEPS);
// What talks to a broker in memory is as quick as what stands beside its file.
const units = findTests(
  'src',
  'test/bus',
  'test/client',
  'test/hub',
  'test/mqtt',
  'test/rpc',
  'test/simulators',
);
const house = ['test/architecture.test.ts', 'test/docs.test.ts', 'test/tidy.test.ts'];
if ((await runTests([...units, ...house])) !== 0) failed.push('tests');
if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
