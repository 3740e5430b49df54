import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatPretty } from './pretty-line.ts';

const plain = { colors: false };

describe('formatPretty', () => {
  it('shows time, level, text and fields on one line', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: new Date(2026, 10, 22, 9, 5, 7, 42).toISOString(),
      port: 5070,
      host: 'a b',
      msg: 'careful',
    });
    assert.equal(formatPretty(line, plain), '09:05:07.042 warn  careful port=5070 host="a b"\n');
  });

  it('puts the stack of an error below, indented', () => {
    const line = JSON.stringify({
      level: 'error',
      time: 'never',
      err: { message: 'x', stack: 'Error: x\n    at y' },
      msg: 'bad',
    });
    assert.equal(formatPretty(line, plain), '--:--:--.--- error bad\n  Error: x\n      at y\n');
  });

  it('shows whatever else was thrown', () => {
    const line = JSON.stringify({ level: 'error', time: 'never', err: 'a text', msg: 'bad' });
    assert.equal(formatPretty(line, plain), '--:--:--.--- error bad\n  "a text"\n');
  });

  it('gives back what is no JSON', () => {
    assert.equal(formatPretty('hello\n', plain), 'hello\n');
  });

  it('colours only when asked', () => {
    const line = JSON.stringify({ level: 'info', time: 'never', msg: 'text' });
    assert.ok(formatPretty(line, { colors: true }).includes('\u001B['));
    assert.ok(!formatPretty(line, plain).includes('\u001B['));
  });
});
