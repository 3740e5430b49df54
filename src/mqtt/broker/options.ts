import { definedMembers } from '../../base/defined-members.ts';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { Ledger } from '../../base/ledger.ts';
import type { Logger } from '../../base/logger.ts';
import { failureLogger } from '../../base/logger.ts';
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
type ClientIdTakeover = 'allow' | 'same-user';
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

export type ResolvedBrokerOptions = AllOptions & {
  readonly log: Logger;
  readonly clock: Clock;
  readonly store: SessionStore | undefined;
};

type AllOptions = ConnectionOptions & BrokerLimits;
type NumberName = { [K in keyof AllOptions]: AllOptions[K] extends number ? K : never }[keyof AllOptions];
/** What is outside of its bounds would break the standard or the engine. */
type NumberOption = { readonly byDefault: number; readonly min: number; readonly max: number };

const MOST = Number.MAX_SAFE_INTEGER;

const NUMBERS: Readonly<Record<NumberName, NumberOption>> = {
  receiveMaximum: { byDefault: 1024, min: 1, max: MAX_UINT_16 },
  maximumQos: { byDefault: 2, min: 0, max: 2 },
  maximumPacketSize: { byDefault: 10 * 1024 * 1024, min: 16, max: MAX_PACKET_BYTES },
  topicAliasMaximum: { byDefault: 32, min: 0, max: MAX_UINT_16 },
  serverKeepAlive: { byDefault: 0, min: 0, max: MAX_UINT_16 },
  maximumSessionExpiryInterval: { byDefault: MAX_UINT_32, min: 0, max: MAX_UINT_32 },
  maxConnections: { byDefault: 100_000, min: 1, max: MOST },
  maxConnectionsPerAddress: { byDefault: 100_000, min: 1, max: MOST },
  maxConnectsPerSecond: { byDefault: 20_000, min: 1, max: MOST },
  connectTimeoutMs: { byDefault: 10_000, min: 1, max: 3_600_000 },
  maxConnectBytes: { byDefault: 128 * 1024, min: 64, max: MAX_PACKET_BYTES },
  maxControlPacketBytes: { byDefault: 128 * 1024, min: 64, max: MAX_PACKET_BYTES },
  maxInflightMessages: { byDefault: 1024, min: 1, max: 32_768 },
  maxQueuedMessages: { byDefault: 10_000, min: 0, max: MOST },
  maxQueuedBytes: { byDefault: 8 * 1024 * 1024, min: 0, max: MOST },
  maxOutboxBytes: { byDefault: 1024 * 1024, min: 1024, max: MOST },
  maxSubscriptionsPerClient: { byDefault: 1000, min: 1, max: MOST },
  maxSessions: { byDefault: 200_000, min: 1, max: MOST },
  maxTotalQueuedBytes: { byDefault: 512 * 1024 * 1024, min: 0, max: MOST },
  maxRetainedMessages: { byDefault: 1_000_000, min: 0, max: MOST },
  maxRetainedBytes: { byDefault: 512 * 1024 * 1024, min: 0, max: MOST },
  maxUncommittedBytes: { byDefault: 64 * 1024 * 1024, min: 1, max: MOST },
  maxTopicLevels: { byDefault: 64, min: 1, max: 32_768 },
  maxCachedTopics: { byDefault: 100_000, min: 1, max: MOST },
  maxCachedMatches: { byDefault: 1_000_000, min: 1, max: MOST },
  hookTimeoutMs: { byDefault: 5000, min: 1, max: 3_600_000 },
  sysTopicIntervalMs: { byDefault: 10_000, min: 0, max: 86_400_000 },
  lingerMs: { byDefault: 1000, min: 0, max: 60_000 },
};

/** Every number among the options, by name. */
export const NUMBER_OPTIONS: Readonly<Record<string, NumberOption>> = NUMBERS;

const OTHERS: Omit<AllOptions, NumberName> = {
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifierAvailable: true,
  sharedSubscriptionAvailable: true,
  responseInformation: undefined,
  zeroLengthClientIdAllowed: true,
  clientIdTakeover: 'same-user',
  queueQos0: false,
};

/** The defaults of everything that has one. */
export const DEFAULT_BROKER_OPTIONS: AllOptions = Object.freeze({
  ...OTHERS,
  ...(Object.fromEntries(Object.entries(NUMBERS).map(([name, { byDefault }]) => [name, byDefault])) as Pick<
    AllOptions,
    NumberName
  >),
});

/** @throws {BrokerError} `MQTT_OPTION_INVALID` */
export function resolveBrokerOptions(options: BrokerOptions): ResolvedBrokerOptions {
  checkOptions(options);
  const { log = failureLogger, clock = systemClock, store } = options;
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
    const bounds = NUMBER_OPTIONS[name];
    if (bounds === undefined || value === undefined) continue;
    if (Number.isInteger(value) && (value as number) >= bounds.min && (value as number) <= bounds.max)
      continue;
    const text = `${name} must be a whole number from ${bounds.min} to ${bounds.max}, not ${JSON.stringify(value)}`;
    throw new BrokerError('MQTT_OPTION_INVALID', text);
  }
}
