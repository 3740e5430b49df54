import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fit, layOut, widthOf, wrapLines, type Row } from './rows.ts';

function textOf(row: Row, columns: number): string {
  return layOut(row, columns)
    .map((cell) => cell.text)
    .join('');
}

describe('layOut', () => {
  test('cells get their width, and the rest what is left', () => {
    const row: Row = [
      { text: 'id', width: 4 },
      { text: 'a long title', width: 'rest' },
      { text: '7', width: 3, align: 'right' },
    ];
    assert.equal(textOf(row, 16), 'id  a long t…  7');
    assert.equal(textOf(row, 20), 'id  a long title   7');
  });

  test('a row never gets wider than the terminal', () => {
    const row: Row = [{ text: 'abcdef', width: 6 }, { text: 'ghi' }, { text: 'rest', width: 'rest' }];
    assert.equal(textOf(row, 8), 'abcdefg…');
    assert.equal(textOf(row, 3), 'ab…');
    assert.equal(textOf(row, 0), '');
  });

  test('what comes from outside is cleaned', () => {
    assert.equal(textOf([{ text: '\u001b]0;owned\u0007DE1\n\u001b[2J2' }], 20), 'DE1 2');
  });
});

describe('fit', () => {
  test('wide characters count as two columns and are not cut in half', () => {
    assert.equal(fit('日本語', 5), '日本…');
    assert.equal(widthOf(fit('日本語', 4)), 4);
    assert.equal(fit('日本語', 4), '日… ');
    assert.equal(fit('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…');
  });
});

describe('wrapLines', () => {
  test('words stay whole where they can, indents stay', () => {
    assert.deepEqual(wrapLines('one two three', 8), ['one two', 'three']);
    assert.deepEqual(wrapLines('  one two three', 6), ['  one', 'two', 'three']);
    assert.deepEqual(wrapLines('abcdefgh', 3), ['abc', 'def', 'gh']);
    assert.deepEqual(wrapLines('  a\n\n  b', 10), ['  a', '', '  b']);
  });
});
