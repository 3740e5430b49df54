import { isIPv6 } from 'node:net';
import { formatHostPort } from '../base/address.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { RecadoError } from '../base/errors.ts';
import { warnProcess } from '../base/logger.ts';
import { isBrokerUrl, parseBrokerUrl, withoutSecret } from '../mqtt/client/broker-address.ts';
import type { ConnectGate } from './connect-gate.ts';
import type { DeviceState } from './state.ts';

/** Times and limits, each with its default. */
export const DEVICE_DEFAULTS = {
  /** Until the hub accepts the TCP connection. */
  connectTimeoutMs: 5000,
  /** Until the hub answers the first message. */
  helloTimeoutMs: 5000,

  /** Version 1: without a byte from the hub for so long, the device asks whether it is still connected. */
  silenceMs: 5000,
  /** Version 1: between two tries to reach the hub. */
  retryMs: 2000,
  /** Version 1: each wait is up to this part longer or shorter, so that many devices do not come at once. */
  retrySpread: 0.1,
  /** Version 1: a command is answered by then, finished or not, because the hub closes the connection after 5 s. */
  answerTimeoutMs: 4500,
  /** Version 1: one message of the hub. */
  maxMessageBytes: 65_536,
  maxNestingDepth: 32,
  /** Version 1: commands that wait for the one that runs. */
  maxQueuedCommands: 64,

  /** Version 2: upper bound of the first wait; it doubles with each failed try. The wait is random below it. */
  minBackoffMs: 500,
  /** Version 2: the bound stops growing here. A refused device waits at least this long. */
  maxBackoffMs: 30_000,
  /** Version 2: a connection that lasted so long makes the next wait short again. */
  stableMs: 10_000,
  /** Version 2: one line of the hub, and one answer of the device. */
  maxLineBytes: 262_144,
  /** Version 2: commands that run at once. */
  maxCommandsInFlight: 256,
  /** Version 2: bytes that wait for the hub to read them; telemetry beyond is dropped. */
  maxOutboxBytes: 1_048_576,
  /** Version 2: reports kept while the hub cannot be reached; the oldest is dropped for the newest. */
  maxQueuedReports: 1000,
  /** Version 2: a larger report goes through the connection instead. */
  maxDatagramBytes: 1400,
  /** The longest that a command may take. */
  maxCommandMs: 600_000,
} as const;

export type DeviceTuning = { readonly [Name in keyof typeof DEVICE_DEFAULTS]: number };

/** Where the hub is, and how to speak with it. */
export type ConnectionOptions = Partial<DeviceTuning> & {
  /**
   * `host`, `host:port` or `[address]:port`, `tcp://` before it or not; `127.0.0.1:5050` when absent. With `tls`, the
   * port is written. Or an MQTT broker, as `mqtt://host:1883` or `mqtts://user:password@host`.
   */
  readonly hub?: string;
  /** The hub's port for datagrams; 5060 when absent. */
  readonly udpPort?: number;
  /** 2 (the default): ids, tokens, many commands at once. 1: the plain protocol that existing hubs speak. */
  readonly protocol?: 1 | 2;
  /** Over MQTT: what its topics begin with; `recado` when absent. */
  readonly mqttPrefix?: string;
  /** Version 2: the token that the hub has for this device; over MQTT its password. */
  readonly token?: string;
  /** Version 2: telemetry goes through the connection, or in signed datagrams. Version 1 always uses datagrams. */
  readonly telemetryBy?: 'connection' | 'datagram';
  /** Speaks TLS with the hub: `true`, or whose certificates are believed, and by which name the hub's is checked. */
  readonly tls?: boolean | DeviceTlsOptions;
  /** An address of this machine to connect from. */
  readonly localAddress?: string;
  /** Shared by many devices of one process: bounds how many connect at once. */
  readonly gate?: ConnectGate;
  readonly clock?: Clock;
  /** 0 to 1, for jitter. */
  readonly random?: () => number;
  /** Called with each new state. */
  readonly onState?: (state: DeviceState) => void;
  /**
   * Called when a handler throws anything but a CommandError, when a reading cannot be sent, and when the hub leaves
   * one out. When absent, the process prints a warning, with the stack.
   */
  readonly onError?: (error: unknown) => void;
};

/** How a device knows its hub. */
export type DeviceTlsOptions = {
  /** Authorities in PEM; those that Node knows when absent. */
  readonly ca?: string | Buffer;
  /** The name in the certificate; the host of the hub when absent. */
  readonly serverName?: string;
};

export type HubAddress = {
  readonly host: string;
  readonly port: number;
  /** The URL of the MQTT broker that the hub is reached by; absent where it is reached by a socket. */
  readonly broker?: string;
};

export type LinkOptions = DeviceTuning & {
  readonly hub: HubAddress;
  readonly udpPort: number;
  readonly mqttPrefix: string;
  readonly token: string | undefined;
  readonly telemetryBy: 'connection' | 'datagram';
  readonly tls: DeviceTlsOptions | undefined;
  readonly localAddress: string | undefined;
  readonly gate: ConnectGate | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly onError: (error: unknown) => void;
};

/** Timers of Node are 32 bits wide: longer ones fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 5050;
const DEFAULT_UDP_PORT = 5060;

/**
 * Reads `host`, `host:port` or `[IPv6]:port`, or the URL of an MQTT broker; an empty text is `127.0.0.1:5050`. Undefined
 * when it is none of them.
 */
export function parseHubAddress(text: string): HubAddress | undefined {
  const trimmed = text.trim().replace(/^tcp:\/\//i, '');
  if (trimmed.includes('://')) {
    if (!isBrokerUrl(trimmed)) return undefined;
    const { host, port } = parseBrokerUrl(trimmed);
    return { host, port, broker: trimmed };
  }
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+))?(?::(\d{1,5}))?$/.exec(trimmed);
  if (match === null) return isIPv6(trimmed) ? { host: trimmed, port: DEFAULT_PORT } : undefined;
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? DEFAULT_HOST, port };
}

/** `host:port`, with brackets where the host is an IPv6 address; of a broker, its URL without a password. */
export function formatHubAddress({ host, port, broker }: HubAddress): string {
  return broker === undefined ? formatHostPort(host, port) : parseBrokerUrl(broker).label;
}

/** @throws {RecadoError} `CONFIG_INVALID` when it is no address */
export function requireHubAddress(text: string): HubAddress {
  const address = parseHubAddress(text);
  if (address !== undefined) return address;
  throw new RecadoError(
    'CONFIG_INVALID',
    `"${withoutSecret(text)}" is no address of a hub. Write host or host:port, such as 192.168.0.10:5050, or mqtt://host.`,
  );
}

/**
 * Fills in the defaults.
 *
 * @throws {RecadoError} `CONFIG_INVALID` when the address is none, or a time or limit is no positive number
 */
export function resolveOptions(options: ConnectionOptions): LinkOptions {
  return {
    ...readTuning(options),
    hub: requireHubAddress(options.hub ?? ''),
    udpPort: options.udpPort ?? DEFAULT_UDP_PORT,
    mqttPrefix: options.mqttPrefix ?? 'recado',
    token: options.token,
    telemetryBy: options.telemetryBy ?? 'connection',
    tls: options.tls === true ? {} : options.tls || undefined,
    localAddress: options.localAddress,
    gate: options.gate,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    onError: guard(options.onError ?? tellProcess),
  };
}

function readTuning(options: ConnectionOptions): DeviceTuning {
  const tuning: Record<keyof DeviceTuning, number> = { ...DEVICE_DEFAULTS };
  for (const name of Object.keys(DEVICE_DEFAULTS) as (keyof DeviceTuning)[]) {
    const value = options[name] ?? DEVICE_DEFAULTS[name];
    if (!(value >= 0 && value <= MAX_TIMER_MS)) {
      throw new RecadoError(
        'CONFIG_INVALID',
        `The option ${name} must be a number from 0 to ${MAX_TIMER_MS}, not ${value}.`,
      );
    }
    tuning[name] = value;
  }
  return tuning;
}

/** Whoever is told of errors must not cause new ones: there is nobody else to tell. */
function guard(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    try {
      onError(error);
    } catch {
      // Nothing is left to be done.
    }
  };
}

function tellProcess(error: unknown): void {
  warnProcess(error instanceof Error ? error.message : 'A device failed.', error);
}
