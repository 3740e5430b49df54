import { systemClock, type Clock } from '../../base/clock.ts';
import { failureLogger, type Logger } from '../../base/logger.ts';
import type { ConnectProperties, WillMessage } from '../codec/connect.ts';
import { MAX_VARIABLE_BYTE_INTEGER, type ProtocolVersion } from '../codec/control-packet.ts';
import type { DisconnectProperties } from '../codec/disconnect.ts';
import { MqttClientError } from './client-error.ts';
import type { ReceivedMessage } from './message.ts';

export type TlsOptions = {
  /** PEM: certificates to trust instead of those that Node brings. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** PEM: the certificate of this client and its key. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** Whether a broker that cannot prove who it is will be refused; true when absent. */
  readonly rejectUnauthorized?: boolean;
  /** Whether the certificate must be for the host of the URL; true when absent. */
  readonly checksHostName?: boolean;
  /** As OpenSSL names them. */
  readonly ciphers?: string;
  /** The only version that is spoken; Node's choice when absent. */
  readonly version?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  /** What is to be spoken, for a port that has several protocols (ALPN). */
  readonly protocols?: readonly string[];
  /** A key that both sides have, instead of certificates; up to TLS 1.2. */
  readonly sharedKey?: { readonly identity: string; readonly key: Buffer };
};

/** What became of the connection of a client. */
export type ClientEvent =
  /** Subscriptions are about to be restored on a new connection. */
  | { readonly type: 'restoring' }
  /** Subscriptions are restored, and what waited is on its way. */
  | {
      readonly type: 'connected';
      readonly protocolVersion: ProtocolVersion;
      readonly isSessionPresent: boolean;
    }
  | { readonly type: 'lost'; readonly error: MqttClientError }
  /** An attempt to connect again failed; the next one follows after `retryInMs`. */
  | { readonly type: 'retrying'; readonly error: MqttClientError; readonly retryInMs: number }
  /** After connecting again the broker did not grant what it had granted before. */
  | { readonly type: 'subscription-denied'; readonly topicFilter: string; readonly error: MqttClientError }
  /** `close` ended before the broker had taken all that was sent: messages at QoS 0 are lost. */
  | { readonly type: 'cut'; readonly error: MqttClientError }
  /** More may be sent, after `takesMore` was false. */
  | { readonly type: 'room' };

export type MqttClientOptions = {
  /** Only this version. When absent, MQTT 5 is tried and then, if the server does not know it, 3.1.1. */
  readonly protocolVersion?: ProtocolVersion;
  /** Default: `recado-` and twelve random characters, the same for all connections. Empty: the server gives one. */
  readonly clientId?: string;
  /** Instead of those in the URL. */
  readonly user?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  /** The address of this machine from which it connects. */
  readonly localAddress?: string;
  /** Connects through a SOCKS 5 proxy, which looks the name up: `socks5h://user:password@host:1080`. */
  readonly proxy?: string;
  /**
   * MQTT 5: what CONNECT says besides what other options say. An Authentication Method must need no more than the
   * data of the CONNECT: AUTH is not answered.
   */
  readonly connectProperties?: Pick<
    ConnectProperties,
    | 'requestProblemInformation'
    | 'requestResponseInformation'
    | 'authenticationMethod'
    | 'authenticationData'
    | 'userProperties'
  >;
  /** MQTT 5: what the DISCONNECT of `close` says. */
  readonly disconnectProperties?: DisconnectProperties;
  /** What the broker publishes when this client is gone without a word. */
  readonly will?: Pick<WillMessage, 'topicName' | 'payload'> & Partial<WillMessage>;
  /** False continues the session that `clientId` has at the broker; true when absent. */
  readonly cleanStart?: boolean;
  /** MQTT 5, in s: how long the broker keeps the session after the connection; 0xFFFFFFFF is for ever. Default 0. */
  readonly sessionExpiryInterval?: number;
  /**
   * What comes, on the turn in which it came. A message at QoS 1 or 2 is acknowledged when it has returned, or when a
   * promise that it returned is settled, and after those that came before. What it throws is logged.
   */
  readonly onMessage?: (message: ReceivedMessage) => unknown;
  readonly onEvent?: (event: ClientEvent) => void;
  /** True: a message at QoS 1 or 2 is acknowledged by `acknowledge` only. */
  readonly acknowledgesByHand?: boolean;
  /**
   * True (the default): the first connection is waited for, and its failure is thrown. False: there is a client at
   * once, which connects, and tries again until it is closed.
   */
  readonly waitsForConnection?: boolean;

  readonly log?: Logger;
  readonly clock?: Clock;
  /** Gives 0 to 1, for the jitter of connecting again. */
  readonly random?: () => number;
} & Partial<MqttClientLimits>;

export const DEFAULT_CLIENT_LIMITS = {
  /** In s; 0 sends no pings. The server may say otherwise. */
  keepAliveS: 60,
  /** From the first packet of TCP to CONNACK. */
  connectTimeoutMs: 10_000,
  /** How long a call waits that does not say it itself; and `close`, while the broker takes nothing of what was sent. */
  timeoutMs: 30_000,
  /** How long a call waits that does not say it itself; and `close`, while the broker takes nothing. */
  closeTimeoutMs: 1000,
  reconnectMinMs: 250,
  reconnectMaxMs: 15_000,
  /** Messages at QoS 1 and 2 without an acknowledgement; the Receive Maximum of the server may be smaller. */
  maxInflight: 100,
  /** Messages that wait because the broker is away or slow. */
  maxQueuedMessages: 1000,
  /** Their payloads together; and what was sent and the socket has not taken. */
  maxQueuedBytes: 64 * 1024 * 1024,
  /** The largest packet that the broker may send; over MQTT 5 it is told so. */
  maxPacketBytes: MAX_VARIABLE_BYTE_INTEGER,
  /** The largest packet of the broker that is no PUBLISH, and the most that the properties of one may take. */
  maxControlPacketBytes: 128 * 1024,
  /** MQTT 5: messages at QoS 1 and 2 that the broker may send without an acknowledgement. */
  receiveMaximum: 65_535,
  /** MQTT 5: Topic Aliases that the broker may give, and that are given to it if it takes as many. */
  maxTopicAliases: 0,
};

export type MqttClientLimits = Readonly<typeof DEFAULT_CLIENT_LIMITS>;

type Choice = 'protocolVersion' | 'user' | 'password' | 'localAddress' | 'proxy';

/** Options with their defaults; undefined where there is none. */
export type ClientSettings = Required<Omit<MqttClientOptions, Choice | 'will' | 'waitsForConnection'>> & {
  readonly [K in Choice]: MqttClientOptions[K] | undefined;
} & { readonly will: WillMessage | undefined };

/** @throws {MqttClientError} `CONFIG_INVALID` */
export function clientSettings(options: MqttClientOptions): ClientSettings {
  const { will, tls } = options;
  // Node would take the key for one of a session, and go on with certificates.
  if (tls?.sharedKey !== undefined && tls.version === 'TLSv1.3')
    throw new MqttClientError(
      'CONFIG_INVALID',
      'a shared key is for TLS 1.2, and TLS 1.3 is asked for; leave the version out, or use certificates',
    );
  return {
    ...DEFAULT_CLIENT_LIMITS,
    protocolVersion: undefined,
    user: undefined,
    password: undefined,
    localAddress: undefined,
    proxy: undefined,
    connectProperties: {},
    disconnectProperties: {},
    tls: {},
    cleanStart: true,
    sessionExpiryInterval: 0,
    onMessage: () => {},
    onEvent: () => {},
    acknowledgesByHand: false,
    log: failureLogger,
    clock: systemClock,
    random: Math.random,
    ...options,
    will: will && { qos: 0, retain: false, properties: {}, ...will },
    clientId: options.clientId ?? `recado-${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`,
  };
}
