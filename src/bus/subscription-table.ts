import type { ReceivedMessage } from '../mqtt/client/message.ts';
import type { QoS } from '../mqtt/codec/control-packet.ts';
import { hasWildcard, matchesTopicFilter, parseTopicFilter } from '../mqtt/topics/topic-filter.ts';
import type { BusMessage } from './bus.ts';

type Routing = Pick<ReceivedMessage, 'topicName' | 'retain' | 'subscriptionIdentifiers'>;

type HandlerParts = {
  readonly qos: QoS;
  readonly borrowsPayload: boolean;
  readonly onMessage: (message: BusMessage) => unknown;
};

/** One call of `subscribe`. */
export type Handler = HandlerParts & {
  readonly entry: SubscribedFilter;
  /** Subscription Identifier of the SUBSCRIBE that was last sent for it. */
  identifier: number;
  /** Its SUBSCRIBE was answered. One that still waits has nothing to do with what becomes of earlier ones. */
  isGranted: boolean;
};

/** One Topic Filter, which the broker knows once, however many handlers it has. */
type SubscribedFilter = {
  /** As written, `$share/{ShareName}/` included. */
  readonly topicFilter: string;
  /** What Topic Names are held against. */
  readonly plainFilter: string;
  handlers: readonly Handler[];
  /** Those under which messages may come. */
  readonly identifiers: Set<number>;
  /** The one that the broker granted last; 0 before. */
  grantedIdentifier: number;
};

const ANY_LEVELS = Number.POSITIVE_INFINITY;
/** A Variable Byte Integer, but not 0 (MQTT 5.0 section 3.8.2.1.2). */
const MAX_IDENTIFIER = 268_435_455;
/** Most messages come on few topics. */
const MAX_KEPT_MATCHES = 256;

/** Which handler gets which message. */
export class SubscriptionTable {
  readonly #byFilter = new Map<string, SubscribedFilter>();
  /** Those that are not simply the name of a topic. */
  readonly #patterns = new Set<SubscribedFilter>();
  readonly #byIdentifier = new Map<number, SubscribedFilter>();
  /** By topic, until anything changes. */
  readonly #matches = new Map<string, { identifiers: readonly number[]; handlers: readonly Handler[] }>();
  #lastIdentifier = 0;

  /** @returns undefined when the filter is not valid */
  add(topicFilter: string, parts: HandlerParts): Handler | undefined {
    const entry = this.#byFilter.get(topicFilter) ?? this.#addFilter(topicFilter);
    if (entry === undefined) return undefined;
    this.#matches.clear();
    this.#lastIdentifier = (this.#lastIdentifier % MAX_IDENTIFIER) + 1;
    entry.identifiers.add(this.#lastIdentifier);
    this.#byIdentifier.set(this.#lastIdentifier, entry);
    const handler: Handler = { ...parts, entry, identifier: this.#lastIdentifier, isGranted: false };
    entry.handlers = [...entry.handlers, handler];
    return handler;
  }

  /** The highest QoS that anybody asked for. */
  qosOf({ entry }: Handler): QoS {
    return Math.max(...entry.handlers.map(({ qos }) => qos)) as QoS;
  }

  /** The broker has granted the subscription with the identifier of a handler: who needs another one keeps it. */
  grant(handler: Handler): void {
    const { entry, identifier } = handler;
    handler.isGranted = true;
    entry.grantedIdentifier = identifier;
    const needed = new Set(entry.handlers.map((each) => each.identifier)).add(identifier);
    for (const each of entry.identifiers) {
      if (needed.has(each)) continue;
      entry.identifiers.delete(each);
      this.#byIdentifier.delete(each);
    }
  }

  /** All subscriptions are made anew, each with the identifier that was granted last. */
  renewIdentifiers(): void {
    for (const { handlers, grantedIdentifier } of this.#byFilter.values())
      for (const handler of handlers) if (handler.isGranted) handler.identifier = grantedIdentifier;
  }

  /** The broker does not grant any more what it had granted. */
  deny(topicFilter: string): void {
    const entry = this.#byFilter.get(topicFilter);
    if (entry === undefined) return;
    this.#matches.clear();
    entry.handlers = entry.handlers.filter(({ isGranted }) => !isGranted);
    if (entry.handlers.length === 0) this.#removeFilter(topicFilter);
  }

  /** @returns true when it was the last handler of its filter */
  remove(handler: Handler): boolean {
    const { entry } = handler;
    if (!entry.handlers.includes(handler)) return false;
    this.#matches.clear();
    entry.handlers = entry.handlers.filter((each) => each !== handler);
    // Denied meanwhile: the filter may belong to a later subscription.
    if (entry.handlers.length > 0 || this.#byFilter.get(entry.topicFilter) !== entry) return false;
    this.#removeFilter(entry.topicFilter);
    return true;
  }

  #removeFilter(topicFilter: string): void {
    const entry = this.#byFilter.get(topicFilter);
    if (entry === undefined) return;
    this.#matches.clear();
    this.#byFilter.delete(topicFilter);
    this.#patterns.delete(entry);
    for (const identifier of entry.identifiers) this.#byIdentifier.delete(identifier);
  }

  /** The handlers that get a message; by name where the broker sends no identifiers. */
  match(message: Routing): readonly Handler[] {
    const { topicName, retain, subscriptionIdentifiers: identifiers } = message;
    if (retain) return this.#find(message);
    const known = this.#matches.get(topicName);
    if (known?.identifiers === identifiers) return known.handlers;
    const handlers = this.#find(message);
    if (this.#matches.size >= MAX_KEPT_MATCHES) this.#matches.clear();
    this.#matches.set(topicName, { identifiers, handlers });
    return handlers;
  }

  #find(message: Routing): readonly Handler[] {
    const { topicName, subscriptionIdentifiers: identifiers } = message;
    const named = identifiers.flatMap((identifier) => this.#matchIdentifier(message, identifier));
    const isKnown = named.length > 0 || identifiers.some((identifier) => this.#wasGiven(identifier));
    return isKnown ? named : this.#matchName(topicName).flatMap(({ handlers }) => handlers);
  }

  /** Each SUBSCRIBE brings the retained messages again, for the handler that it was sent for. */
  #matchIdentifier({ topicName, retain }: Routing, identifier: number): readonly Handler[] {
    const entry = this.#byIdentifier.get(identifier);
    // In a continued session an identifier may have been given by a program before this one.
    if (entry === undefined || !matchesTopicFilter(entry.plainFilter, topicName)) return [];
    return entry.handlers.filter((handler) => !retain || handler.identifier === identifier);
  }

  /** A copy for a subscription that has ended meanwhile must not go to others that match. */
  #wasGiven(identifier: number): boolean {
    return identifier <= this.#lastIdentifier && !this.#byIdentifier.has(identifier);
  }

  #matchName(topicName: string): readonly SubscribedFilter[] {
    const exact = this.#byFilter.get(topicName);
    const patterns = [...this.#patterns].filter((entry) => matchesTopicFilter(entry.plainFilter, topicName));
    return exact === undefined || this.#patterns.has(exact) ? patterns : [exact, ...patterns];
  }

  #addFilter(topicFilter: string): SubscribedFilter | undefined {
    const parsed = parseTopicFilter(topicFilter, ANY_LEVELS);
    if (!parsed.ok) return undefined;
    const plainFilter = parsed.value.topicFilter;
    const entry: SubscribedFilter = {
      topicFilter,
      plainFilter,
      handlers: [],
      identifiers: new Set(),
      grantedIdentifier: 0,
    };
    this.#byFilter.set(topicFilter, entry);
    if (parsed.value.shareName !== undefined || hasWildcard(parsed.value)) this.#patterns.add(entry);
    return entry;
  }
}
