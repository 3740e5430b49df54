import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSimulation } from './run-simulation.ts';

/** `SIMULATION_SEED=n` runs one seed, `SIMULATION_SEEDS=from..to` those from one to the other. */
const { SIMULATION_SEED: one, SIMULATION_SEEDS: range = '1..4000' } = process.env;
const [from = 1, to = 1] = (one === undefined ? range : `${one}..${one}`).split('..').map(Number);

test(`a broker does what the model says, seeds ${from} to ${to}`, async () => {
  for (let seed = from; seed <= to; seed++) await runSimulation(seed);
});

test('a seed decides all that happens', async () => {
  for (let seed = from; seed < from + 20; seed++) {
    const [first, second] = [await runSimulation(seed), await runSimulation(seed)];
    assert.deepEqual(second.traced, first.traced);
    assert.deepEqual(second.broker.broker.stats, first.broker.broker.stats);
  }
});
