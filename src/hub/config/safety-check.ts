import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { isLoopbackHost, LOOPBACK_NETWORKS, Networks, parseNetwork } from '../../base/networks.ts';
import type { Config } from './config-schema.ts';

/** A listener that strangers could use. */
export type OpenListener = {
  /** The key that opens it: `http.host`. */
  readonly path: string;
  /** What is wrong and what to set, as the end of a sentence that begins with the key. */
  readonly message: string;
};

/**
 * The listeners that strangers could use: on an address beyond this machine, with nobody told apart.
 * Empty when all is well. `insecure` is not looked at.
 */
export function findOpenListeners(config: Config): OpenListener[] {
  const { http, gateways } = config;
  const { socket } = gateways;
  const open: OpenListener[] = [];
  if (
    !isLoopbackHost(http.host) &&
    http.tokens.length === 0 &&
    !namesMoreThanLoopback(http.trustedNetworks)
  ) {
    const message =
      `is ${http.host}, so other machines reach the API, and nothing says who may use it: set http.tokens, ` +
      'or name the networks that you trust in http.trustedNetworks';
    open.push({ path: 'http.host', message });
  }
  const socketHasRules =
    Object.keys(socket.deviceTokens).length > 0 || namesMoreThanLoopback(socket.trustedNetworks);
  if (socket.enabled && !isLoopbackHost(socket.host) && !socketHasRules) {
    const message =
      `is ${socket.host}, so other machines reach the device ports, and nothing says which devices ` +
      'are yours: name their networks in gateways.socket.trustedNetworks, or set gateways.socket.deviceTokens';
    open.push({ path: 'gateways.socket.host', message });
  }
  return [...open, ...findOpenMqttListeners(config.mqtt)];
}

/** Whether something says which MQTT clients may come in, beyond those on this machine. */
export function hasMqttRules({ passwordFile, trustedNetworks }: Config['mqtt']): boolean {
  return passwordFile !== '' || namesMoreThanLoopback(trustedNetworks);
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

/**
 * Refuses a configuration with open listeners, unless it says `insecure`; then each is a loud line in the log.
 *
 * @throws {RecadoError} `LISTENER_UNSAFE`
 */
export function refuseOpenListeners(config: Config, log: Logger): void {
  const open = findOpenListeners(config).map(({ path, message }) => `${path} ${message}`);
  if (open.length > 0 && !config.insecure) {
    const text = `the hub did not start, because strangers could come in:\n  ${open.join('\n  ')}`;
    throw new RecadoError(
      'LISTENER_UNSAFE',
      `${text}\n--insecure starts it all the same; use it only on a network that you trust wholly.`,
    );
  }
  for (const sentence of open) log.warn({}, `INSECURE: ${sentence}`);
}

export function namesMoreThanLoopback(networks: readonly string[]): boolean {
  return networks.some((text) => !isWithinLoopback(text));
}

function isWithinLoopback(text: string): boolean {
  const network = parseNetwork(text);
  if (network === undefined || !new Networks(LOOPBACK_NETWORKS).has(network.address)) return false;
  return network.prefix >= (network.family === 'ipv4' ? 8 : 128);
}
