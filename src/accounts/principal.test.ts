import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ANONYMOUS,
  devicePrincipal,
  mqttUserPrincipal,
  partyOf,
  tokenPrincipal,
  TRUSTED_NETWORK,
} from './principal.ts';

test('who has proven who it is stands for itself, wherever it comes from', () => {
  const proven = [
    tokenPrincipal('a'.repeat(44)),
    mqttUserPrincipal('ann', 'password'),
    mqttUserPrincipal('ann', 'certificate'),
    devicePrincipal('pump-1'),
  ];
  for (const principal of proven) assert.equal(partyOf(principal, '10.0.0.7'), principal.id);
  assert.equal(
    new Set(proven.map(({ id }) => id)).size,
    3,
    'a user is the same one by password and by certificate',
  );
});

test('a name that is only said stands for the address, of IPv6 its network', () => {
  for (const principal of [TRUSTED_NETWORK, ANONYMOUS, mqttUserPrincipal('ann', 'network')]) {
    assert.equal(partyOf(principal, '::ffff:10.0.0.7'), '10.0.0.7');
    assert.equal(partyOf(principal, '2001:db8:0:1:a::1'), partyOf(principal, '2001:DB8:0:1::ffff'));
    assert.notEqual(partyOf(principal, '2001:db8:0:1::1'), partyOf(principal, '2001:db8:0:2::1'));
  }
});
