import {
  ANONYMOUS,
  certificatePrincipal,
  mqttUserPrincipal,
  TRUSTED_NETWORK,
  type Principal,
} from '../../accounts/principal.ts';
import { Networks } from '../../base/networks.ts';
import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { Peer } from '../../mqtt/transport/transport.ts';
import type { Config } from '../config/config-schema.ts';
import { isTrustedPeer } from './admission.ts';
import { usesCertificateNames } from './mqtt-files.ts';

/** Tells who a client of the broker is. */
export type IdentifyMqttClient = (client: ClientInfo) => Principal;

/**
 * Who clients are that the admission let in: by what it had them prove; and where nothing was to be proven, by the
 * name that they gave and by where they are.
 */
export function identifyMqttClients(mqtt: Config['mqtt']): IdentifyMqttClient {
  const trusted = new Networks(mqtt.trustedNetworks);
  const overWebSocket = new Networks(mqtt.webSocket.trustedNetworks);
  const isTrusted = (peer: Peer): boolean =>
    isTrustedPeer(peer, peer.transport.startsWith('websocket') ? overWebSocket : trusted);
  const namesByCertificate = usesCertificateNames(mqtt.tls);
  const hasPasswords = mqtt.passwordFile !== '';
  return ({ userName, peer }) => {
    const { certificate } = peer;
    if (userName === undefined) {
      if (certificate !== undefined) return certificatePrincipal(certificate.fingerprint);
      return isTrusted(peer) ? TRUSTED_NETWORK : ANONYMOUS;
    }
    if (namesByCertificate && certificate?.commonName === userName)
      return mqttUserPrincipal(userName, 'certificate');
    if (hasPasswords) return mqttUserPrincipal(userName, 'password');
    return mqttUserPrincipal(userName, isTrusted(peer) ? 'network' : 'nothing');
  };
}
