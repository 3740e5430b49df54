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

/** What is outside of its bounds would break the standard or the engine. */
type NumberOption = { readonly byDefault: number; readonly min: number; readonly max: number };
type Numbers = Readonly<Record<string, NumberOption>>;

const MOST = Number.MAX_SAFE_INTEGER;

/** Numbers that may differ from listener to listener. The first part has the standard's names and units. */
const CONNECTION_NUMBERS = {
  /** QoS 1 and 2 messages of a client that may wait for the server's last word (section 3.2.2.3.3). */
  receiveMaximum: { byDefault: 1024, min: 1, max: MAX_UINT_16 },
  maximumQos: { byDefault: 2, min: 0, max: 2 },
  /** Bytes of the largest packet that is accepted, Fixed Header included. */
  maximumPacketSize: { byDefault: 10 * 1024 * 1024, min: 16, max: MAX_PACKET_BYTES },
  /** Of the aliases that clients may give, and of those that are given to them. */
  topicAliasMaximum: { byDefault: 32, min: 0, max: MAX_UINT_16 },
  /** Seconds. A client that asks for more, or for none at all, gets this; 0 takes what each asks for. */
  serverKeepAlive: { byDefault: 0, min: 0, max: MAX_UINT_16 },
  /** Seconds that a session may at most outlive its connection; 0xFFFFFFFF is for ever. */
  maximumSessionExpiryInterval: { byDefault: MAX_UINT_32, min: 0, max: MAX_UINT_32 },

  /** Connections of this listener at a time. */
  maxConnections: { byDefault: 100_000, min: 1, max: MOST },
  /** Connections from one address at a time. */
  maxConnectionsPerAddress: { byDefault: 100_000, min: 1, max: MOST },
  maxConnectsPerSecond: { byDefault: 20_000, min: 1, max: MOST },
  /** From the network connection to a complete CONNECT, and through its authentication. */
  connectTimeoutMs: { byDefault: 10_000, min: 1, max: 3_600_000 },
  /** Bytes of the CONNECT packet: until it is accepted, nobody knows who sends it. */
  maxConnectBytes: { byDefault: 128 * 1024, min: 64, max: MAX_PACKET_BYTES },
  /**
   * Bytes of any packet that is neither CONNECT nor PUBLISH, Fixed Header not counted. `maximumPacketSize` is meant for
   * payloads: filled with Topic Filters it would be a million objects, and a second of everybody's time.
   */
  maxControlPacketBytes: { byDefault: 128 * 1024, min: 64, max: MAX_PACKET_BYTES },
  /** QoS 1 and 2 messages on their way to one client, less if its Receive Maximum is smaller. */
  maxInflightMessages: { byDefault: 1024, min: 1, max: 32_768 },
  /** Messages that wait in one session, for the client to come back or to acknowledge others. */
  maxQueuedMessages: { byDefault: 10_000, min: 0, max: MOST },
  maxQueuedBytes: { byDefault: 8 * 1024 * 1024, min: 0, max: MOST },
  /** Bytes that wait for a client which does not read, beyond what the system holds for it. */
  maxOutboxBytes: { byDefault: 1024 * 1024, min: 1024, max: MOST },
  maxSubscriptionsPerClient: { byDefault: 1000, min: 1, max: MOST },
} satisfies Numbers;

/** What else may differ from listener to listener. */
const CONNECTION_CHOICES = {
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifierAvailable: true,
  sharedSubscriptionAvailable: true,
  /** Given to clients that ask for it: where they may receive answers (section 3.2.2.3.15). */
  responseInformation: undefined as string | undefined,
  /** Whether a client may leave its Client Identifier to the server. */
  zeroLengthClientIdAllowed: true,
  /** Whether a CONNECT may take the session of another user, who is then disconnected and loses it. */
  clientIdTakeover: 'same-user' as ClientIdTakeover,
  /** Whether QoS 0 messages wait too while the client is away. */
  queueQos0: false,
};

const BROKER_NUMBERS = {
  /** Sessions, those of connected clients included. */
  maxSessions: { byDefault: 200_000, min: 1, max: MOST },
  /** Of the messages that wait in all sessions; one that waits in several counts in each. */
  maxTotalQueuedBytes: { byDefault: 512 * 1024 * 1024, min: 0, max: MOST },
  maxRetainedMessages: { byDefault: 1_000_000, min: 0, max: MOST },
  maxRetainedBytes: { byDefault: 512 * 1024 * 1024, min: 0, max: MOST },
  /**
   * What a store was told and has not committed, about. Beyond it publishers of such are not read until the commit;
   * beyond twice of it they are sent away, and sessions that are to be stored are refused.
   */
  maxUncommittedBytes: { byDefault: 64 * 1024 * 1024, min: 1, max: MOST },
  maxTopicLevels: { byDefault: 64, min: 1, max: 32_768 },
  /** Topics whose subscribers are remembered, and how many of these altogether: the cache of the match. */
  maxCachedTopics: { byDefault: 100_000, min: 1, max: MOST },
  maxCachedMatches: { byDefault: 1_000_000, min: 1, max: MOST },
  /** How long a deciding hook may take. */
  hookTimeoutMs: { byDefault: 5000, min: 1, max: 3_600_000 },
  /** Between two rounds of `$SYS` topics; 0 publishes none. */
  sysTopicIntervalMs: { byDefault: 10_000, min: 0, max: 86_400_000 },
  /** For what was written to a connection that ends. */
  lingerMs: { byDefault: 1000, min: 0, max: 60_000 },
} satisfies Numbers;

type ValuesOf<T extends Numbers> = { readonly [K in keyof T]: K extends 'maximumQos' ? QoS : number };

/** What may differ from listener to listener. */
export type ConnectionOptions = Readonly<typeof CONNECTION_CHOICES> & ValuesOf<typeof CONNECTION_NUMBERS>;
/** What holds for the broker as a whole. */
export type BrokerLimits = ValuesOf<typeof BROKER_NUMBERS>;

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

/** Every number among the options, by name. */
export const NUMBER_OPTIONS: Numbers = { ...CONNECTION_NUMBERS, ...BROKER_NUMBERS };

/** The defaults of everything that has one. */
export const DEFAULT_BROKER_OPTIONS = Object.freeze({
  ...CONNECTION_CHOICES,
  ...Object.fromEntries(Object.entries(NUMBER_OPTIONS).map(([name, { byDefault }]) => [name, byDefault])),
}) as AllOptions;

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
