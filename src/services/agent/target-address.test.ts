import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TargetAddress } from './target-address.ts';

function hidden(url: string, name: string, value: string, target = '/a/b'): string | undefined {
  return new TargetAddress(new URL(url)).hide([[name, value]], target)[0]?.[1];
}

describe('the address of a target in its answers', () => {
  const table: readonly [url: string, value: string, wanted: string][] = [
    ['http://10.0.0.7:8080', 'http://10.0.0.7:8080/x?y#z', '/x?y#z'],
    ['http://10.0.0.7:8080', 'https://10.0.0.7:8080/x', '/x'],
    ['http://10.0.0.7:8080', 'http://user:pass@10.0.0.7:8080/x', '/x'],
    ['http://10.0.0.7:8080', '//10.0.0.7:8080', '/'],
    ['http://inner', 'http://INNER:80/x', '/x'],
    ['http://inner', 'http://inner:8080/x', 'http://inner:8080/x'],
    ['https://inner', 'https://inner/x', '/x'],
    ['http://inner/base', 'http://inner/base/x', '/x'],
    ['http://inner/base/', '/base', '/'],
    ['http://inner/base', '/base?x', '/?x'],
    ['http://inner/base', '/basement', '/basement'],
    ['http://inner/base', '/services/billing/x', '/services/billing/x'],
    ['http://inner/base', '../../../base/c', '/c'],
    ['http://inner', '../c', '/c'],
    ['http://inner', 'c', 'c'],
    ['http://inner', 'https://other.example/x', 'https://other.example/x'],
    ['http://inner', '/\\other.example/x', '/\\other.example/x'],
  ];
  for (const [url, value, wanted] of table)
    it(`${value} of ${url} is ${wanted}`, () => assert.equal(hidden(url, 'Location', value), wanted));

  it('is not in cookies either', () => {
    const base = 'http://inner/base/app';
    assert.equal(hidden(base, 'set-cookie', 'a=1; Domain=inner; Path=/base/app/x'), 'a=1; Path=/x');
    assert.equal(hidden(base, 'set-cookie', 'a=1; Path=/base/app'), 'a=1; Path=/');
    assert.equal(hidden(base, 'set-cookie', 'a=1; Path=/base'), 'a=1; Path=/');
    assert.equal(hidden(base, 'set-cookie', 'a=1; Path=/'), 'a=1; Path=/');
    assert.equal(hidden(base, 'set-cookie', 'a=1; Path=/bas'), 'a=1; Path=/bas');
    assert.equal(hidden(base, 'set-cookie', 'a=1'), 'a=1');
  });
});
