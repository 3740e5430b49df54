import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './logger.ts';
import { TellOnce } from './tell-once.ts';

test('each cause is told once, and only so many', () => {
  const told: string[] = [];
  const once = new TellOnce({ ...silentLogger, warn: (_, text) => void told.push(text) }, 2);
  for (const key of ['a', 'b', 'a', 'c', 'b']) once.warn(key, {}, key);
  assert.deepEqual(told, ['a', 'b']);
});
