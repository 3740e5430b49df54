import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './logger.ts';
import { TellOnce } from './tell-once.ts';

test('each cause is told once for each host, and only so many', () => {
  const told: string[] = [];
  const once = new TellOnce({ ...silentLogger, warn: (_, text) => void told.push(text) }, 3);
  for (const cause of ['a', 'b', 'a']) once.warn(cause, '10.0.0.1', cause);
  for (let host = 1; host < 9; host++) once.warn('a', `2001:db8::${host}`, `a from ${host}`);
  once.warn('c', '10.0.0.1', 'c');
  assert.deepEqual(told, ['a', 'b', 'a from 1']);
});
