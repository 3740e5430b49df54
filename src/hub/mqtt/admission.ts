import type { Logger } from '../../base/logger.ts';
import { Networks } from '../../base/networks.ts';
import { TellOnce } from '../../base/tell-once.ts';
import { ALLOW, type BrokerHooks, type ConnectVerdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import type { ClientCertificate, Peer } from '../../mqtt/transport/transport.ts';

/** Addresses of strangers that are told apart in the log. */
const MAX_TOLD_ADDRESSES = 1000;

export type AdmissionRules = {
  /** Clients from there need no proof. */
  readonly trustedNetworks: readonly string[];
  /** Where they are configured. */
  readonly networksKey: string;
  /** Everybody is trusted: the hub was told to be insecure, and nothing says who may come in here. */
  readonly isOpenToAll: boolean;
  /** Whether there is a password file: who gives a user name must prove it, which another hook sees to. */
  readonly hasPasswords: boolean;
  /** Whether the common name of a certificate is the user name. */
  readonly usesCertificateNames: boolean;
};

const NEEDS_PASSWORD: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'a user name and a password are needed',
});
const STRANGER: ConnectVerdict = Object.freeze({
  allow: false,
  reasonCode: ReasonCode.NOT_AUTHORIZED,
  reasonString: 'clients from this address may not come in',
});

/** Decides for one listener who may come in at all. Whether a user name is true is for the access control to say. */
export function createAdmission(rules: AdmissionRules, log: Logger): BrokerHooks {
  const trusted = new Networks(rules.trustedNetworks);
  const tellOnce = new TellOnce(log, MAX_TOLD_ADDRESSES);
  const { isOpenToAll, hasPasswords } = rules;
  return {
    name: 'admission',
    provesUserNames: false,
    authenticate({ userName }, { peer }) {
      if (isOpenToAll || isTrustedPeer(peer, trusted) || isProof(peer.certificate, rules)) return ALLOW;
      if (hasPasswords) return userName === undefined ? NEEDS_PASSWORD : ALLOW;
      const { address, isForwarded } = peer;
      const remedy =
        isForwarded === true
          ? 'it is a proxy; name it in http.trustedProxies, or set mqtt.passwordFile'
          : `name its network in ${rules.networksKey}, or set mqtt.passwordFile`;
      tellOnce.warn(address, { address }, `MQTT clients from ${address} may not come in: ${remedy}`);
      return STRANGER;
    },
  };
}

/** Whether a peer needs no proof. Who may come over a Unix socket, the file system has decided. */
export function isTrustedPeer({ transport, address, isForwarded }: Peer, trusted: Networks): boolean {
  return transport === 'unix' || (isForwarded !== true && trusted.has(address));
}

/** Beside passwords, a certificate is enough only when it names the user. */
function isProof(
  certificate: ClientCertificate | undefined,
  { hasPasswords, usesCertificateNames }: AdmissionRules,
): boolean {
  if (certificate === undefined) return false;
  return !hasPasswords || (usesCertificateNames && (certificate.commonName ?? '') !== '');
}
