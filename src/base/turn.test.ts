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
