import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairPlaces } from './fair-places.ts';

function takeAll(places: FairPlaces, caller: string, limit: number): number {
  let count = 0;
  for (; places.isOpenTo(caller, limit); count++) places.take(caller);
  return count;
}

test('few places are not kept for anybody', () => {
  const places = new FairPlaces();
  assert.equal(takeAll(places, 'a', 2), 2);
  assert.equal(places.isOpenTo('b', 2), false);
});

test('who holds more than its share gets no more until it has given back', () => {
  const places = new FairPlaces();
  for (const caller of ['a', 'b']) for (let count = 0; count < 4; count++) places.take(caller);
  assert.deepEqual([places.isOpenTo('a', 16), takeAll(places, 'c', 16)], [true, 4]);
  assert.deepEqual([places.isOpenTo('a', 16), places.taken], [false, 12]);
  for (let count = 0; count < 4; count++) places.give('c');
  assert.deepEqual([places.isOpenTo('a', 16), places.heldBy('c')], [true, 0]);
});
