import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { KeyReader, type Key } from './key-reader.ts';

let keys: Key[] = [];
const reader = new KeyReader((key) => keys.push(key));
afterEach(() => {
  reader.close();
  keys = [];
});

/** The keys that so many pieces of input make at once. */
function read(...pieces: readonly string[]): string[] {
  for (const piece of pieces) reader.take(piece);
  return keys.map(({ name, text }) => (text === '' ? name : `${name} ${text}`));
}

test('several characters at once are several keys, each as people see it', () => {
  assert.deepEqual(read('1é👩‍🚀\r\n'), ['text 1', 'text é', 'text 👩‍🚀', 'enter']);
});

test('sequences of all terminals, with or without Shift and Ctrl', () => {
  assert.deepEqual(read('\u001b[A\u001bOB\u001b[1;5C\u001b[D'), ['up', 'down', 'right', 'left']);
  keys = [];
  assert.deepEqual(read('\u001b[H\u001b[4~\u001b[5~\u001b[6;2~\u001b[3~\u001b[Z\t'), [
    'home',
    'end',
    'pageUp',
    'pageDown',
    'delete',
    'backTab',
    'tab',
  ]);
});

test('Ctrl with a letter, both kinds of backspace; what means nothing is no key', () => {
  assert.deepEqual(read('\u0001\u0015\u007f\b\u001bx\u001b[15~\u0000'), [
    'ctrl a',
    'ctrl u',
    'backspace',
    'backspace',
  ]);
});

test('a sequence may come in pieces', () => {
  assert.deepEqual(read('\u001b', '[', '1;2', 'A'), ['up']);
});

test('Esc is a key when nothing follows, or another key', async () => {
  assert.deepEqual(read('\u001b\r'), ['escape', 'enter']);
  const key = await new Promise((resolve) => {
    new KeyReader(resolve).take('\u001b');
  });
  assert.deepEqual(key, { name: 'escape', text: '' });
});

test('a pasted text is one key, with whatever is in it, when all of it has come', () => {
  assert.deepEqual(read('\u001b[200~one\r\ntw\u001b[', 'o\u001b[20', '1~x'), [
    'paste one\r\ntw\u001b[o',
    'text x',
  ]);
});
