import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from './fair-queue.ts';

const any = (): boolean => true;
const nobodyLeaves = (): void => assert.fail('an item had to leave');

test('callers take turns; each caller keeps its order', () => {
  const queue = new FairQueue<string>({ maxItems: 10, maxItemsPerCaller: 10 }, nobodyLeaves);
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.push(item[0] ?? '', item);
  assert.deepEqual(queue.drain(), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  assert.equal(queue.size, 0);
});

test('it is bounded, in all and for each caller', () => {
  const queue = new FairQueue<number>({ maxItems: 3, maxItemsPerCaller: 2 }, nobodyLeaves);
  assert.deepEqual([queue.push('a', 1), queue.push('a', 2), queue.push('a', 3)], [true, true, false]);
  assert.deepEqual([queue.push('b', 4), queue.push('b', 5)], [true, false]);
  assert.equal(queue.size, 3);
});

test('take passes over what cannot leave, without losing its place', () => {
  const queue = new FairQueue<number>({ maxItems: 10, maxItemsPerCaller: 10 }, nobodyLeaves);
  for (const item of [1, 2, 3]) queue.push('a', item);
  assert.equal(
    queue.take((item) => item === 2),
    2,
  );
  assert.equal(
    queue.take((item) => item === 9),
    undefined,
  );
  assert.deepEqual(queue.drain(), [1, 3]);
});

test('remove takes one item out, and only that', () => {
  const queue = new FairQueue<number>({ maxItems: 10, maxItemsPerCaller: 10 }, nobodyLeaves);
  for (const item of [1, 2]) queue.push('a', item);
  assert.deepEqual([queue.remove('a', 1), queue.remove('a', 1), queue.remove('b', 2)], [true, false, false]);
  assert.equal(queue.size, 1);
  assert.equal(queue.take(any), 2);
  assert.equal(queue.take(any), undefined);
});

test('where it is full, the newest of whoever has most leaves for one who has less', () => {
  const displaced: string[] = [];
  const queue = new FairQueue<string>({ maxItems: 4, maxItemsPerCaller: 3 }, (item) => displaced.push(item));
  for (const item of ['a1', 'a2', 'a3', 'b1']) queue.push(item[0] ?? '', item);
  assert.equal(queue.push('c', 'c1'), true);
  assert.deepEqual([displaced, queue.size], [['a3'], 4]);
  assert.deepEqual(
    [queue.push('a', 'a4'), queue.push('b', 'b2'), queue.push('d', 'd1')],
    [false, false, true],
  );
  assert.deepEqual(displaced, ['a3', 'a2']);
  assert.deepEqual(queue.drain(), ['a1', 'b1', 'c1', 'd1']);
});
