import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Key } from './key-reader.ts';
import { MAX_LINE_CHARACTERS, TextLine } from './text-line.ts';

function press(line: TextLine, ...names: Key['name'][]): void {
  for (const name of names) assert.ok(line.take({ name, text: '' }));
}

function type(line: TextLine, text: string): void {
  for (const character of text) line.take({ name: 'text', text: character });
}

describe('TextLine', () => {
  test('types, moves and removes by what people see as one character', () => {
    const line = new TextLine();
    type(line, 'ab');
    line.take({ name: 'text', text: '👩‍👩‍👧' });
    line.take({ name: 'text', text: 'e\u0301' });
    press(line, 'left', 'left', 'backspace');
    assert.equal(line.text, 'a👩‍👩‍👧e\u0301');
    press(line, 'delete');
    assert.equal(line.text, 'ae\u0301');
    press(line, 'end', 'backspace');
    assert.equal(line.text, 'a');
    press(line, 'home', 'delete', 'delete', 'backspace', 'left', 'right');
    assert.equal(line.text, '');
  });

  test('the keys of shells edit too', () => {
    const line = new TextLine('one two  three');
    for (const [letter, text] of [
      ['w', 'one two  '],
      ['w', 'one '],
      ['u', ''],
    ] as const) {
      line.take({ name: 'ctrl', text: letter });
      assert.equal(line.text, text);
    }
    type(line, 'abc');
    line.take({ name: 'ctrl', text: 'a' });
    press(line, 'right');
    line.take({ name: 'ctrl', text: 'k' });
    assert.equal(line.text, 'a');
    assert.equal(line.take({ name: 'ctrl', text: 'x' }), false);
    assert.equal(line.take({ name: 'enter', text: '' }), false);
  });

  test('what is pasted stays one line, and harmless', () => {
    const line = new TextLine();
    line.take({ name: 'paste', text: 'http://hub\r\n' });
    assert.equal(line.text, 'http://hub');
    line.take({ name: 'paste', text: ' \u001b[2Jx\ny' });
    assert.equal(line.text, 'http://hub x y');
  });

  test('a line has a limit', () => {
    const line = new TextLine('x'.repeat(MAX_LINE_CHARACTERS - 1));
    line.take({ name: 'paste', text: 'yz' });
    assert.equal(line.text.length, MAX_LINE_CHARACTERS);
    assert.ok(line.text.endsWith('xy'));
  });

  test('the cursor is always in sight', () => {
    const line = new TextLine('abcdefghij');
    assert.deepEqual(line.view(5), { before: 'ghij', at: ' ', after: '' });
    press(line, 'home');
    assert.deepEqual(line.view(5), { before: '', at: 'a', after: 'bcdef' });
    press(line, 'right', 'right', 'right', 'right', 'right', 'right');
    assert.deepEqual(line.view(5), { before: 'cdef', at: 'g', after: 'h' });
    assert.deepEqual(new TextLine('日本語').view(5), { before: '本語', at: ' ', after: '' });
  });
});
