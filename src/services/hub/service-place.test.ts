import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeaderList } from '../wire/header-list.ts';
import { fromCallerAddress, toCallerHeaders, withoutSessionCookie, type Sandbox } from './service-place.ts';

const place = {
  origin: 'http://hub.example:5070',
  prefix: '/services/billing',
  sandbox: 'off' as Sandbox,
  target: '/a/b?c',
};

function mapped(name: string, value: string, change: object = {}): string | undefined {
  return toCallerHeaders([[name, value]], { ...place, ...change })[0]?.[1];
}

describe('addresses in an answer, below /services/billing', () => {
  const addresses: readonly [value: string, mapped: string][] = [
    ['/login', '/services/billing/login'],
    ['/login?next=/a#b', '/services/billing/login?next=/a#b'],
    ['/', '/services/billing/'],
    ['/services/billing', '/services/billing'],
    ['/services/billing/login', '/services/billing/login'],
    ['/services/billings', '/services/billing/services/billings'],
    ['http://hub.example:5070/login', '/services/billing/login'],
    ['https://HUB.example:5070/login', '/services/billing/login'],
    ['//hub.example:5070/login', '/services/billing/login'],
    ['login', 'login'],
    ['?page=2', '?page=2'],
    ['#top', '#top'],
    ['https://accounts.example/auth?x=/', 'https://accounts.example/auth?x=/'],
    ['//other.example/x', '//other.example/x'],
    ['/\\other.example/x', '/\\other.example/x'],
    ['http://hub.example/other-port', 'http://hub.example/other-port'],
    ['mailto:a@b.example', 'mailto:a@b.example'],
    ['http://[', 'http://['],
  ];
  for (const [value, wanted] of addresses)
    it(`${value} is ${wanted}`, () => {
      assert.equal(mapped('Location', value), wanted);
      assert.equal(mapped('content-location', value), wanted);
      assert.equal(mapped('Location', value, { prefix: '' }), value);
    });

  it('Refresh and Link have them as well', () => {
    assert.equal(mapped('Refresh', '5; url=/x'), '5; url=/services/billing/x');
    assert.equal(mapped('Refresh', "0;URL='/x'"), "0;URL='/services/billing/x'");
    assert.equal(mapped('Refresh', '0, /x'), '0, /services/billing/x');
    assert.equal(mapped('Refresh', '5'), '5');
    assert.equal(
      mapped('Link', '</a.css>; rel=preload, <https://other.example/>; rel=x, <b>; rel=next'),
      '</services/billing/a.css>; rel=preload, <https://other.example/>; rel=x, <b>; rel=next',
    );
  });
});

it('an address that a caller gives is a path of the service, or stays', () => {
  const addresses: readonly [value: string, mapped: string, ownHost: string][] = [
    ['http://hub.example:5070/services/billing/x?y', '/x?y', '/services/billing/x?y'],
    ['/services/billing/x', '/x', '/services/billing/x'],
    ['/services/billing', '/', '/services/billing'],
    ['/services/billings/x', '/services/billings/x', '/services/billings/x'],
    ['/x', '/x', '/x'],
    ['http://hub.example:5070/x', 'http://hub.example:5070/x', '/x'],
    ['http://other.example/x', 'http://other.example/x', 'http://other.example/x'],
  ];
  for (const [value, wanted, ownHost] of addresses) {
    assert.equal(fromCallerAddress(value, place), wanted);
    assert.equal(fromCallerAddress(value, { ...place, prefix: '' }), ownHost);
  }
});

describe('a cookie of a service', () => {
  const cookies: readonly [cookie: string, below: string | undefined, ownHost: string | undefined][] = [
    ['a=1; Path=/', 'a=1; Path=/services/billing', 'a=1; Path=/'],
    ['a=1; path=/app; HttpOnly', 'a=1; HttpOnly; Path=/services/billing/app', 'a=1; HttpOnly; Path=/app'],
    ['a=1', 'a=1; Path=/services/billing/a', 'a=1'],
    ['a=1; Path=app', 'a=1; Path=/services/billing/a', 'a=1'],
    ['a=1; Path=/x; Path=/y', 'a=1; Path=/services/billing/y', 'a=1; Path=/y'],
    ['a=1; Path=/services/billing/x', 'a=1; Path=/services/billing/x', 'a=1; Path=/services/billing/x'],
    [
      'a=1; Domain=hub.example; Secure; SameSite=Lax',
      'a=1; Secure; SameSite=Lax; Path=/services/billing/a',
      'a=1; Secure; SameSite=Lax',
    ],
    ['recado_session=forged; Path=/', undefined, undefined],
    ['Recado_Session =forged', undefined, undefined],
    ['__Host-recado_session=forged; Secure; Path=/', undefined, undefined],
    ['=recado_session=forged', undefined, undefined],
    [
      'recado_session_2=mine; Path=/',
      'recado_session_2=mine; Path=/services/billing',
      'recado_session_2=mine; Path=/',
    ],
  ];
  for (const [cookie, below, ownHost] of cookies)
    it(`${cookie} is ${below ?? 'dropped'}`, () => {
      assert.equal(mapped('Set-Cookie', cookie), below);
      assert.equal(mapped('Set-Cookie', cookie, { prefix: '' }), ownHost);
    });

  it("never sees the hub's own", () => {
    assert.equal(withoutSessionCookie('a=1; recado_session=secret; b=2'), 'a=1; b=2');
    assert.equal(withoutSessionCookie('recado_session=secret; b=2'), 'b=2');
    assert.equal(withoutSessionCookie('recado_session=secret'), undefined);
    assert.equal(withoutSessionCookie('__Secure-recado_session=secret;a=1'), 'a=1');
    assert.equal(withoutSessionCookie('a=recado_session=x'), 'a=recado_session=x');
  });
});

describe('what else an answer says', () => {
  const headers: HeaderList = [
    ['Service-Worker-Allowed', '/'],
    ['Clear-Site-Data', '"cookies"'],
    ['Strict-Transport-Security', 'max-age=1'],
    ['Alt-Svc', 'h2="10.0.0.7:443"'],
    ['X-Accel-Redirect', '/internal'],
    ['Content-Security-Policy', "default-src 'self'"],
    ['X-Kept', '1'],
  ];
  const names = (change: object): string[] =>
    toCallerHeaders(headers, { ...place, ...change }).map(([name, value]) =>
      name[0] === 'C' ? value : name,
    );

  it('about a host that it shares, or to a proxy, goes no further', () => {
    assert.deepEqual(names({}), ["default-src 'self'", 'X-Kept']);
    assert.deepEqual(names({ prefix: '' }), [
      'Service-Worker-Allowed',
      '"cookies"',
      'Strict-Transport-Security',
      "default-src 'self'",
      'X-Kept',
    ]);
  });

  it('is joined by the sandbox where its pages must not act as whoever looks at them', () => {
    assert.deepEqual(names({ sandbox: 'on' }).slice(-1), ['sandbox allow-scripts allow-forms']);
    assert.deepEqual(names({ sandbox: 'later' }).slice(-1), ['Vary']);
  });
});
