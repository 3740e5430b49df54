import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultConfig } from './hub-config.ts';
import { findRiskyDefaults } from './risky-defaults.ts';

const { webSocket } = defaultConfig().mqtt;
const NO_NETWORKS = { trustedNetworks: [], webSocket: { ...webSocket, trustedNetworks: [] } };

type Change = { http?: object; mqtt?: object; socket?: object };

function risksOf({ http, mqtt, socket }: Change): string[] {
  const config = defaultConfig();
  const gateways = { ...config.gateways, socket: { ...config.gateways.socket, ...socket } };
  const changed = {
    ...config,
    http: { ...config.http, ...http },
    mqtt: { ...config.mqtt, ...mqtt },
    gateways,
  };
  return findRiskyDefaults(changed);
}

it('a configuration that says nothing has no risk', () => {
  assert.deepEqual(risksOf({}), []);
});

for (const [change, risk] of [
  [{ http: { host: '0.0.0.0', tokens: ['x'] } }, /^tokens come to http\.host 0\.0\.0\.0 without TLS/],
  [{ mqtt: { host: '::', passwordFile: 'u', aclFile: 'a' } }, /^passwords come to mqtt\.host :: without TLS/],
  [{ socket: { host: '0.0.0.0', deviceTokens: { a: 'x' } } }, /^tokens of devices come to/],
  [{ mqtt: { passwordFile: 'u' } }, /^mqtt\.aclFile is not set/],
  [
    { http: { trustedProxies: ['127.0.0.1'], trustedNetworks: ['127.0.0.0/8'] } },
    /^127\.0\.0\.1 of http\.trustedProxies is in/,
  ],
  [{ http: { trustedNetworks: [] } }, /^nobody may use the API/],
  [{ mqtt: NO_NETWORKS }, /^no MQTT client may come in/],
] as const) {
  it(`${JSON.stringify(change)} is told, and nothing else`, () => {
    const risks = risksOf(change);
    assert.equal(risks.length, 1, risks.join('\n'));
    assert.match(risks[0] ?? '', risk);
  });
}

it('what is set has no risk', () => {
  const tls = { enabled: true, certFile: 'c', keyFile: 'k' };
  assert.deepEqual(risksOf({ http: { host: '0.0.0.0', tokens: ['x'], tls } }), []);
  assert.deepEqual(risksOf({ http: { trustedProxies: ['10.0.0.1'] } }), []);
  assert.deepEqual(risksOf({ mqtt: { ...NO_NETWORKS, unixSocket: 'mqtt.sock' } }), []);
});
