import type { Logger } from '../../base/logger.ts';
import { PlainSecrets } from '../../base/plain-secrets.ts';
import { TellOnce } from '../../base/tell-once.ts';
import { ALLOW, type BrokerHooks, type ConnectVerdict } from '../../mqtt/broker/hooks.ts';
import { ReasonCode } from '../../mqtt/codec/reason-code.ts';
import { readToken } from './account-admission.ts';
import type { ClientCertificate, Peer } from '../../mqtt/transport/transport.ts';

/** Addresses of strangers that are told apart in the log. */
const MAX_TOLD_ADDRESSES = 1000;

const PLAIN_TRANSPORTS: ReadonlySet<Peer['transport']> = new Set(['tcp', 'websocket']);

/** Addresses whose peers are trusted for where they are. */
type AddressSet = { has(address: string): boolean };

export type AdmissionRules = {
  /** Clients from there need no proof. */
  readonly trusted: AddressSet;
  /** Where they are configured. */
  readonly networksKey: string;
  /** Everybody is trusted: the hub was told to be insecure, and nothing says who may come in here. */
  readonly isOpenToAll: boolean;
  /** Whether there are passwords or accounts: who gives a user name must prove it, which another hook sees to. */
  readonly wantsProof: () => boolean;
  /** Whether load balancers stand before the listener: what they speak with who asks is for them to know. */
  readonly isBehindProxy: boolean;
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
  const tellOnce = new TellOnce(log, MAX_TOLD_ADDRESSES);
  const { isOpenToAll, trusted } = rules;
  let secrets: PlainSecrets | undefined;
  return {
    name: 'admission',
    provesUserNames: false,
    authenticate({ userName, password }, { peer, listener }) {
      if (password !== undefined && !rules.isBehindProxy && PLAIN_TRANSPORTS.has(peer.transport)) {
        secrets ??= new PlainSecrets(log, { listener, remedy: 'let clients come by mqtt.tls' });
        secrets.note(readToken({ password }) === undefined ? 'password' : 'token', peer.address);
      }
      if (isOpenToAll || isTrustedPeer(peer, trusted) || isProof(peer.certificate, rules)) return ALLOW;
      if (rules.wantsProof())
        return userName === undefined && password === undefined ? NEEDS_PASSWORD : ALLOW;
      const { address, isForwarded } = peer;
      const remedy =
        isForwarded === true
          ? 'it is a proxy; name it in http.trustedProxies, or set mqtt.passwordFile'
          : `name its network in ${rules.networksKey}, or set mqtt.passwordFile`;
      tellOnce.warn('stranger', address, `MQTT clients from ${address} may not come in: ${remedy}`);
      return STRANGER;
    },
  };
}

/** Whether a peer needs no proof. Who may come over a Unix socket, the file system has decided. */
export function isTrustedPeer({ transport, address, isForwarded }: Peer, trusted: AddressSet): boolean {
  return transport === 'unix' || (isForwarded !== true && trusted.has(address));
}

/** Beside passwords, a certificate is enough only when it names the user. */
function isProof(
  certificate: ClientCertificate | undefined,
  { wantsProof, usesCertificateNames }: AdmissionRules,
): boolean {
  if (certificate === undefined) return false;
  return !wantsProof() || (usesCertificateNames && (certificate.commonName ?? '') !== '');
}
