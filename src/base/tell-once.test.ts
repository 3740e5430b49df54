import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';
import { silentLogger } from './logger.ts';
import { TellOnce } from './tell-once.ts';

const CLOCK = { ...systemClock, monotonic: () => 0 };

function tellInto(told: string[], maxKeys: number): TellOnce {
  return new TellOnce({ ...silentLogger, warn: (_, text) => void told.push(text) }, maxKeys, CLOCK);
}

test('each cause is told once for each host', () => {
  const told: string[] = [];
  const once = tellInto(told, 3);
  for (const cause of ['a', 'b', 'a']) once.warn(cause, '10.0.0.1', cause);
  for (let host = 1; host < 9; host++) once.warn('a', `2001:db8::${host}`, `a from ${host}`);
  assert.deepEqual(told, ['a', 'b', 'a from 1']);
});

test('what is new is told however many were told before, and the oldest may be told again', () => {
  const told: string[] = [];
  const once = tellInto(told, 3);
  for (const cause of ['a', 'b', 'c', 'd', 'b', 'a', 'd']) once.warn(cause, '10.0.0.1', cause);
  assert.deepEqual(told, ['a', 'b', 'c', 'd', 'a']);
});

test('many at once are a budget of lines, and what was withheld is told when it comes again', () => {
  const told: string[] = [];
  let nowMs = 0;
  const log = { ...silentLogger, warn: (_: object, text: string) => void told.push(text) };
  const once = new TellOnce(log, 999, { ...systemClock, monotonic: () => nowMs });
  for (let host = 1; host <= 99; host++) once.warn('a', `10.0.0.${host}`, `${host}`);
  assert.equal(told.length, 20);
  nowMs = 1001;
  once.warn('a', '10.0.0.99', '99');
  assert.deepEqual(told.slice(20), ['warnings that are given once: and 79 more', '99']);
});
