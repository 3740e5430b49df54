// `npm run check`: what must hold before each commit, in less than a minute.
import { ensureInstalled } from './checkout.mjs';
import { findTests, runSteps, runTests, STATIC_STEPS } from './steps.mjs';

await ensureInstalled();
const failed = await runSteps(STATIC_STEPS);
const house = ['test/architecture.test.ts', 'test/docs.test.ts'];
if ((await runTests([...findTests('src'), ...house])) !== 0) failed.push('tests');
if (failed.length > 0) process.stdout.write(`\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
