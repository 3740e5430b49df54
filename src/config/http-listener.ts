import { Type } from './type.ts';
import { isLoopbackHost } from '../base/networks.ts';
import { bytes, count, host, identityFiles, ms, networks, port, TOKEN } from './leaf.ts';
import type { Contradiction } from './load-config.ts';
import { namesMoreThanLoopback, type OpenListener } from './open-listener.ts';

const tls = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'Whether the port speaks HTTPS, and HTTP no more.',
    }),
    ...identityFiles('the server'),
  },
  {
    additionalProperties: false,
    description: 'HTTPS. Files are read anew when they change; new connections get what is new.',
  },
);

const cors = Type.Object(
  {
    allowedOrigins: Type.Array(
      Type.String({
        minLength: 1,
        maxLength: 300,
        pattern: '^(?:\\*|https?://(?:[A-Za-z0-9_.-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?)$',
        expected: 'an origin, as https://app.example:8443, or *',
      }),
      {
        maxItems: 1000,
        default: [],
        description:
          'Origins whose pages may read answers, as `https://app.example`; `*` for all. They need a token or a ticket all the same.',
      },
    ),
  },
  { additionalProperties: false, description: 'What browsers let pages of other origins do (CORS).' },
);

/**
 * The section `http` of a program whose HTTP server listens on this port when nobody says more.
 */
export const httpListener = (usualPort: number, description: string) =>
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
          'Host names under which callers without a token may reach the server, beside addresses, `localhost` and the name of the machine.',
      }),
      trustedNetworks: networks(
        'Callers from these networks or addresses need no token. Where tokens or passwords are set, none unless they are written here.',
      ),
      trustedProxies: networks(
        'Proxies in front of the server, which say where a request comes from (`X-Forwarded-For`, `Forwarded`, `X-Real-IP`). ' +
          'What others pass on is trusted for no address.',
        [],
      ),
      proxyProtocol: Type.Boolean({
        default: false,
        description:
          'Whether each connection begins with a header of the PROXY protocol; it must come from one of `trustedProxies` then.',
      }),
      tls,
      cors,
      maxConnections: count({
        default: 10_000,
        description: 'Most connections at once; never more than a twelfth of what the system lets be opened.',
      }),
      maxConnectionsPerAddress: count({
        default: 10_000,
        description:
          'Most of these from one address; those of `trustedProxies` count for the address that they tell, while it asks.',
      }),
      bodyTimeoutMs: ms({
        default: 30_000,
        description: 'Time for the body of a request to come, unless it is for a service.',
      }),
      maxBodyBytes: bytes({ default: 1_048_576, description: 'Largest request body.' }),
    },
    { additionalProperties: false, description },
  );

type Identity = { readonly enabled: boolean; readonly certFile: string; readonly keyFile: string };

/** What a section `tls` does not say. @param path - of the section */
export function findMissingFiles(path: string, tls: Identity): Contradiction[] {
  if (!tls.enabled) return [];
  const names = (['certFile', 'keyFile'] as const).filter((name) => tls[name] === '');
  return names.map((name) => ({
    paths: [`${path}.${name}`, `${path}.enabled`],
    message: `${path}.${name} must be set, because ${path}.enabled is true`,
  }));
}

/** The PROXY protocol is believed from those only who are named. */
export function findMissingProxies(http: {
  readonly proxyProtocol: boolean;
  readonly trustedProxies: readonly string[];
}): Contradiction[] {
  if (!http.proxyProtocol || http.trustedProxies.length > 0) return [];
  const message = 'http.trustedProxies must be set, because http.proxyProtocol is true';
  return [{ paths: ['http.trustedProxies', 'http.proxyProtocol'], message }];
}

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
