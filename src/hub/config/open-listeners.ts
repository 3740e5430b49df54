import { isLoopbackHost } from '../../base/networks.ts';
import { findOpenHttpListener } from '../../config/http-listener.ts';
import { namesMoreThanLoopback, type OpenListener } from '../../config/open-listener.ts';
import type { Config } from './config-schema.ts';

/**
 * The listeners that strangers could use: on an address beyond this machine, with nobody told apart.
 * Empty when all is well. `insecure` is not looked at.
 */
export function findOpenListeners(config: Config): OpenListener[] {
  const { http, gateways } = config;
  const { socket } = gateways;
  const open = findOpenHttpListener(http, 'the API');
  const socketHasRules =
    Object.keys(socket.deviceTokens).length > 0 || namesMoreThanLoopback(socket.trustedNetworks);
  for (const [path, host] of socket.enabled ? listDeviceHosts(socket) : []) {
    if (isLoopbackHost(host) || socketHasRules) continue;
    const message =
      `is ${host}, so other machines reach the device ports, and nothing says which devices ` +
      'are yours: name their networks in gateways.socket.trustedNetworks, or set gateways.socket.deviceTokens';
    open.push({ path, message });
  }
  return [...open, ...findOpenMqttListeners(config.mqtt)];
}

function listDeviceHosts({ host, tls }: Config['gateways']['socket']): [path: string, host: string][] {
  const listeners: [string, string][] = [['gateways.socket.host', host]];
  if (tls.enabled) listeners.push(['gateways.socket.tls.host', tls.host]);
  return listeners;
}

/** Whether something says which MQTT clients may come in, beyond those on this machine. */
export function hasMqttRules({ passwordFile, trustedNetworks }: Config['mqtt']): boolean {
  return passwordFile !== '' || namesMoreThanLoopback(trustedNetworks);
}

/**
 * Whether pages of services are kept from acting as whoever looks at them: as soon as anything says who may what.
 * Without tokens, passwords and accounts there is nobody that they could act as whom others cannot.
 */
export function sandboxOf({ services, http, mqtt }: Config, hasAccounts: boolean): 'on' | 'later' | 'off' {
  if (services.sameOrigin) return 'off';
  return hasAccounts || http.tokens.length > 0 || mqtt.passwordFile !== '' ? 'on' : 'later';
}

function findOpenMqttListeners(mqtt: Config['mqtt']): OpenListener[] {
  const { tls } = mqtt;
  const open: OpenListener[] = [];
  if (!mqtt.enabled) return open;
  const why = (host: string, port: string, or: string): string =>
    `is ${host}, so other machines reach the ${port} port, and nothing says which clients are yours: ` +
    `set mqtt.passwordFile, or ${or}name the networks that you trust in mqtt.trustedNetworks`;
  if (!isLoopbackHost(mqtt.host) && !hasMqttRules(mqtt))
    open.push({ path: 'mqtt.host', message: why(mqtt.host, 'MQTT', '') });
  const hasTlsRules = hasMqttRules(mqtt) || tls.clientCertificates !== 'no';
  if (tls.enabled && !isLoopbackHost(tls.host) && !hasTlsRules) {
    const certificates = 'set mqtt.tls.clientCertificates to required, or ';
    open.push({ path: 'mqtt.tls.host', message: why(tls.host, 'MQTT over TLS', certificates) });
  }
  return open;
}
