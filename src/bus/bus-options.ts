import { systemClock, type Clock } from '../base/clock.ts';
import { silentLogger, type Logger } from '../base/logger.ts';
import { MAX_VARIABLE_BYTE_INTEGER, type ProtocolVersion } from '../mqtt/codec/control-packet.ts';
import type { BusMessage, OutgoingMessage } from './bus.ts';

export type TlsOptions = {
  /** PEM: certificates to trust instead of those that Node brings. */
  readonly ca?: string | Buffer;
  /** PEM: the certificate of this client and its key. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Whether a broker that cannot prove who it is will be refused; true when absent. */
  readonly rejectUnauthorized?: boolean;
  /** Whether the certificate must be for the host of the URL; true when absent. */
  readonly checksHostName?: boolean;
};

export type ClientBusOptions = {
  /** Only this version. When absent, MQTT 5 is tried and then, if the server does not know it, 3.1.1. */
  readonly protocolVersion?: ProtocolVersion;
  /** Default: `recado-` and twelve random characters, the same for all connections of the bus. */
  readonly clientId?: string;
  /** Instead of those in the URL. */
  readonly user?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  /** What the broker publishes when this client is gone without a word. */
  readonly will?: OutgoingMessage;
  /** False continues the session that `clientId` has at the broker; true when absent. */
  readonly cleanStart?: boolean;
  /** MQTT 5, in s: how long the broker keeps the session after the connection; 0xFFFFFFFF is for ever. Default 0. */
  readonly sessionExpiryInterval?: number;
  /** What comes and no subscription of this bus asked for: a continued session may have subscriptions of its own. */
  readonly onUnclaimed?: (message: BusMessage) => void;
  /**
   * True (the default): `connectBus` rejects when the first connection fails. False: it gives a bus at once, which
   * connects, and tries again until it is closed.
   */
  readonly waitsForConnection?: boolean;

  readonly log?: Logger;
  readonly clock?: Clock;
  /** Gives 0 to 1, for the jitter of connecting again. */
  readonly random?: () => number;
} & Partial<ClientBusLimits>;

export const DEFAULT_LIMITS = {
  /** In s; 0 sends no pings. */
  keepAliveS: 60,
  /** From the first packet of TCP to CONNACK. */
  connectTimeoutMs: 10_000,
  /** How long a call waits that does not say it itself. */
  timeoutMs: 30_000,
  /** How long the broker may take to close the connection after it was told; then it is cut. */
  closeTimeoutMs: 1000,
  reconnectMinMs: 250,
  reconnectMaxMs: 15_000,
  /** Messages at QoS 1 and 2 without an acknowledgement; the Receive Maximum of the server may be smaller. */
  maxInflight: 100,
  /** Messages that wait because the broker is away or slow. */
  maxQueuedMessages: 1000,
  /** Their payloads together. */
  maxQueuedBytes: 64 * 1024 * 1024,
  /** The largest packet that the broker may send; MQTT 5 only: before, a client cannot tell. */
  maxPacketBytes: MAX_VARIABLE_BYTE_INTEGER,
};

export type ClientBusLimits = Readonly<typeof DEFAULT_LIMITS>;

type Choice = 'protocolVersion' | 'user' | 'password' | 'will';

/** Options with their defaults; undefined where there is none. */
export type BusSettings = Required<Omit<ClientBusOptions, Choice | 'waitsForConnection'>> & {
  readonly [K in Choice]: ClientBusOptions[K] | undefined;
};

export function busSettings(options: ClientBusOptions): BusSettings {
  return {
    ...DEFAULT_LIMITS,
    protocolVersion: undefined,
    user: undefined,
    password: undefined,
    tls: {},
    will: undefined,
    cleanStart: true,
    sessionExpiryInterval: 0,
    onUnclaimed: () => {},
    log: silentLogger,
    clock: systemClock,
    random: Math.random,
    ...options,
    clientId: options.clientId ?? `recado-${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`,
  };
}
