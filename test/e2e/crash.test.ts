import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runCrashes } from '../crash/run-crashes.ts';
import { LastingHub } from '../helpers/lasting-hub.ts';

/** `npm run test:crash` sets more. */
const KILLS = Number(process.env['CRASH_KILLS'] ?? 10);
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

it(`a hub that is killed ${KILLS} times under load keeps all that it promised (seed ${SEED})`, async (t) => {
  const hub = await LastingHub.start(t, { settings: { RECADO_LOG_LEVEL: 'warn' } });
  const { wrong, promised } = await runCrashes(hub, {
    kills: KILLS,
    seed: SEED,
    tell: (text) => t.diagnostic(text),
  });
  assert.deepEqual(wrong, []);
  assert.ok(promised > KILLS, `${promised} promises were made`);
});
