import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bracketHost, formatHostPort } from './address.ts';

describe('an address for people and URLs', () => {
  it('has brackets around IPv6, once', () => {
    assert.equal(bracketHost('::1'), '[::1]');
    assert.equal(bracketHost('[::1]'), '[::1]');
    assert.equal(formatHostPort('fe80::1', 5050), '[fe80::1]:5050');
  });

  it('leaves names and IPv4 as they are', () => {
    assert.equal(formatHostPort('127.0.0.1', 1883), '127.0.0.1:1883');
    assert.equal(formatHostPort('hub.example', '80'), 'hub.example:80');
  });
});
