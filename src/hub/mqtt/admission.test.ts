import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../../base/logger.ts';
import { Networks } from '../../base/networks.ts';
import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { Peer } from '../../mqtt/transport/transport.ts';
import { createAdmission, type AdmissionRules } from './admission.ts';

const HOME = '10.1.2.3';
const AWAY = '192.0.2.7';
const CERTIFICATE = { commonName: 'lamp', subjectAltName: undefined, fingerprint: '00' };

const RULES: AdmissionRules = {
  trusted: new Networks(['10.0.0.0/8']),
  networksKey: 'mqtt.trustedNetworks',
  isOpenToAll: false,
  wantsProof: () => false,
  usesCertificateNames: false,
  isBehindProxy: false,
};

type Come = Partial<Peer> & { readonly userName?: string };

/** True when a client is let in, else the Reason Code that it gets. */
function admit(rules: Partial<AdmissionRules>, { userName, ...where }: Come, log = silentLogger) {
  const peer: Peer = { transport: 'tcp', address: AWAY, port: 1, certificate: undefined, ...where };
  const client: ClientInfo = { clientId: 'c', userName, protocolVersion: 5, peer, listener: 'mqtt' };
  const hooks = createAdmission({ ...RULES, ...rules }, log);
  const verdict = hooks.authenticate?.({ userName, password: undefined }, client);
  assert.ok(verdict !== undefined && !(verdict instanceof Promise));
  return verdict.allow || verdict.reasonCode;
}

describe('who may come in without a password file', () => {
  it('are clients from trusted networks, in each spelling of their address', () => {
    for (const address of [HOME, `::ffff:${HOME}`]) assert.equal(admit({}, { address }), true);
    assert.equal(admit({}, { address: AWAY }), 0x87);
    assert.equal(admit({}, { address: AWAY, userName: 'ann' }), 0x87);
    assert.equal(admit({ trusted: new Networks([]) }, { address: '127.0.0.1' }), 0x87);
  });

  it('are those who may open the Unix socket', () => {
    assert.equal(admit({ trusted: new Networks([]) }, { transport: 'unix', address: '' }), true);
    assert.equal(admit({}, { transport: 'tcp', address: '' }), 0x87);
  });

  it('are those with a good certificate, named or not', () => {
    const certificate = { ...CERTIFICATE, commonName: undefined };
    assert.equal(admit({}, { transport: 'tls', certificate }), true);
    assert.equal(admit({ usesCertificateNames: true }, { transport: 'tls', certificate }), true);
  });

  it('are all where the listener is open to all', () => {
    assert.equal(admit({ isOpenToAll: true }, { address: AWAY }), true);
  });
});

describe('who may come in with a password file', () => {
  const wantsProof = (): boolean => true;

  it('is who gives a user name, which another hook has proven', () => {
    assert.equal(admit({ wantsProof }, { userName: 'ann' }), true);
    assert.equal(admit({ wantsProof }, { userName: '' }), true);
    assert.equal(admit({ wantsProof }, {}), 0x87);
  });

  it('are clients from trusted networks without one', () => {
    assert.equal(admit({ wantsProof }, { address: HOME }), true);
  });

  it('is who has a certificate, but only when it names the user', () => {
    const usesCertificateNames = true;
    assert.equal(admit({ wantsProof, usesCertificateNames }, { certificate: CERTIFICATE }), true);
    assert.equal(admit({ wantsProof }, { certificate: CERTIFICATE }), 0x87);
    for (const commonName of [undefined, '']) {
      const certificate = { ...CERTIFICATE, commonName };
      assert.equal(admit({ wantsProof, usesCertificateNames }, { certificate }), 0x87);
    }
  });
});

it('a stranger is told of once, and what to do', () => {
  const told: string[] = [];
  const log = { ...silentLogger, warn: (_fields: object, text: string) => void told.push(text) };
  const hooks = createAdmission(RULES, log);
  for (const address of [AWAY, AWAY, '192.0.2.8']) {
    const peer: Peer = { transport: 'tcp', address, port: 1, certificate: undefined };
    const client: ClientInfo = {
      clientId: 'c',
      userName: undefined,
      protocolVersion: 4,
      peer,
      listener: 'mqtt',
    };
    void hooks.authenticate?.({ userName: undefined, password: undefined }, client);
  }
  const remedy = 'may not come in: name its network in mqtt.trustedNetworks, or set mqtt.passwordFile';
  assert.deepEqual(told, [`MQTT clients from ${AWAY} ${remedy}`, `MQTT clients from 192.0.2.8 ${remedy}`]);
});
