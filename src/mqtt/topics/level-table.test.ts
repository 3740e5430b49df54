import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LevelTable } from './level-table.ts';

describe('LevelTable', () => {
  it('knows a text by one number for as long as it has users', () => {
    const levels = new LevelTable();
    const number = levels.hold('site/room/site', 0, 4);
    assert.equal(levels.hold('site/room/site', 10, 14), number);
    assert.equal(levels.textOf(number), 'site');
    assert.equal(levels.find('a/site', 2, 6), number);
    assert.equal(levels.find('room', 0, 4), 0);
    levels.release(number);
    assert.equal(levels.find('site', 0, 4), number);
    levels.release(number);
    assert.equal(levels.find('site', 0, 4), 0);
    assert.equal(levels.size, 0);
  });

  it('knows the empty text, and tells other scripts apart', () => {
    const levels = new LevelTable();
    const texts = ['', '\u00e9', 'e\u0301', 'ŁĄ', '温', 'e', 'a'];
    const numbers = texts.map((text) => levels.hold(text, 0, text.length));
    assert.equal(new Set(numbers).size, texts.length);
    assert.deepEqual(
      texts.map((text) => levels.find(text, 0, text.length)),
      numbers,
    );
  });

  it('tells texts of the same hash apart, while they come and go in any order', () => {
    const levels = new LevelTable(0);
    const texts = ['a', 'b', 'c', 'd', 'e'];
    const numbers = new Map(texts.map((text) => [text, levels.hold(text, 0, 1)]));
    for (const gone of ['b', 'e', 'a', 'd', 'c']) {
      levels.release(numbers.get(gone) ?? 0);
      numbers.delete(gone);
      for (const text of texts) assert.equal(levels.find(text, 0, 1), numbers.get(text) ?? 0, text);
    }
    assert.equal(levels.size, 0);
  });

  it('forgets and learns any number of texts', () => {
    const levels = new LevelTable();
    for (let round = 0; round < 3; round++) {
      const texts = Array.from({ length: 20_000 }, (_, index) => `level-${round}-${index}`);
      const numbers = texts.map((text) => levels.hold(text, 0, text.length));
      assert.ok(Math.max(...numbers) <= 20_000, 'numbers are used again');
      for (const [index, text] of texts.entries())
        assert.equal(levels.find(text, 0, text.length), numbers[index]);
      for (const number of numbers) levels.release(number);
      assert.equal(levels.size, 0);
    }
  });
});
