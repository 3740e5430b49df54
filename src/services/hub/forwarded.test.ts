import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HeaderList } from '../wire/header-list.ts';
import { addForwarding, seeThroughProxy } from './forwarded.ts';

const caller = {
  address: '192.0.2.9',
  host: 'hub.example:5070',
  protocol: 'http',
  prefix: '',
  isProxy: false,
} as const;

function forward(headers: HeaderList, change: object = {}): Map<string, string[]> {
  const changed = { ...caller, ...change };
  const found = new Map<string, string[]>();
  for (const [name, value] of addForwarding(headers, changed, seeThroughProxy(headers, changed)))
    found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), value]);
  found.delete('traceparent');
  return found;
}

const forwarded = (change: object): string | undefined => forward([], change).get('forwarded')?.[0];

it('Forwarded says who asked, in the words of RFC 7239', () => {
  assert.equal(forwarded({}), 'for=192.0.2.9;host="hub.example:5070";proto=http');
  assert.equal(
    forwarded({ address: '::ffff:10.0.0.1', protocol: 'https' }),
    'for=10.0.0.1;host="hub.example:5070";proto=https',
  );
  assert.equal(forwarded({ address: 'fe80::1%eth0' }), 'for="[fe80::1]";host="hub.example:5070";proto=http');
  assert.equal(forwarded({ address: '', host: undefined }), 'for=unknown;proto=http');
});

it('a Host that would end the quotes is left out', () => {
  assert.equal(forwarded({ host: 'a";for=1.2.3.4' }), 'for=192.0.2.9;proto=http');
  assert.equal(forwarded({ host: 'a\\' }), 'for=192.0.2.9;proto=http');
});

it('a traceparent that is none is replaced', () => {
  for (const bad of [
    'x',
    `00-${'0'.repeat(32)}-${'1'.repeat(16)}-00`,
    `ff-${'1'.repeat(32)}-${'1'.repeat(16)}-00`,
  ]) {
    const list = addForwarding([['TraceParent', bad]], caller, caller);
    assert.equal(list.filter(([name]) => name.toLowerCase() === 'traceparent').length, 1);
    assert.match(list.at(-1)?.[1] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  }
});

describe('X-Forwarded-…', () => {
  const said: HeaderList = [
    ['Forwarded', 'for=192.0.2.1'],
    ['X-Forwarded-For', '192.0.2.1'],
    ['X-Forwarded-For', '192.0.2.2'],
    ['X-Forwarded-Proto', 'HTTPS'],
    ['X-Forwarded-Host', 'public.example, hub'],
    ['X-Forwarded-Prefix', '/hub'],
    ['X-Forwarded-Port', '443'],
    ['X-Real-IP', '192.0.2.1'],
    ['X_Forwarded_For', '192.0.2.3'],
    ['CF-Connecting-IP', '192.0.2.1'],
    ['X-Kept', '1'],
  ];

  it('is what this connection shows, whatever the caller says', () => {
    assert.deepEqual(
      forward(said, { prefix: '/services/billing' }),
      new Map([
        ['x-kept', ['1']],
        ['forwarded', ['for=192.0.2.9;host="hub.example:5070";proto=http']],
        ['x-forwarded-proto', ['http']],
        ['x-forwarded-for', ['192.0.2.9']],
        ['x-forwarded-host', ['hub.example:5070']],
        ['x-forwarded-prefix', ['/services/billing']],
      ]),
    );
  });

  it('is what a proxy says that is believed, with this hop behind it', () => {
    assert.deepEqual(
      forward(said, { prefix: '/services/billing', isProxy: true }),
      new Map([
        ['x-forwarded-port', ['443']],
        ['x-real-ip', ['192.0.2.1']],
        ['cf-connecting-ip', ['192.0.2.1']],
        ['x-kept', ['1']],
        ['forwarded', ['for=192.0.2.1', 'for=192.0.2.9;host="hub.example:5070";proto=http']],
        ['x-forwarded-proto', ['https']],
        ['x-forwarded-for', ['192.0.2.1, 192.0.2.2, 192.0.2.9']],
        ['x-forwarded-host', ['public.example']],
        ['x-forwarded-prefix', ['/hub/services/billing']],
      ]),
    );
  });

  it('has other names, which only a proxy may use either', () => {
    const names = [
      'cf-connecting-ipv6',
      'cf-pseudo-ipv4',
      'client-ip',
      'forwarded-for',
      'x-azure-clientip',
      'x-forwarded',
      'x-originating-ip',
      'x-remote-addr',
      'x-remote-ip',
    ];
    const list = names.map((name) => [name, '192.0.2.1'] as const);
    const passed = (isProxy: boolean) => names.filter((name) => forward(list, { isProxy }).has(name));
    assert.deepEqual([passed(false), passed(true)], [[], names]);
    const underscored = names.map((name) => [name.replaceAll('-', '_'), '192.0.2.1'] as const);
    assert.deepEqual(
      [...forward(underscored, { isProxy: true }).keys()].filter((name) => name.includes('_')),
      [],
    );
  });

  it('takes no nonsense from a proxy', () => {
    const odd: HeaderList = [
      ['X-Forwarded-Proto', 'ftp'],
      ['X-Forwarded-Host', 'a"b'],
      ['X-Forwarded-Prefix', '//evil.example'],
    ];
    const seen = seeThroughProxy(odd, { ...caller, isProxy: true });
    assert.deepEqual([seen.protocol, seen.host, seen.prefix], ['http', 'hub.example:5070', '']);
  });
});
