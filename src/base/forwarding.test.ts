import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { TrustedProxies, type RequestOrigin } from './forwarding.ts';

const PROXY = '10.0.0.1';
const proxies = new TrustedProxies([PROXY, '10.0.1.0/24']);

function originOf(peer: string, ...lines: readonly string[]): RequestOrigin {
  const pairs = lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]);
  const headers = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
  const request = { socket: { remoteAddress: peer }, headers, rawHeaders: pairs.flat() };
  return proxies.originOf(request as unknown as IncomingMessage);
}

const unknown = (address: string): RequestOrigin => ({ address, isForwarded: true });
const known = (address: string): RequestOrigin => ({ address, isForwarded: false });

describe('a request', () => {
  it('comes from its connection, where nobody passed it on', () => {
    assert.deepEqual(originOf('::ffff:192.0.2.1', 'Host: a', 'Accept: */*'), known('192.0.2.1'));
    assert.deepEqual(originOf(PROXY, 'Host: a'), known(PROXY));
  });

  it('comes from nobody knows where, if somebody passed it on who is not believed', () => {
    for (const name of [
      'Forwarded',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'x-forwarded-anything',
      'X-Real-IP',
      'Via',
      'CF-Connecting-IP',
      'True-Client-IP',
      'X-Client-IP',
      'X-Cluster-Client-IP',
      'X_Forwarded_For',
    ])
      assert.deepEqual(originOf('127.0.0.1', `${name}: 127.0.0.1`), unknown('127.0.0.1'), name);
  });

  for (const [lines, address] of [
    [['X-Forwarded-For: 192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 127.0.0.1, 192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 192.0.2.1, 10.0.1.9, 10.0.1.8'], '192.0.2.1'],
    [['X-Forwarded-For: 192.0.2.1:4711'], '192.0.2.1'],
    [['X-Forwarded-For: [2001:db8::1]:4711'], '2001:db8::1'],
    [['X-Forwarded-For: 2001:db8::1'], '2001:db8::1'],
    [['X-Forwarded-For: ::ffff:192.0.2.1'], '192.0.2.1'],
    [['X-Forwarded-For: 10.0.1.9'], '10.0.1.9'],
    [['Forwarded: for=127.0.0.1, for=192.0.2.1;proto=https'], '192.0.2.1'],
    [['Forwarded: proto=https;For="[2001:db8::1]:4711"'], '2001:db8::1'],
    [['Forwarded: for=192.0.2.1;host="a,for=127.0.0.1"'], '192.0.2.1'],
    [['Forwarded: proto=http;host="a;for=127.0.0.1;b";for=192.0.2.1'], '192.0.2.1'],
    [['Forwarded: host="a\\";for=127.0.0.1;b=\\"" ; FOR=192.0.2.1'], '192.0.2.1'],
    [['X-Real-IP: 192.0.2.1', 'Via: 1.1 proxy'], '192.0.2.1'],
    [['X-Forwarded-For: 1.1.1.1, 192.0.2.1', 'X-Real-IP: 192.0.2.1'], '192.0.2.1'],
    [
      ['X-Forwarded-For: 192.0.2.1, 10.0.1.9', 'X-Real-IP: 10.0.1.9', 'CF-Connecting-IP: 192.0.2.1'],
      '192.0.2.1',
    ],
  ] as const) {
    it(`comes from where a trusted proxy says: ${lines.join(', ')}`, () => {
      assert.deepEqual(originOf(PROXY, ...lines), known(address));
    });
  }

  for (const lines of [
    ['X-Forwarded-For: unknown'],
    ['X-Forwarded-For: '],
    ['X-Forwarded-For: 192.0.2.1, '],
    ['Forwarded: for=_hidden'],
    ['Forwarded: for=127.0.0.1, proto=https'],
    ['Forwarded: for=127.0.0.1;for=192.0.2.1'],
    ['Forwarded: host="for=127.0.0.1"'],
    ['Forwarded: not-for=127.0.0.1'],
    ['Forwarded: host="a;for=127.0.0.1'],
    ['X-Forwarded-Proto: https'],
    ['Via: 1.1 proxy'],
    // The proxy wrote one of them, and passed on what came as the other.
    ['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=127.0.0.1'],
    ['Forwarded: for=192.0.2.1', 'X-Forwarded-For: 127.0.0.1'],
    ['X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 192.0.2.1'],
  ]) {
    it(`comes from nobody knows where, if a trusted proxy does not tell clearly: ${lines.join(', ')}`, () => {
      assert.deepEqual(originOf(PROXY, ...lines), unknown('unknown'));
    });
  }
});
