import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../helpers/manual-clock.ts';
import { clamp, partShown, scrollTo } from '../../src/terminal/ui/list-window.ts';
import { TypedNumber } from '../../src/terminal/ui/typed-number.ts';

describe('scrollTo', () => {
  test('keeps still while the selection is in sight, and shows one more before it is not', () => {
    assert.equal(scrollTo(0, { count: 20, selected: 3, rows: 5 }), 0);
    assert.equal(scrollTo(0, { count: 20, selected: 4, rows: 5 }), 1);
    assert.equal(scrollTo(10, { count: 20, selected: 10, rows: 5 }), 9);
  });

  test('never leaves the list', () => {
    assert.equal(scrollTo(0, { count: 20, selected: 19, rows: 5 }), 15);
    assert.equal(scrollTo(15, { count: 20, selected: 0, rows: 5 }), 0);
    assert.equal(scrollTo(7, { count: 3, selected: 2, rows: 5 }), 0);
    assert.equal(scrollTo(0, { count: 0, selected: 0, rows: 5 }), 0);
    assert.equal(scrollTo(0, { count: 4, selected: 3, rows: 1 }), 3);
  });

  test('partShown', () => {
    assert.deepEqual(partShown(3, { count: 9, rows: 4 }), { from: 4, to: 7, total: 9 });
    assert.equal(partShown(0, { count: 4, rows: 4 }), undefined);
  });

  test('clamp', () => {
    assert.deepEqual([clamp(-1, 3), clamp(1, 3), clamp(9, 3), clamp(2, 0)], [0, 1, 2, 0]);
  });
});

describe('TypedNumber', () => {
  test('digits make a number while there is such a number and no pause', () => {
    const clock = new ManualClock();
    const number = new TypedNumber(clock);
    const take = (digit: string): number | undefined =>
      number.take(digit, (wanted) => wanted >= 1 && wanted <= 12);
    assert.equal(take('1'), 1);
    assert.equal(take('2'), 12);
    assert.equal(take('3'), 3, 'there is no 123');
    assert.equal(take('0'), undefined);
    assert.equal(take('1'), 1);
    clock.advance(2000);
    assert.equal(take('2'), 2);
  });
});
