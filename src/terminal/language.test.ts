import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectLanguage, parseLanguage } from './language.ts';

test('the environment chooses the language, as POSIX orders its variables', () => {
  assert.equal(detectLanguage({}), 'en');
  assert.equal(detectLanguage({ LANG: 'pt_BR.UTF-8' }), 'pt-BR');
  assert.equal(detectLanguage({ LANG: 'pt' }), 'pt-BR');
  assert.equal(detectLanguage({ LANG: 'pt_PT@euro' }), 'pt-BR');
  assert.equal(detectLanguage({ LANG: 'C.UTF-8' }), 'en');
  assert.equal(detectLanguage({ LANG: 'ptolemaic' }), 'en');
  assert.equal(detectLanguage({ LANG: 'pt_BR.UTF-8', LC_MESSAGES: 'en_US.UTF-8' }), 'en');
  assert.equal(detectLanguage({ LANG: 'pt_BR.UTF-8', LC_MESSAGES: 'en_US.UTF-8', LC_ALL: 'pt_BR' }), 'pt-BR');
  assert.equal(detectLanguage({ LANG: 'pt_BR.UTF-8', LC_ALL: '' }), 'pt-BR');
});

test('a written language is taken in its usual spellings', () => {
  for (const text of ['pt', 'pt-BR', 'pt_br', ' PT-br ']) assert.equal(parseLanguage(text), 'pt-BR');
  for (const text of ['en', 'EN', 'en-GB']) assert.equal(parseLanguage(text), 'en');
  for (const text of ['', 'fr', 'pt-PTX', 'english']) assert.equal(parseLanguage(text), undefined);
});
