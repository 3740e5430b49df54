import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AllowList } from './allow-list.ts';

function passes(rules: readonly string[], method: string, target: string): boolean {
  return new AllowList(rules).findRefusal(method, target) === undefined;
}

describe('the rules of an agent', () => {
  it('let everything pass when there are none', () => {
    assert.ok(passes([], 'DELETE', '/a/b?c'));
    assert.ok(passes([], 'GET', '//a'));
    assert.ok(passes([], 'GET', '/@scope%2fname'));
  });

  const table: readonly [rule: string, method: string, target: string, passes: boolean][] = [
    ['GET /invoices/**', 'GET', '/invoices', true],
    ['GET /invoices/**', 'GET', '/invoices/', true],
    ['GET /invoices/**', 'GET', '/invoices/1/lines?x=/admin', true],
    ['GET /invoices/**', 'POST', '/invoices/1', false],
    ['GET /invoices/**', 'GET', '/invoicesx', false],
    ['GET,head /a', 'HEAD', '/a', true],
    ['* /a/*', 'PATCH', '/a/b', true],
    ['* /a/*', 'GET', '/a/', false],
    ['* /a/*', 'GET', '/a/b/c', false],
    ['* /a/*/c', 'GET', '/a//c', false],
    ['* /**/c', 'GET', '/c', true],
    ['* /**/c', 'GET', '/a/b/c', true],
    ['* /**/b/**/d', 'GET', '/a/b/b/c/d', true],
    ['* /**/b/**/d', 'GET', '/a/b/b/c', false],
    ['* /', 'GET', '/', true],
    ['* /caf%C3%A9', 'GET', '/caf%c3%a9', true],
    ['* /files/*', 'GET', '/files/a%2Fb', false],
    ['* /files/**', 'GET', '/files/a%2Fb', true],
    ['* /a/b', 'GET', '/a%2Fb', false],
    ['* /%61/b', 'GET', '/a/%62', true],
  ];
  for (const [rule, method, target, expected] of table) {
    it(`${rule}: ${method} ${target} ${expected ? 'passes' : 'does not'}`, () =>
      assert.equal(passes([rule], method, target), expected));
  }

  it('never let a way out pass', () => {
    const ways = [
      '/..',
      '/a/../b',
      '/a/%2e%2E/b',
      '/.%2e',
      '/a%2f..%2fb',
      '/a\\..\\b',
      '/a%5c..',
      '/..;x=1/b',
      '/.',
      '/a%',
    ];
    for (const target of [...ways, '/%zz', '/a%00b', 'a', ''])
      assert.equal(passes([], 'GET', target), false, target);
    for (const target of ['/...', '/a..b', '/..a', '/a?../..', '/%252e%252e/'])
      assert.equal(passes([], 'GET', target), true, target);
  });

  it('that are none are told', () => {
    for (const rule of ['', 'GET', '/a', 'GET a', 'G@T /a', 'GET /a*', 'GET /***', 'GET /../a', 'GET /a b'])
      assert.throws(() => new AllowList([rule]), { code: 'CONFIG_INVALID' }, rule);
  });
});
