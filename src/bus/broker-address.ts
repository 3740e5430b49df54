import { BusError } from './bus-error.ts';

const BROKER_PROTOCOLS = ['mqtt', 'mqtts', 'ws', 'wss'] as const;
type BrokerProtocol = (typeof BROKER_PROTOCOLS)[number];

/** The ports that IANA and HTTP give them. */
const DEFAULT_PORTS: Readonly<Record<BrokerProtocol, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/** Where a broker is, taken out of a URL. */
export type BrokerAddress = {
  readonly protocol: BrokerProtocol;
  /** Without brackets, also when it is an IPv6 address. */
  readonly host: string;
  readonly port: number;
  /** Of a WebSocket: `/mqtt?x=1`. */
  readonly path: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** For texts: without user and password. */
  readonly label: string;
};

/**
 * Reads `mqtt://user:password@host:port`, also `mqtts:`, `ws:` and `wss:`.
 *
 * @throws {BusError} `CONFIG_INVALID`
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  // A URL without a port keeps its path apart from its host only when it has slashes.
  const url = /^[a-z]+:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  const protocol = BROKER_PROTOCOLS.find((known) => url?.protocol === `${known}:`);
  if (url === undefined || protocol === undefined || url.hostname === '') {
    throw new BusError(
      'CONFIG_INVALID',
      `"${withoutSecret(text)}" is no address of an MQTT broker; write mqtt://HOST:PORT (or mqtts:, ws:, wss:)`,
    );
  }
  const isWebSocket = protocol.startsWith('ws');
  const port = url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port);
  const path = isWebSocket ? `${url.pathname}${url.search}` : '';
  return {
    protocol,
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port,
    path,
    user: url.username === '' ? undefined : decode(url.username),
    password: url.password === '' ? undefined : decode(url.password),
    label: `${protocol}://${url.hostname}:${port}${path === '/' ? '' : path}`,
  };
}

/** A lone `%` in a password is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutSecret(text: string): string {
  return text.replace(/\/\/[^@/]*@/, '//');
}
