import { isLoopbackHost, Networks } from '../../base/networks.ts';
import type { Config } from './config-schema.ts';

/**
 * What nobody has set, and is a risk or a closed door because of what somebody has: a sentence for each, that says what
 * to set.
 */
export function findRiskyDefaults(config: Config): string[] {
  return [...findPlainSecrets(config), ...findOpenRules(config), ...findClosedDoors(config)];
}

/** Secrets that go over the network for all to read. */
function findPlainSecrets({ http, mqtt, gateways: { socket } }: Config): string[] {
  const risks: string[] = [];
  const isPlain = (host: string, hasSecrets: boolean): boolean => hasSecrets && !isLoopbackHost(host);
  if (isPlain(http.host, http.tokens.length > 0) && !http.tls.enabled)
    risks.push(`tokens come to http.host ${http.host} without TLS, for all on the way to read: set http.tls`);
  if (mqtt.enabled && isPlain(mqtt.host, mqtt.passwordFile !== ''))
    risks.push(
      `passwords come to mqtt.host ${mqtt.host} without TLS: set mqtt.tls, and leave mqtt.host on this machine`,
    );
  const hasDeviceTokens = Object.keys(socket.deviceTokens).length > 0;
  if (socket.enabled && isPlain(socket.host, hasDeviceTokens))
    risks.push(
      `tokens of devices come to gateways.socket.host ${socket.host} without TLS: set gateways.socket.tls, and leave ` +
        'gateways.socket.host on this machine',
    );
  return risks;
}

/** Who is let in may do more than somebody may have thought. */
function findOpenRules({ http, mqtt }: Config): string[] {
  const risks: string[] = [];
  if (mqtt.enabled && mqtt.passwordFile !== '' && mqtt.aclFile === '')
    risks.push('mqtt.aclFile is not set: every user may read and write every topic');
  const trusted = new Networks([
    ...http.trustedNetworks,
    ...(mqtt.enabled && mqtt.webSocket.enabled ? mqtt.webSocket.trustedNetworks : []),
  ]);
  const both = http.trustedProxies.filter((text) => trusted.has(text.replace(/\/.*$/, '')));
  if (both.length > 0)
    risks.push(
      `${both.join(', ')} of http.trustedProxies is in http.trustedNetworks or mqtt.webSocket.trustedNetworks: what the ` +
        'proxy passes on without saying who asked is trusted; leave it out there',
    );
  return risks;
}

/** Nobody may come in, because trusted networks are none by default where there are proofs. */
export function findClosedDoors({ http, mqtt }: Config): string[] {
  const risks: string[] = [];
  if (http.tokens.length === 0 && http.trustedNetworks.length === 0)
    risks.push(
      'nobody may use the API: as there are passwords, http.trustedNetworks is empty; write it, or set http.tokens',
    );
  const hasCertificates = mqtt.tls.enabled && mqtt.tls.clientCertificates !== 'no';
  const trusted = [mqtt.trustedNetworks, mqtt.webSocket.enabled ? mqtt.webSocket.trustedNetworks : []].flat();
  const isOpen = mqtt.passwordFile !== '' || trusted.length > 0 || hasCertificates;
  if (mqtt.enabled && !isOpen && mqtt.unixSocket === '')
    risks.push(
      'no MQTT client may come in: mqtt.trustedNetworks is empty; write it, or set mqtt.passwordFile',
    );
  return risks;
}
