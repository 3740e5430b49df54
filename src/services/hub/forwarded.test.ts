import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addForwarding } from './forwarded.ts';

const caller = { address: '192.0.2.9', host: 'hub.example:5070', protocol: 'http' } as const;
const forwarded = (change: object): string | undefined => addForwarding([], { ...caller, ...change })[0]?.[1];

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
    const list = addForwarding([['TraceParent', bad]], caller);
    assert.equal(list.filter(([name]) => name.toLowerCase() === 'traceparent').length, 1);
    assert.match(list.at(-1)?.[1] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  }
});
