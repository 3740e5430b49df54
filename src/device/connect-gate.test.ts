import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectGate } from './connect-gate.ts';

test('lets so many in, and the others in the order in which they came', async () => {
  const gate = new ConnectGate(2);
  const { signal } = new AbortController();
  const entered: number[] = [];
  const all = [1, 2, 3, 4].map(async (number) => {
    if (await gate.enter(signal)) entered.push(number);
  });
  await Promise.all(all.slice(0, 2));
  assert.deepEqual(entered, [1, 2]);
  assert.equal(gate.waiting, 2);
  gate.leave();
  await all[2];
  assert.deepEqual(entered, [1, 2, 3]);
  gate.leave();
  await all[3];
  assert.deepEqual(entered, [1, 2, 3, 4]);
});

test('who gives up leaves the queue and takes no turn', async () => {
  const gate = new ConnectGate(1);
  const patient = new AbortController();
  const impatient = new AbortController();
  assert.equal(await gate.enter(patient.signal), true);
  const lost = gate.enter(impatient.signal);
  const next = gate.enter(patient.signal);
  impatient.abort();
  assert.equal(await lost, false);
  assert.equal(await gate.enter(impatient.signal), false);
  gate.leave();
  assert.equal(await next, true);
  gate.leave();
  assert.equal(await gate.enter(patient.signal), true);
});
