import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from './config-schema.ts';
import { defaultConfig } from './hub-config.ts';
import { findOpenListeners } from './open-listeners.ts';

type Changes = {
  http?: Partial<Config['http']>;
  socket?: Partial<Config['gateways']['socket']>;
  mqtt?: Partial<Config['mqtt']>;
};

function openListeners(changes: Changes): string[] {
  const config = defaultConfig();
  const http = { ...config.http, ...changes.http };
  const socket = { ...config.gateways.socket, ...changes.socket };
  const mqtt = { ...config.mqtt, ...changes.mqtt };
  return findOpenListeners({ ...config, http, gateways: { ...config.gateways, socket }, mqtt }).map(
    ({ path, message }) => `${path} ${message}`,
  );
}

const TOKEN = '0123456789abcdef';

describe('findOpenListeners', () => {
  it('finds none by default, on any loopback spelling', () => {
    assert.deepEqual(openListeners({}), []);
    for (const host of ['localhost', '127.0.0.2', '::1']) {
      assert.deepEqual(openListeners({ http: { host }, socket: { host } }), [], host);
    }
  });

  it('says which listener is open and what to set', () => {
    const open = openListeners({ http: { host: '0.0.0.0' }, socket: { host: '::' } });
    assert.deepEqual(open, [
      'http.host is 0.0.0.0, so other machines reach the API, and nothing says who may use it: set http.tokens, ' +
        'or name the networks that you trust in http.trustedNetworks',
      'gateways.socket.host is ::, so other machines reach the device ports, and nothing says which devices are yours: ' +
        'name their networks in gateways.socket.trustedNetworks, or set gateways.socket.deviceTokens',
    ]);
  });

  it('takes a host name for an address that others reach', () => {
    assert.equal(openListeners({ http: { host: 'hub.example' } }).length, 1);
  });

  it('is content with tokens, or with networks beyond loopback', () => {
    const host = '0.0.0.0';
    assert.deepEqual(openListeners({ http: { host, tokens: [TOKEN] } }), []);
    assert.deepEqual(openListeners({ http: { host, trustedNetworks: ['10.0.0.0/8'] } }), []);
    assert.deepEqual(openListeners({ socket: { host, deviceTokens: { lamp: TOKEN } } }), []);
    assert.deepEqual(openListeners({ socket: { host, trustedNetworks: ['127.0.0.1', '10.0.0.7'] } }), []);
  });

  it('is not content with parts of loopback, nor with an empty list', () => {
    const host = '0.0.0.0';
    for (const trustedNetworks of [[], ['127.0.0.1'], ['127.1.0.0/16', '::1']]) {
      assert.equal(openListeners({ http: { host, trustedNetworks } }).length, 1, trustedNetworks.join());
    }
  });

  it('says that MQTT is open, and over TLS too, and what to set', () => {
    const tls = { ...defaultConfig().mqtt.tls, enabled: true, host: '::' };
    assert.deepEqual(openListeners({ mqtt: { host: '0.0.0.0', tls } }), [
      'mqtt.host is 0.0.0.0, so other machines reach the MQTT port, and nothing says which clients are yours: ' +
        'set mqtt.passwordFile, or name the networks that you trust in mqtt.trustedNetworks',
      'mqtt.tls.host is ::, so other machines reach the MQTT over TLS port, and nothing says which clients are yours: ' +
        'set mqtt.passwordFile, or set mqtt.tls.clientCertificates to required, or name the networks that you trust in ' +
        'mqtt.trustedNetworks',
    ]);
    assert.deepEqual(openListeners({ mqtt: { enabled: false, host: '0.0.0.0', tls } }), []);
    assert.deepEqual(openListeners({ mqtt: { tls: { ...tls, enabled: false } } }), []);
  });

  it('is content with MQTT that asks for passwords, or names networks, or, over TLS, wants certificates', () => {
    const host = '0.0.0.0';
    const tls = { ...defaultConfig().mqtt.tls, enabled: true, host };
    assert.deepEqual(openListeners({ mqtt: { host, tls, passwordFile: 'users.txt' } }), []);
    assert.deepEqual(openListeners({ mqtt: { host, tls, trustedNetworks: ['10.0.0.0/8'] } }), []);
    assert.equal(openListeners({ mqtt: { host, tls, aclFile: 'acl.txt' } }).length, 2);
    const clientCertificates = 'required';
    assert.deepEqual(openListeners({ mqtt: { tls: { ...tls, clientCertificates } } }), []);
    assert.equal(openListeners({ mqtt: { host, tls: { ...tls, clientCertificates } } }).length, 1);
  });

  it('does not mind a gateway that is off', () => {
    assert.deepEqual(openListeners({ socket: { host: '0.0.0.0', enabled: false } }), []);
  });
});
