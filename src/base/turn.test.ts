import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turn } from './turn.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('work of one turn is done together at its end, in order', async () => {
  const turn = new Turn();
  const done: number[] = [];
  for (const number of [1, 2, 3]) turn.add({ endTurn: () => void done.push(number) });
  assert.deepEqual(done, []);
  await nextTurn();
  assert.deepEqual(done, [1, 2, 3]);
});

test('work that adds work waits for the next turn', async () => {
  const turn = new Turn();
  const done: string[] = [];
  turn.add({
    endTurn: () => {
      done.push('first');
      turn.add({ endTurn: () => void done.push('second') });
    },
  });
  await nextTurn();
  await nextTurn();
  await nextTurn();
  assert.deepEqual(done, ['first', 'second']);
});

test('work that throws costs nobody else the turn, nor the next one, and its error is not swallowed', async () => {
  const turn = new Turn();
  const done: string[] = [];
  const uncaught: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => void uncaught.push(error));
  const failure = new Error('broken');
  turn.add({
    endTurn: () => {
      throw failure;
    },
  });
  turn.add({ endTurn: () => void done.push('beside it') });
  await nextTurn();
  await nextTurn();
  for (const listener of listeners) process.on('uncaughtException', listener);
  turn.add({ endTurn: () => void done.push('after it') });
  await nextTurn();
  assert.deepEqual(done, ['beside it', 'after it']);
  assert.deepEqual(uncaught, [failure]);
});
