import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AllowList } from './allow-list.ts';

function passes(rules: readonly string[], method: string, target: string): boolean {
  return sentFor(rules, method, target) !== undefined;
}

/** The target that goes to the service; undefined when the request is refused. */
function sentFor(rules: readonly string[], method: string, target: string): string | undefined {
  const admitted = new AllowList(rules).admit({ method, target, headers: [] });
  return admitted.ok ? admitted.value.target : undefined;
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
    ['* /files/*', 'GET', '/files/a%252Fb', false],
    ['* /files/*', 'GET', '/files/a%255Cb', false],
    ['* /files/*', 'GET', '/files/%20', false],
    ['* /files/*', 'GET', '/files/;x', false],
    ['* /files/*/c', 'GET', '/files/;x/c', false],
    ['* /files/*', 'GET', '/files/100%', true],
    ['* /100%25', 'GET', '/100%', true],
    ['* /**', 'GET', '/;jsessionid=1', true],
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
      '/a/..%20/b',
      '/a/%20../b',
      '/a/.%20./b',
      '/a/...%20/b',
      '/a/..%09/b',
      '/a/..%0d/b',
      '/a/%252e%252e/b',
      '/a/%25252e%25252E/b',
      '/a/%%32e%%32e/b',
      '/a/%u002e%u002e/b',
      '/a/..%3b/b',
      '/a/..%253bx/b',
      '/a/%c0%ae%c0%ae/b',
      '/a/%252525252e/b',
      '/x#/../../b',
      '/x#',
    ];
    for (const target of [...ways, '/a%00b', '/a%2500b', '/a%7f', 'a', ''])
      assert.equal(passes([], 'GET', target), false, target);
    for (const target of ['/...', '/a..b', '/..a', '/a?../..', '/a?%00', '/.well-known/x', '/a/.b;c'])
      assert.equal(passes([], 'GET', target), true, target);
  });

  it('judge the form that is sent: what no path has is encoded, all else is as it came', () => {
    const forms: readonly [target: string, sent: string][] = [
      ['/a/b%20c?x=1&x=%zz', '/a/b%20c?x=1&x=%zz'],
      ['/x%2fy/%41%7e', '/x%2fy/%41%7e'],
      ['/100%', '/100%25'],
      ['/%zz', '/%25zz'],
      ['/a\\b', '/a%5Cb'],
      ['/\xe9"<>^`{|}[]', '/%E9%22%3C%3E%5E%60%7B%7C%7D%5B%5D'],
      ["/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"],
      ['//other.example/x', '//other.example/x'],
      ['/?', '/?'],
    ];
    for (const [target, sent] of forms) assert.equal(sentFor([], 'GET', target), sent);
  });

  it('that are none are told', () => {
    const none = ['', 'GET', '/a', 'GET a', 'G@T /a', 'GET /a*', 'GET /***', 'GET /../a', 'GET /a b'];
    for (const rule of [...none, 'GET /a//b', 'GET /a?b', 'GET /a#b', 'GET /%2a', 'GET /a/%00'])
      assert.throws(() => new AllowList([rule]), { code: 'CONFIG_INVALID' }, rule);
  });

  it('drop what makes another request of it behind the agent, where there are rules', () => {
    const headers = [
      ['X-HTTP-Method-Override', 'DELETE'],
      ['x_http_method', 'DELETE'],
      ['X-Method-Override', 'DELETE'],
      ['X-Original-URL', '/secret'],
      ['X-Rewrite-URL', '/secret'],
      ['X-Forwarded-Uri', '/secret'],
      ['X-Kept', '1'],
    ] as const;
    const request = { method: 'GET', target: '/a', headers };
    const namesFor = (rules: readonly string[]): readonly string[] => {
      const admitted = new AllowList(rules).admit(request);
      assert.ok(admitted.ok);
      return admitted.value.headers.map(([name]) => name);
    };
    assert.deepEqual(namesFor(['* /**']), ['X-Kept']);
    assert.equal(namesFor([]).length, headers.length);
  });
});

const BASE = '/base';

/** The path that a server of each kind comes to for the path that is sent; undefined: it answers 400. */
const SERVERS: Readonly<Record<string, (path: string) => string | undefined>> = {
  'decodes once, then resolves, as WSGI and Go': (path) => resolved(unescape(path)),
  'resolves, then decodes and resolves': (path) => resolved(unescape(resolved(path))),
  'decodes twice, as behind a proxy that does': (path) => resolved(unescape(unescape(path))),
  'cuts parameters off, then decodes, as Tomcat': (path) =>
    resolved(unescape(path.replaceAll(/;[^/]*/g, ''))),
  'decodes, then cuts parameters off': (path) => resolved(unescape(path).replaceAll(/;[^/]*/g, '')),
  'Windows: backslashes, blanks and dots at the end': (path) =>
    resolved(
      unescape(path)
        .split(/[/\\]/)
        .map((name) => (/^\.\.? *$/.test(name) ? name.trim() : name.replace(/[ .]+$/, '')))
        .join('/'),
    ),
  'leaves blanks out': (path) => resolved(unescape(path).replaceAll(/[\t\r\n ]+/g, '')),
  'ends at NUL, as C': (path) => resolved(unescape(path).replace(/\0.*$/s, '')),
  'merges slashes, as nginx': (path) => resolved(unescape(path).replaceAll(/\/+/g, '/')),
  'WHATWG, as undici and Deno': (path) => URL.parse(`http://target${path}`)?.pathname,
  'takes overlong UTF-8': (path) => resolved(unescape(path.replaceAll(/%c0%ae/gi, '.'))),
};

function unescape(text: string): string {
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function resolved(path: string): string {
  const done: string[] = [];
  for (const name of path.split('/').slice(1)) {
    if (name === '..') done.pop();
    else if (name !== '.') done.push(name);
  }
  return `/${done.join('/')}`;
}

/** What paths that lead out are made of. */
const PIECES = (
  '. .. %2e %2E %252e %25252e %c0%ae / // %2f %252F \\ %5c %255c ; %3b ;x %20 %09 %0a %00 %2500 % %%32e %25 # ? ' +
  'a public secret'
).split(' ');

it('whatever usual servers make of a path, it stays below the base and within the rule', () => {
  const piece = fc.constantFrom(...PIECES);
  const targets = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const start = fc.constantFrom('/public/', '/public', '/');
  const within: readonly [rules: readonly string[], wanted: RegExp][] = [
    [[], /^\/base(?:\/|$)/],
    [['* /public/**'], /^\/base\/+public(?:\/|$)/],
    [['* /public/*'], /^\/base\/public\/[^/]+$/],
    [['* /public/**/a'], /^\/base\/+public\/(?:.*\/)?a$/],
  ];
  let admitted = 0;
  fc.assert(
    fc.property(start, targets, fc.constantFrom(...within), (first, rest, [rules, wanted]) => {
      const sent = sentFor(rules, 'GET', first + rest);
      if (sent === undefined) return;
      admitted++;
      const [path = ''] = sent.split('?', 1);
      for (const [server, read] of Object.entries(SERVERS))
        assert.match(read(BASE + path) ?? BASE, wanted, `${server}: ${sent}, ${rules.join()}`);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(admitted > 1000, `only ${admitted} targets said anything`);
});
