import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recadoWords } from '../helpers/hub-process.ts';
import { runChaos } from '../helpers/services-chaos.ts';
import { openServiceProcesses } from '../helpers/services-processes.ts';

it('while agents are killed and started, no answer is wrong, none hangs, and safe methods succeed', async (t) => {
  const processes = await openServiceProcesses({ recado: recadoWords });
  t.after(() => processes.stop());
  const report = await runChaos(processes, { requests: 2000, atOnce: 16, agents: 3, killEveryMs: 300 });
  assert.deepEqual([report.answers, report.wrong, report.failedSafe], [2000, [], []]);
  assert.ok(report.kills > 0);
});
