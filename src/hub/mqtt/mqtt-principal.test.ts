import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Accounts } from '../../accounts/accounts.ts';
import { silentLogger } from '../../base/logger.ts';
import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { Peer } from '../../mqtt/transport/transport.ts';
import type { Config } from '../config/config-schema.ts';
import { defaultConfig } from '../config/hub-config.ts';
import { identifyMqttClients } from './mqtt-principal.ts';

const CERTIFICATE = { commonName: 'ann', subjectAltName: undefined, fingerprint: 'AA:BB' };
const NAMING = { enabled: true, clientCertificates: 'optional', certificateNames: true } as const;

/** What a client with this name and peer is: its id, and what proves it. */
function identify(mqtt: Partial<Config['mqtt']>, userName?: string, peer: Partial<Peer> = {}): string {
  const accounts = new Accounts({ log: silentLogger });
  const identifyClient = identifyMqttClients({ ...defaultConfig().mqtt, ...mqtt }, accounts);
  const client: ClientInfo = {
    clientId: 'c',
    userName,
    protocolVersion: 5,
    peer: { transport: 'tcp', address: '127.0.0.1', port: 1, certificate: undefined, ...peer },
    listener: 'mqtt',
  };
  const { id, provenBy } = identifyClient(client);
  return `${id} by ${provenBy}`;
}

test('a name counts for what proved it', () => {
  const tls = { ...defaultConfig().mqtt.tls, ...NAMING };
  assert.equal(identify({ passwordFile: 'passwords' }, 'ann'), 'user:ann by password');
  assert.equal(identify({ tls }, 'ann', { certificate: CERTIFICATE }), 'user:ann by certificate');
  assert.equal(identify({}, 'ann'), 'user:ann by network');
  assert.equal(identify({}, 'ann', { address: '203.0.113.9' }), 'user:ann by nothing');
});

test('without a name, a certificate counts, and then the network', () => {
  assert.equal(identify({}, undefined, { certificate: CERTIFICATE }), 'certificate:AA:BB by certificate');
  assert.equal(identify({}), 'network by network');
  assert.equal(identify({}, undefined, { transport: 'unix', address: '' }), 'network by network');
  assert.equal(identify({}, undefined, { address: '203.0.113.9' }), 'anonymous by nothing');
});
