import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_DEFAULTS, formatHubAddress, parseHubAddress, resolveOptions } from './options.ts';

test('addresses of a hub are read in every usual form', () => {
  const cases: [string, string, number][] = [
    ['', '127.0.0.1', 5050],
    ['  ', '127.0.0.1', 5050],
    ['hub.local', 'hub.local', 5050],
    [' 192.168.0.10 ', '192.168.0.10', 5050],
    ['192.168.0.10:6000', '192.168.0.10', 6000],
    [':6000', '127.0.0.1', 6000],
    ['[::1]:6000', '::1', 6000],
    ['[fe80::1]', 'fe80::1', 5050],
    ['::1', '::1', 5050],
    ['fe80::aa:1', 'fe80::aa:1', 5050],
  ];
  for (const [text, host, port] of cases) assert.deepEqual(parseHubAddress(text), { host, port }, text);
  for (const text of [
    'a b',
    'hub:',
    'hub:0',
    'hub:65536',
    'hub:x',
    'http://hub',
    'a:b:c',
    '[::1',
    'hub/x',
    '[]:1',
  ]) {
    assert.equal(parseHubAddress(text), undefined, text);
  }
  assert.equal(formatHubAddress({ host: '::1', port: 1 }), '[::1]:1');
  assert.equal(formatHubAddress({ host: 'hub', port: 1 }), 'hub:1');
});

test('every time and limit has its default, and can be set', () => {
  const options = resolveOptions({});
  for (const [name, value] of Object.entries(DEVICE_DEFAULTS)) {
    assert.equal(options[name as keyof typeof DEVICE_DEFAULTS], value, name);
  }
  assert.deepEqual(
    [options.hub, options.udpPort, options.telemetryBy],
    [{ host: '127.0.0.1', port: 5050 }, 5060, 'connection'],
  );
  assert.equal(resolveOptions({ silenceMs: 7, maxQueuedReports: 0 }).silenceMs, 7);
  assert.throws(() => resolveOptions({ retryMs: -1 }), { code: 'CONFIG_INVALID', message: /retryMs/ });
  assert.throws(() => resolveOptions({ silenceMs: 2 ** 31 }), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveOptions({ silenceMs: Number.NaN }), { code: 'CONFIG_INVALID' });
  assert.throws(() => resolveOptions({ hub: 'a b' }), {
    code: 'CONFIG_INVALID',
    message: /"a b" is no address/,
  });
});

test('whoever is told of errors cannot cause new ones', () => {
  const { onError } = resolveOptions({
    onError: () => {
      throw new Error('again');
    },
  });
  onError(new Error('first'));
});
