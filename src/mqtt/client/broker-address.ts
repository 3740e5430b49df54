import { MqttClientError } from './client-error.ts';

const BROKER_PROTOCOLS = ['mqtt', 'mqtts', 'ws', 'wss', 'mqtt+unix'] as const;
type BrokerProtocol = (typeof BROKER_PROTOCOLS)[number];

/** The ports that IANA and HTTP give them. */
const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** Where a broker is, taken out of a URL. */
export type BrokerAddress = {
  readonly protocol: BrokerProtocol;
  /** Without brackets, also when it is an IPv6 address; empty for a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Of a WebSocket: `/mqtt?x=1`. Of a Unix socket: its file. */
  readonly path: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** For texts: without user and password. */
  readonly label: string;
};

/**
 * Reads `mqtt://user:password@host:port`, also `mqtts:`, `ws:` and `wss:`; or `mqtt+unix:/path/of/socket`.
 *
 * @throws {MqttClientError} `CONFIG_INVALID`
 */
export function parseBrokerUrl(text: string): BrokerAddress {
  // A URL without a port keeps its path apart from its host only when it has slashes.
  const url = /^([a-z]+:\/\/|mqtt\+unix:\/)/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  const protocol = BROKER_PROTOCOLS.find((known) => url?.protocol === `${known}:`);
  if (protocol === 'mqtt+unix' && url !== undefined) return unixAddress(url);
  if (url === undefined || protocol === undefined || protocol === 'mqtt+unix' || url.hostname === '') {
    throw new MqttClientError(
      'CONFIG_INVALID',
      `"${withoutSecret(text)}" is no address of an MQTT broker; write mqtt://HOST:PORT (or mqtts:, ws:, wss:, mqtt+unix:/PATH)`,
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
    ...credentialsOf(url),
    label: `${protocol}://${url.hostname}:${port}${path === '/' ? '' : path}`,
  };
}

/** Whether `parseBrokerUrl` takes it. */
export function isBrokerUrl(text: string): boolean {
  try {
    parseBrokerUrl(text);
    return true;
  } catch {
    return false;
  }
}

function unixAddress(url: URL): BrokerAddress {
  const path = decode(url.pathname);
  return {
    protocol: 'mqtt+unix',
    host: '',
    port: 0,
    path,
    ...credentialsOf(url),
    label: `mqtt+unix:${path}`,
  };
}

function credentialsOf({ username, password }: URL): Pick<BrokerAddress, 'user' | 'password'> {
  return {
    user: username === '' ? undefined : decode(username),
    password: password === '' ? undefined : decode(password),
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

/** For texts, of what may be no URL: a password that is not encoded may hold `/` and `@` itself. */
export function withoutSecret(text: string): string {
  return text.replace(/^([a-z+]*:\/\/)?.*@/is, '$1');
}
