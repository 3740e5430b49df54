import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANGUAGES } from '../language.ts';
import { MESSAGES } from './messages.ts';

/** Every key, with what a message of a function looks like. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'function') return `function of ${value.length}`;
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}

test('all languages say the same things', () => {
  for (const language of LANGUAGES) assert.deepEqual(shapeOf(MESSAGES[language]), shapeOf(MESSAGES.en));
});

test('nothing is left untranslated', () => {
  const same = Object.entries(MESSAGES.en).flatMap(([key, item]) => {
    const other = MESSAGES['pt-BR'][key as keyof typeof MESSAGES.en];
    return typeof item === 'string' && item === other ? [key] : [];
  });
  assert.deepEqual(same, ['none']);
});
