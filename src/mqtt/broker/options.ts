import { definedMembers } from '../../base/defined-members.ts';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { Ledger } from '../../base/ledger.ts';
import type { Logger } from '../../base/logger.ts';
import { silentLogger } from '../../base/logger.ts';
import {
  MAX_PACKET_BYTES,
  MAX_STRING_BYTES,
  MAX_UINT_16,
  MAX_UINT_32,
  type QoS,
} from '../codec/control-packet.ts';
import { isEncodableText } from '../codec/utf8.ts';
import type { SessionStore } from '../session/session-store.ts';
import { BrokerError } from './broker-error.ts';
import type { BrokerHooks, ClientInfo } from './hooks.ts';

/**
 * `same-user`: a Client Identifier whose session has, or is asked for with, another user name is refused with 0x85
 * Client Identifier not valid. `allow`: the session ends, and the client gets a new one.
 */
export type ClientIdTakeover = 'allow' | 'same-user';
export const CLIENT_ID_TAKEOVERS = ['allow', 'same-user'] as const satisfies readonly ClientIdTakeover[];

/** What may differ from listener to listener. The first part has the standard's names and units. */
export type ConnectionOptions = {
  /** QoS 1 and 2 messages of a client that may wait for the server's last word (section 3.2.2.3.3). */
  readonly receiveMaximum: number;
  readonly maximumQos: QoS;
  readonly retainAvailable: boolean;
  /** Bytes of the largest packet that is accepted, Fixed Header included. */
  readonly maximumPacketSize: number;
  /** Of the aliases that clients may give, and of those that are given to them. */
  readonly topicAliasMaximum: number;
  /** Seconds. A client that asks for more, or for none at all, gets this; 0 takes what each asks for. */
  readonly serverKeepAlive: number;
  /** Seconds that a session may at most outlive its connection; 0xFFFFFFFF is for ever. */
  readonly maximumSessionExpiryInterval: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifierAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  /** Given to clients that ask for it: where they may receive answers (section 3.2.2.3.15). */
  readonly responseInformation: string | undefined;
  /** Whether a client may leave its Client Identifier to the server. */
  readonly zeroLengthClientIdAllowed: boolean;

  /** Connections of this listener at a time. */
  readonly maxConnections: number;
  /** Connections from one address at a time. */
  readonly maxConnectionsPerAddress: number;
  readonly maxConnectsPerSecond: number;
  /** From the network connection to a complete CONNECT, and through its authentication. */
  readonly connectTimeoutMs: number;
  /** Bytes of the CONNECT packet: until it is accepted, nobody knows who sends it. */
  readonly maxConnectBytes: number;
  /**
   * Bytes of any packet that is neither CONNECT nor PUBLISH, Fixed Header not counted. `maximumPacketSize` is meant for
   * payloads: filled with Topic Filters it would be a million objects, and a second of everybody's time.
   */
  readonly maxControlPacketBytes: number;
  /** Whether a CONNECT may take the session of another user, who is then disconnected and loses it. */
  readonly clientIdTakeover: ClientIdTakeover;
  /** QoS 1 and 2 messages on their way to one client, less if its Receive Maximum is smaller. */
  readonly maxInflightMessages: number;
  /** Messages that wait in one session, for the client to come back or to acknowledge others. */
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  /** Whether QoS 0 messages wait too while the client is away. */
  readonly queueQos0: boolean;
  /** Bytes that wait for a client which does not read, beyond what the system holds for it. */
  readonly maxOutboxBytes: number;
  readonly maxSubscriptionsPerClient: number;
};

/** What holds for the broker as a whole. */
export type BrokerLimits = {
  /** Sessions, those of connected clients included. */
  readonly maxSessions: number;
  /** Of the messages that wait in all sessions; one that waits in several counts in each. */
  readonly maxTotalQueuedBytes: number;
  readonly maxRetainedMessages: number;
  readonly maxRetainedBytes: number;
  /**
   * What a store was told and has not committed, about. Beyond it publishers of such are not read until the commit;
   * beyond twice of it they are sent away, and sessions that are to be stored are refused.
   */
  readonly maxUncommittedBytes: number;
  readonly maxTopicLevels: number;
  /** Topics whose subscribers are remembered, and how many of these altogether: the cache of the match. */
  readonly maxCachedTopics: number;
  readonly maxCachedMatches: number;
  /** How long a deciding hook may take. */
  readonly hookTimeoutMs: number;
  /** Between two rounds of `$SYS` topics; 0 publishes none. */
  readonly sysTopicIntervalMs: number;
  /** For what was written to a connection that ends. */
  readonly lingerMs: number;
};

export type BrokerOptions = Partial<ConnectionOptions> &
  Partial<BrokerLimits> & {
    readonly hooks?: readonly BrokerHooks[];
    /** Of everything that peers make the program keep; a broker that is given none has its own. */
    readonly ledger?: Ledger;
    /** To whom what is kept for a client is booked; its address where nothing is said. */
    readonly partyOf?: (client: ClientInfo) => string;
    /** Where sessions and retained messages outlive this broker; without one they end with it. */
    readonly store?: SessionStore;
    readonly log?: Logger;
    readonly clock?: Clock;
  };

/** A listener's own rules. What it does not say is as the broker has it. */
export type ListenerOptions = Partial<ConnectionOptions> & {
  /** For logs and hooks. */
  readonly name: string;
  /** Asked before the broker's own hooks. */
  readonly hooks?: readonly BrokerHooks[];
};

export type ResolvedBrokerOptions = ConnectionOptions &
  BrokerLimits & { readonly log: Logger; readonly clock: Clock; readonly store: SessionStore | undefined };

const CONNECTION_DEFAULTS: ConnectionOptions = {
  receiveMaximum: 1024,
  maximumQos: 2,
  retainAvailable: true,
  maximumPacketSize: 10 * 1024 * 1024,
  topicAliasMaximum: 32,
  serverKeepAlive: 0,
  maximumSessionExpiryInterval: MAX_UINT_32,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifierAvailable: true,
  sharedSubscriptionAvailable: true,
  responseInformation: undefined,
  zeroLengthClientIdAllowed: true,
  maxConnections: 100_000,
  maxConnectionsPerAddress: 100_000,
  maxConnectsPerSecond: 20_000,
  connectTimeoutMs: 10_000,
  maxConnectBytes: 128 * 1024,
  maxControlPacketBytes: 128 * 1024,
  clientIdTakeover: 'same-user',
  maxInflightMessages: 1024,
  maxQueuedMessages: 10_000,
  maxQueuedBytes: 8 * 1024 * 1024,
  queueQos0: false,
  maxOutboxBytes: 1024 * 1024,
  maxSubscriptionsPerClient: 1000,
};

const BROKER_DEFAULTS: BrokerLimits = {
  maxSessions: 200_000,
  maxTotalQueuedBytes: 512 * 1024 * 1024,
  maxRetainedMessages: 1_000_000,
  maxRetainedBytes: 512 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
  maxTopicLevels: 64,
  maxCachedTopics: 100_000,
  maxCachedMatches: 1_000_000,
  hookTimeoutMs: 5000,
  sysTopicIntervalMs: 10_000,
  lingerMs: 1000,
};

/** The defaults of everything that has one. */
export const DEFAULT_BROKER_OPTIONS: ConnectionOptions & BrokerLimits = Object.freeze({
  ...CONNECTION_DEFAULTS,
  ...BROKER_DEFAULTS,
});

type Bounds = { readonly min: number; readonly max: number };
const COUNT: Bounds = { min: 1, max: Number.MAX_SAFE_INTEGER };

/** Every number among the options; what is outside would break the standard or the engine. */
export const OPTION_BOUNDS: Readonly<Record<string, Bounds>> = {
  receiveMaximum: { min: 1, max: MAX_UINT_16 },
  maximumQos: { min: 0, max: 2 },
  maximumPacketSize: { min: 16, max: MAX_PACKET_BYTES },
  topicAliasMaximum: { min: 0, max: MAX_UINT_16 },
  serverKeepAlive: { min: 0, max: MAX_UINT_16 },
  maximumSessionExpiryInterval: { min: 0, max: MAX_UINT_32 },
  maxConnections: COUNT,
  maxConnectionsPerAddress: COUNT,
  maxConnectsPerSecond: COUNT,
  connectTimeoutMs: { min: 1, max: 3_600_000 },
  maxConnectBytes: { min: 64, max: MAX_PACKET_BYTES },
  maxControlPacketBytes: { min: 64, max: MAX_PACKET_BYTES },
  maxInflightMessages: { min: 1, max: 32_768 },
  maxQueuedMessages: { min: 0, max: Number.MAX_SAFE_INTEGER },
  maxQueuedBytes: { min: 0, max: Number.MAX_SAFE_INTEGER },
  maxOutboxBytes: { min: 1024, max: Number.MAX_SAFE_INTEGER },
  maxSubscriptionsPerClient: COUNT,
  maxSessions: COUNT,
  maxTotalQueuedBytes: { min: 0, max: Number.MAX_SAFE_INTEGER },
  maxRetainedMessages: { min: 0, max: Number.MAX_SAFE_INTEGER },
  maxRetainedBytes: { min: 0, max: Number.MAX_SAFE_INTEGER },
  maxUncommittedBytes: COUNT,
  maxTopicLevels: { min: 1, max: 32_768 },
  maxCachedTopics: COUNT,
  maxCachedMatches: COUNT,
  hookTimeoutMs: { min: 1, max: 3_600_000 },
  sysTopicIntervalMs: { min: 0, max: 86_400_000 },
  lingerMs: { min: 0, max: 60_000 },
};

/** @throws {BrokerError} `MQTT_OPTION_INVALID` */
export function resolveBrokerOptions(options: BrokerOptions): ResolvedBrokerOptions {
  checkOptions(options);
  const { log = silentLogger, clock = systemClock, store } = options;
  return { ...DEFAULT_BROKER_OPTIONS, ...definedMembers(options), log, clock, store };
}

/** @throws {BrokerError} `MQTT_OPTION_INVALID` */
export function resolveListenerOptions(
  options: ListenerOptions,
  defaults: ConnectionOptions,
): ConnectionOptions {
  checkOptions(options);
  return { ...defaults, ...definedMembers(options) };
}

function isSendableText(value: unknown): boolean {
  return typeof value === 'string' && isEncodableText(value) && Buffer.byteLength(value) <= MAX_STRING_BYTES;
}

function checkOptions(options: {
  readonly responseInformation?: unknown;
  readonly clientIdTakeover?: unknown;
}): void {
  const { responseInformation, clientIdTakeover } = options;
  if (
    clientIdTakeover !== undefined &&
    !(CLIENT_ID_TAKEOVERS as readonly unknown[]).includes(clientIdTakeover)
  ) {
    const text = `clientIdTakeover must be one of ${CLIENT_ID_TAKEOVERS.join(', ')}`;
    throw new BrokerError('MQTT_OPTION_INVALID', text);
  }
  if (responseInformation !== undefined && !isSendableText(responseInformation)) {
    const text = `responseInformation must be a text without U+0000, of at most ${MAX_STRING_BYTES} bytes of UTF-8`;
    throw new BrokerError('MQTT_OPTION_INVALID', text);
  }
  for (const [name, value] of Object.entries<unknown>(options)) {
    const bounds = OPTION_BOUNDS[name];
    if (bounds === undefined || value === undefined) continue;
    if (Number.isInteger(value) && (value as number) >= bounds.min && (value as number) <= bounds.max)
      continue;
    const text = `${name} must be a whole number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(value)}`;
    throw new BrokerError('MQTT_OPTION_INVALID', text);
  }
}
