import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBrokerUrl } from './broker-address.ts';

describe('the URL of a broker', () => {
  const none = { path: '', user: undefined, password: undefined };
  const cases: readonly (readonly [string, object])[] = [
    ['mqtt://house', { protocol: 'mqtt', host: 'house', port: 1883, label: 'mqtt://house:1883', ...none }],
    [
      'mqtts://house/',
      { protocol: 'mqtts', host: 'house', port: 8883, label: 'mqtts://house:8883', ...none },
    ],
    ['mqtt://[::1]:2', { protocol: 'mqtt', host: '::1', port: 2, label: 'mqtt://[::1]:2', ...none }],
    ['ws://house', { ...none, protocol: 'ws', host: 'house', port: 80, path: '/', label: 'ws://house:80' }],
    [
      'wss://house/mqtt?x=1',
      {
        ...none,
        protocol: 'wss',
        host: 'house',
        port: 443,
        path: '/mqtt?x=1',
        label: 'wss://house:443/mqtt?x=1',
      },
    ],
    [
      'mqtt://al%40x:p%2Fw%@house:7',
      {
        ...none,
        protocol: 'mqtt',
        host: 'house',
        port: 7,
        user: 'al@x',
        password: 'p%2Fw%',
        label: 'mqtt://house:7',
      },
    ],
  ];
  for (const [text, expected] of cases) {
    it(text, () => assert.deepEqual(parseBrokerUrl(text), expected));
  }

  for (const text of [
    '',
    'house',
    'house:1883',
    'http://house',
    'mqtt://',
    'mqtt://house:99999',
    'mqtt:house',
  ]) {
    it(`is not "${text}"`, () => {
      assert.throws(() => parseBrokerUrl(text), {
        code: 'CONFIG_INVALID',
        message: /no address of an MQTT broker/,
      });
    });
  }

  it('is told without its password', () => {
    for (const password of ['secret', 'sec/ret', 's@cret', '/s@c/@ret'])
      assert.throws(
        () => parseBrokerUrl(`mqqt://user:${password}@house`),
        /^RecadoError: "mqqt:\/\/house" is no address/,
      );
    assert.throws(() => parseBrokerUrl('mqtt:user:secret@house'), /"house" is no address/);
  });
});
