import type { TProperties } from 'typebox';
import { Type } from './type.ts';
import { isLoopbackHost } from '../base/networks.ts';
import { bytes, count, host, ms, networks, port, TOKEN } from './leaf.ts';
import { namesMoreThanLoopback, type OpenListener } from './open-listener.ts';

/**
 * The section `http` of a program whose HTTP server listens on this port when nobody says more.
 *
 * @param more - keys that only this program has
 */
export const httpListener = <More extends TProperties>(usualPort: number, description: string, more: More) =>
  Type.Object(
    {
      host: host('Address that the HTTP server listens on.'),
      port: port({ default: usualPort, description: 'Port of the HTTP server; 0 takes any free port.' }),
      tokens: Type.Array(Type.String(TOKEN), {
        maxItems: 1000,
        default: [],
        secret: true,
        description: 'Tokens that callers may present as `Authorization: Bearer …`.',
      }),
      hostNames: Type.Array(Type.String({ format: 'host', maxLength: 253 }), {
        maxItems: 1000,
        default: [],
        description:
          'Public host names under which callers without a token may reach the hub; local names always may.',
      }),
      trustedNetworks: networks('Callers from these networks or addresses need no token.'),
      ...more,
      maxConnections: count({
        default: 10_000,
        description: 'Most connections at once; never more than a twelfth of what the system lets be opened.',
      }),
      bodyTimeoutMs: ms({
        default: 30_000,
        description: 'Time for the body of a request to come, unless it is for a service.',
      }),
      maxBodyBytes: bytes({ default: 1_048_576, description: 'Largest request body.' }),
    },
    { additionalProperties: false, description },
  );

/**
 * The HTTP listener, if strangers could use it.
 *
 * @param what - that they would reach: `the API`
 */
export function findOpenHttpListener(
  {
    host: address,
    tokens,
    trustedNetworks,
  }: {
    readonly host: string;
    readonly tokens: readonly string[];
    readonly trustedNetworks: readonly string[];
  },
  what: string,
): OpenListener[] {
  if (isLoopbackHost(address) || tokens.length > 0 || namesMoreThanLoopback(trustedNetworks)) return [];
  const message =
    `is ${address}, so other machines reach ${what}, and nothing says who may use it: set http.tokens, ` +
    'or name the networks that you trust in http.trustedNetworks';
  return [{ path: 'http.host', message }];
}
