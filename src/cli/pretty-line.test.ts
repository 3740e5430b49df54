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

  it('shows whatever else was thrown, and faults without a stack, on the same line', () => {
    const line = JSON.stringify({ level: 'error', time: 'never', err: 'a text', msg: 'bad' });
    assert.equal(formatPretty(line, plain), '--:--:--.--- error bad err="a text"\n');
    const fault = JSON.stringify({ level: 'error', time: 'never', err: { code: 'FULL' }, msg: 'bad' });
    assert.equal(formatPretty(fault, plain), '--:--:--.--- error bad err={"code":"FULL"}\n');
  });

  it('is one line, and nothing but text, whatever others say', () => {
    const clientId = 'x\u001b[2J\u009b\n10:00:00.000 info  the hub is ready';
    const line = JSON.stringify({
      level: 'info',
      time: 'never',
      clientId,
      plain: '\u001bc',
      msg: `a ${clientId}`,
    });
    const told = formatPretty(line, plain);
    assert.equal(told.indexOf('\n'), told.length - 1);
    // oxlint-disable-next-line no-control-regex -- none must be left
    assert.doesNotMatch(told.slice(0, -1), /[\u0000-\u001f\u007f-\u009f]/);
    assert.match(told, /clientId="x\\u001b\[2J\\u009b\\n10:00:00\.000 info/);
    const err = { stack: `Error: ${clientId}` };
    const stack = formatPretty(JSON.stringify({ level: 'error', time: 'never', err, msg: 'bad' }), plain);
    assert.match(
      stack,
      /^--:--:--\.--- error bad\n  Error: x\\u001b\[2J\\u009b\n  10:00:00\.000 info  .*\n$/,
    );
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
