import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHubUrl } from './hub-url.ts';

test('an address is read as people write it', () => {
  const addresses: [string, string][] = [
    ['', 'http://127.0.0.1:5070'],
    ['  hub.local ', 'http://hub.local:5070'],
    ['localhost:80', 'http://localhost'],
    ['192.168.0.20:6070', 'http://192.168.0.20:6070'],
    ['::1', 'http://[::1]:5070'],
    ['[::1]:81', 'http://[::1]:81'],
    ['[::1]', 'http://[::1]:5070'],
    ['http://hub.local', 'http://hub.local'],
    ['https://hub.example/house/', 'https://hub.example/house'],
    ['HTTP://HUB.local:5070', 'http://hub.local:5070'],
  ];
  for (const [text, value] of addresses) assert.deepEqual(parseHubUrl(text), { ok: true, value }, text);
});

test('what is no address of a hub is refused', () => {
  for (const text of [
    'two words',
    'ftp://hub',
    'hub:port',
    'hub:99999',
    'http://',
    'ana@hub',
    'http://ana:pw@hub',
    'hub/x',
    'http://hub/?a=b',
  ]) {
    assert.deepEqual(parseHubUrl(text), { ok: false, failure: 'no-address' }, text);
  }
});
