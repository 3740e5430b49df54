import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { isLoopbackHost, LOOPBACK_NETWORKS, Networks, parseNetwork } from '../../base/networks.ts';
import type { Config } from './config-schema.ts';

/**
 * The listeners that strangers could use: on an address beyond this machine, with nobody told apart.
 * Each is a sentence that says which and what to set. Empty when all is well. `insecure` is not looked at.
 */
export function findOpenListeners(config: Config): string[] {
  const { http, gateways } = config;
  const { socket } = gateways;
  const open: string[] = [];
  if (
    !isLoopbackHost(http.host) &&
    http.tokens.length === 0 &&
    !namesMoreThanLoopback(http.trustedNetworks)
  ) {
    open.push(
      `http.host is ${http.host}, so other machines reach the API, and nothing says who may use it: set http.tokens, ` +
        'or name the networks that you trust in http.trustedNetworks',
    );
  }
  const socketHasRules =
    Object.keys(socket.deviceTokens).length > 0 || namesMoreThanLoopback(socket.trustedNetworks);
  if (socket.enabled && !isLoopbackHost(socket.host) && !socketHasRules) {
    open.push(
      `gateways.socket.host is ${socket.host}, so other machines reach the device ports, and nothing says which devices ` +
        'are yours: name their networks in gateways.socket.trustedNetworks, or set gateways.socket.deviceTokens',
    );
  }
  return open;
}

/**
 * Refuses a configuration with open listeners, unless it says `insecure`; then each is a loud line in the log.
 *
 * @throws {RecadoError} `LISTENER_UNSAFE`
 */
export function refuseOpenListeners(config: Config, log: Logger): void {
  const open = findOpenListeners(config);
  if (open.length > 0 && !config.insecure) {
    const text = `the hub did not start, because strangers could come in:\n  ${open.join('\n  ')}`;
    throw new RecadoError(
      'LISTENER_UNSAFE',
      `${text}\n--insecure starts it all the same; use it only on a network that you trust wholly.`,
    );
  }
  for (const sentence of open) log.warn({}, `INSECURE: ${sentence}`);
}

function namesMoreThanLoopback(networks: readonly string[]): boolean {
  return networks.some((text) => !isWithinLoopback(text));
}

function isWithinLoopback(text: string): boolean {
  const network = parseNetwork(text);
  if (network === undefined || !new Networks(LOOPBACK_NETWORKS).has(network.address)) return false;
  return network.prefix >= (network.family === 'ipv4' ? 8 : 128);
}
