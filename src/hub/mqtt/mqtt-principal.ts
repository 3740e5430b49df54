import type { Accounts } from '../../accounts/accounts.ts';
import {
  ANONYMOUS,
  certificatePrincipal,
  mqttUserPrincipal,
  STRANGER,
  TRUSTED_NETWORK,
  type Principal,
} from '../../accounts/principal.ts';
import { TrustedNetworks } from '../../accounts/trusted-networks.ts';
import { may } from '../../accounts/permissions.ts';
import type { ClientInfo } from '../../mqtt/broker/hooks.ts';
import type { Peer } from '../../mqtt/transport/transport.ts';
import type { Config } from '../config/config-schema.ts';
import { isTrustedPeer } from './admission.ts';
import { usesCertificateNames } from './mqtt-files.ts';

const apiPrincipals = new WeakMap<ClientInfo, Principal>();

/** A caller of the API as the rules of the broker see it: by the name that it has over MQTT too. */
export function apiClient(principal: Principal, address: string): ClientInfo {
  const client: ClientInfo = {
    clientId: '(http)',
    userName: principal.name === '' ? undefined : principal.name,
    protocolVersion: 5,
    peer: { transport: 'stream', address, port: 0, certificate: undefined },
    listener: 'http',
  };
  apiPrincipals.set(client, principal);
  return client;
}

export function isApiClient(client: ClientInfo): boolean {
  return apiPrincipals.has(client);
}

/** Whether a file of rules, which names users of MQTT, has nothing to say of who may say who may what. */
export function isAboveRules(client: ClientInfo): boolean {
  const principal = apiPrincipals.get(client);
  return principal !== undefined && principal.name === '' && may(principal, 'administer');
}

/** Tells who a client of the broker is. */
export type IdentifyMqttClient = (client: ClientInfo) => Principal;

/**
 * Who clients are that the admission let in: by what it had them prove; and where nothing was to be proven, by the
 * name that they gave and by where they are.
 */
export function identifyMqttClients(mqtt: Config['mqtt'], accounts: Accounts): IdentifyMqttClient {
  const find = findPrincipals(mqtt, accounts);
  const byClient = new WeakMap<ClientInfo, Known>();
  // Who publishes much is asked about many times in a row.
  let lastClient: ClientInfo | undefined;
  let last: Known | undefined;
  return (client) => {
    const { changes } = accounts;
    const { userName } = client;
    let known = client === lastClient ? last : byClient.get(client);
    // An authentication in the middle of a connection may change the user name.
    if (known?.changes !== changes || known.userName !== userName) {
      known = { userName, changes, principal: find(client) };
      byClient.set(client, known);
    }
    lastClient = client;
    last = known;
    return known.principal;
  };
}

/** Who a client was found to be, as long as no account has changed since. */
type Known = {
  readonly userName: string | undefined;
  readonly changes: number;
  readonly principal: Principal;
};

function findPrincipals(mqtt: Config['mqtt'], accounts: Accounts): IdentifyMqttClient {
  const trusted = new TrustedNetworks(mqtt.trustedNetworks, () => accounts.isOn);
  const overWebSocket = new TrustedNetworks(mqtt.webSocket.trustedNetworks, () => accounts.isOn);
  const isTrusted = (peer: Peer): boolean =>
    isTrustedPeer(peer, peer.transport.startsWith('websocket') ? overWebSocket : trusted);
  const namesByCertificate = usesCertificateNames(mqtt.tls);
  const hasPasswords = mqtt.passwordFile !== '';
  /** Who has come by an account comes by nothing else: the name may be that of somebody of the password file. */
  const ofAccounts = new WeakSet<ClientInfo>();
  return (client) => {
    const known = apiPrincipals.get(client);
    if (known !== undefined) return known;
    const { userName, peer } = client;
    const { certificate } = peer;
    if (userName === undefined) {
      if (certificate !== undefined) return certificatePrincipal(certificate.fingerprint);
      return isTrusted(peer) ? TRUSTED_NETWORK : ANONYMOUS;
    }
    if (namesByCertificate && certificate?.commonName === userName)
      return accounts.users.principalOf(userName) ?? mqttUserPrincipal(userName, 'certificate');
    const account = accounts.principalNamed(userName);
    if (account !== undefined) {
      if (!ofAccounts.has(client)) ofAccounts.add(client);
      return account;
    }
    // Nothing else proves names then: its account has gone.
    if (ofAccounts.has(client) || (accounts.isOn && !hasPasswords)) return STRANGER;
    if (hasPasswords) return mqttUserPrincipal(userName, 'password');
    return mqttUserPrincipal(userName, isTrusted(peer) ? 'network' : 'nothing');
  };
}
