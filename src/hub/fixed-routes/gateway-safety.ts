import { RecadoError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { isLoopbackHost } from '../../base/networks.ts';
import { namesMoreThanLoopback } from '../config/safety-check.ts';
import type { GatewayConfig } from './gateway-schema.ts';

/** Why strangers could come in, as the end of a sentence that begins with `http.host`; undefined when they could not. */
export function findOpenGateway({ http }: GatewayConfig): string | undefined {
  const { host, tokens, trustedNetworks } = http;
  if (isLoopbackHost(host) || tokens.length > 0 || namesMoreThanLoopback(trustedNetworks)) return undefined;
  return (
    `is ${host}, so other machines reach the gateway, and nothing says who may use it: set http.tokens, ` +
    'or name the networks that you trust in http.trustedNetworks'
  );
}

/**
 * Refuses a gateway that is open to strangers, unless it says `insecure`; then that is a loud line in the log.
 *
 * @throws {RecadoError} `LISTENER_UNSAFE`
 */
export function refuseOpenGateway(config: GatewayConfig, log: Logger): void {
  const why = findOpenGateway(config);
  if (why === undefined) return;
  if (config.insecure) {
    log.warn({}, `INSECURE: http.host ${why}`);
    return;
  }
  const remedy = '"insecure: true" starts it all the same; use it only on a network that you trust wholly.';
  const text = `the gateway did not start, because strangers could come in:\n  http.host ${why}\n${remedy}`;
  throw new RecadoError('LISTENER_UNSAFE', text);
}
