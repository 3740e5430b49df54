import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressParty, isLoopbackHost, Networks, parseNetwork, plainAddress } from './networks.ts';

test('an address is in a network, however it is spelled', () => {
  const networks = new Networks(['10.0.0.0/8', '192.168.1.7', 'fd00::/8']);
  for (const inside of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.1.7', 'fd12::1'])
    assert.equal(networks.has(inside), true, inside);
  for (const outside of ['11.0.0.1', '192.168.1.8', 'fe80::1', '', 'localhost'])
    assert.equal(networks.has(outside), false, outside);
});

test('what is no network is told apart', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: '10.0.0.0', prefix: 8, family: 'ipv4' });
  assert.deepEqual(parseNetwork('::1'), { address: '::1', prefix: 128, family: 'ipv6' });
  for (const bad of ['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'lan', '', '10.0.0.0/', '10.0.0.0/-1']) {
    assert.equal(parseNetwork(bad), undefined, bad);
  }
});

test('loopback hosts', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1'])
    assert.equal(isLoopbackHost(host), true, host);
  for (const host of ['0.0.0.0', '::', '192.168.0.1', 'hub.local'])
    assert.equal(isLoopbackHost(host), false, host);
  assert.equal(plainAddress('::ffff:nonsense'), '::ffff:nonsense');
});

test('an IPv6 host is its first 64 bits, however its address is spelled', () => {
  const expected = [
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['::1', '0:0:0:0::/64'],
    ['::1.2.3.4', '0:0:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['2001:DB8:0:1:aa:bb:cc:dd', '2001:db8:0:1::/64'],
    ['::2:3:4:5:6:7', '0:0:2:3::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ] as const;
  for (const [address, party] of expected) assert.equal(addressParty(address), party, address);
});
