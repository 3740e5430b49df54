import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readKeys, type KeyFlags } from './keys.ts';

const NONE: KeyFlags = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageUp: false,
  pageDown: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  tab: false,
  shift: false,
  backspace: false,
  delete: false,
  ctrl: false,
  meta: false,
};

describe('readKeys', () => {
  test('named keys', () => {
    assert.deepEqual(readKeys('', { ...NONE, upArrow: true }), [{ name: 'up', text: '' }]);
    assert.deepEqual(readKeys('', { ...NONE, return: true }), [{ name: 'enter', text: '' }]);
    assert.deepEqual(readKeys('', { ...NONE, tab: true, shift: true }), [{ name: 'backTab', text: '' }]);
    assert.deepEqual(readKeys('u', { ...NONE, ctrl: true }), [{ name: 'ctrl', text: 'u' }]);
    assert.deepEqual(readKeys('x', { ...NONE, meta: true }), []);
  });

  test('what comes in one piece is the same keys', () => {
    assert.deepEqual(readKeys('1é👩‍👩‍👧\r\u0015\t\u0000', NONE), [
      { name: 'text', text: '1' },
      { name: 'text', text: 'é' },
      { name: 'text', text: '👩‍👩‍👧' },
      { name: 'enter', text: '' },
      { name: 'ctrl', text: 'u' },
      { name: 'tab', text: '' },
    ]);
  });
});
