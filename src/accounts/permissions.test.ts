import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { may, VERBS, type Role, type Scope, type Verb } from './permissions.ts';
import { devicePrincipal, TRUSTED_NETWORK, tokenPrincipal, type Principal } from './principal.ts';

function holder(role: Role, ...scopes: Scope[]): Principal {
  return { id: 'token:x', kind: 'token', name: 'token:x', provenBy: 'token', roles: [role], scopes };
}

const verbsOf = (principal: Principal): Verb[] => VERBS.filter((verb) => may(principal, verb));

describe('what a principal may', () => {
  it('is what its role permits', () => {
    assert.deepEqual(verbsOf(holder('viewer')), ['read']);
    assert.deepEqual(verbsOf(holder('operator')), ['read', 'command']);
    assert.deepEqual(verbsOf(holder('device')), ['connect']);
    assert.deepEqual(verbsOf(holder('agent')), ['serve']);
    assert.deepEqual(verbsOf(holder('admin')), VERBS);
    assert.deepEqual(verbsOf({ ...holder('admin'), roles: [] }), []);
  });

  it('is everything but accounts for whom the configuration lets in without a secret', () => {
    assert.deepEqual(
      verbsOf(TRUSTED_NETWORK),
      VERBS.filter((verb) => verb !== 'administer'),
    );
    assert.deepEqual(verbsOf(tokenPrincipal('a'.repeat(44))), VERBS);
    assert.deepEqual(verbsOf(devicePrincipal('pump-1')), []);
    assert.equal(may(devicePrincipal('pump-1'), 'connect', { device: 'pump-1', tags: [] }), true);
    assert.equal(may(devicePrincipal('pump-1'), 'connect', { device: 'pump-10', tags: [] }), false);
  });

  it('is never more than its role, whatever its scopes say', () => {
    const wide = holder('viewer', { verbs: ['administer', 'command', 'read'] });
    assert.deepEqual(verbsOf(wide), ['read']);
  });

  it('is narrowed by verbs and by devices, each scope by itself', () => {
    const principal = holder(
      'operator',
      { verbs: ['command'], devices: ['pump-*'] },
      { verbs: ['read'], devices: ['*'] },
    );
    assert.equal(may(principal, 'command', { device: 'pump-7', tags: [] }), true);
    assert.equal(may(principal, 'command', { device: 'lamp', tags: [] }), false);
    assert.equal(may(principal, 'read', { device: 'lamp', tags: [] }), true);
  });

  it('with devices is not the hub itself, and no service', () => {
    const principal = holder('admin', { devices: ['*'] });
    assert.equal(may(principal, 'read'), false);
    assert.equal(may(principal, 'administer'), false);
    assert.equal(may(principal, 'read', { service: 'billing' }), false);
    assert.equal(may(principal, 'read', { device: 'x', tags: [] }), true);
  });

  it('with services is those services alone', () => {
    const principal = holder('agent', { services: ['billing', 'shop-*'] });
    assert.equal(may(principal, 'serve', { service: 'billing' }), true);
    assert.equal(may(principal, 'serve', { service: 'shop-7' }), true);
    assert.equal(may(principal, 'serve', { service: 'billing2' }), false);
    assert.equal(may(principal, 'serve', { device: 'billing', tags: [] }), false);
    assert.equal(may(principal, 'serve'), false);
  });

  it('with tags is the devices that have one of them, as they are when it is asked', () => {
    const principal = holder('operator', { tags: ['hall', 'stairs'], devices: ['lamp'] });
    assert.equal(may(principal, 'command', { device: 'pump', tags: ['cellar', 'stairs'] }), true);
    assert.equal(may(principal, 'command', { device: 'pump', tags: ['hal', 'Hall'] }), false);
    assert.equal(may(principal, 'command', { device: 'lamp', tags: [] }), true);
    assert.equal(may(principal, 'command'), false);
    assert.equal(may(principal, 'command', { topic: 'hall' }), false);
    assert.equal(may(holder('admin', { tags: [] }), 'read', { device: 'x', tags: ['x'] }), false);
  });

  it('with topics is those: a name that one matches, a filter that one covers', () => {
    const principal = holder(
      'operator',
      { verbs: ['command'], topics: ['a/+/set'] },
      { verbs: ['read'], topics: ['a/#'] },
    );
    assert.equal(may(principal, 'command', { topic: 'a/b/set' }), true);
    assert.equal(may(principal, 'command', { topic: 'a/b' }), false);
    assert.equal(may(principal, 'read', { topic: 'a' }), true);
    assert.equal(may(principal, 'read', { topic: 'b' }), false);
    assert.equal(may(principal, 'read', { topicFilter: 'a/+/x' }), true);
    for (const topicFilter of ['#', '+/b', 'b', '$SYS/#'])
      assert.equal(may(principal, 'read', { topicFilter }), false);
    assert.equal(may(principal, 'read', { device: 'a', tags: [] }), false);
    assert.equal(may(principal, 'read'), false);
    const everything = holder('viewer', { topics: ['#'] });
    assert.equal(may(everything, 'read', { topic: '$SYS/broker/uptime' }), false);
    assert.equal(may(everything, 'read', { topicFilter: '$SYS/#' }), false);
  });

  it('by an empty list of devices is nothing', () => {
    assert.equal(may(holder('admin', { devices: [] }), 'read', { device: 'x', tags: [] }), false);
  });
});

describe('a pattern', () => {
  const matches = (pattern: string, device: string): boolean =>
    may(holder('viewer', { devices: [pattern] }), 'read', { device, tags: [] });

  it('has * for any characters, and everything else for itself', () => {
    for (const [pattern, device] of [
      ['*', ''],
      ['**', 'x'],
      ['a*c', 'ac'],
      ['a*b*c', 'a-b-b-c'],
      ['*-1', 'pump-1'],
      ['a*a', 'aa'],
    ] as const)
      assert.equal(matches(pattern, device), true, `${pattern} ${device}`);
    for (const [pattern, device] of [
      ['a*a', 'a'],
      ['a*bc*c', 'abc'],
      ['pump', 'pump-1'],
      ['p.mp', 'pump'],
      ['', 'x'],
      ['Pump', 'pump'],
      ['a*b', 'abc'],
    ] as const)
      assert.equal(matches(pattern, device), false, `${pattern} ${device}`);
  });

  it('is compared in one walk, however many stars it has', () => {
    assert.equal(matches(`${'a*'.repeat(32)}b`, 'a'.repeat(64)), false);
  });
});
