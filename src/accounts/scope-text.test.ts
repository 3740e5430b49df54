import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Scope } from './permissions.ts';
import { formatScope, parseScope } from './scope-text.ts';

describe('a scope as people write it', () => {
  const cases: readonly [string, Scope][] = [
    ['read', { verbs: ['read'] }],
    [
      'read,command device:pump-* tag:hall',
      { verbs: ['read', 'command'], devices: ['pump-*'], tags: ['hall'] },
    ],
    ['service:billing service:shop-*', { services: ['billing', 'shop-*'] }],
    ['command topic:house/+/set topic:a:b', { verbs: ['command'], topics: ['house/+/set', 'a:b'] }],
    ['tag:"ground floor" tag:"a \\"b\\""', { tags: ['ground floor', 'a "b"'] }],
  ];
  for (const [text, scope] of cases)
    it(`${text} is read and written`, () => {
      assert.deepEqual(parseScope(text), { ok: true, value: scope });
      assert.equal(formatScope(scope), text);
    });

  it('may have its verbs anywhere, and apart', () => {
    const read = parseScope(' device:a read  command ');
    assert.deepEqual(read, { ok: true, value: { verbs: ['read', 'command'], devices: ['a'] } });
  });

  it('that says nothing, or something else, is none', () => {
    for (const text of ['', '  ', 'read,', 'raed', 'device:', 'device: a', 'Device:a', 'pump-1', '"read"'])
      assert.equal(parseScope(text).ok, false, text);
  });
});
