import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter } from './line-splitter.ts';

function split(chunks: readonly string[], maxBytes = 100): { lines: string[]; fine: boolean } {
  const splitter = new LineSplitter(maxBytes);
  const lines: string[] = [];
  const take = (line: Buffer): boolean => {
    lines.push(line.toString());
    return true;
  };
  return { fine: chunks.every((chunk) => splitter.push(Buffer.from(chunk), take)), lines };
}

test('lines come out whole, whatever the chunks', () => {
  const text = 'one\n\ntwo três\nfour';
  for (let at = 0; at <= text.length; at++) {
    assert.deepEqual(split([text.slice(0, at), text.slice(at)]).lines, ['one', '', 'two três'], `${at}`);
  }
  assert.deepEqual(split(Array.from(text)).lines, ['one', '', 'two três']);
});

test('a line may have maxBytes, and not one more, complete or not', () => {
  assert.deepEqual(split(['12345\n'], 5), { lines: ['12345'], fine: true });
  assert.equal(split(['123456\n'], 5).fine, false);
  assert.equal(split(['123', '456'], 5).fine, false);
  assert.equal(split(['123', '45', '\n'], 5).fine, true);
});

test('stops when told to', () => {
  const splitter = new LineSplitter(100);
  const lines: string[] = [];
  splitter.push(Buffer.from('a\nb\nc\n'), (line) => {
    lines.push(line.toString());
    return lines.length < 2;
  });
  assert.deepEqual(lines, ['a', 'b']);
});
