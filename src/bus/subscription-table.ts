import { hasWildcard, matchesTopicFilter, parseTopicFilter } from '../mqtt/topics/topic-filter.ts';
import type { QoS } from '../mqtt/codec/control-packet.ts';
import type { BusMessage } from './bus.ts';

/** One call of `subscribe`. */
export type Handler = {
  readonly entry: SubscribedFilter;
  readonly qos: QoS;
  readonly onMessage: (message: BusMessage) => void;
  /** Subscription Identifier of the SUBSCRIBE that was last sent for it; 0 when there was none. */
  identifier: number;
  /** The broker has granted it: it is restored when the connection comes back. */
  isGranted: boolean;
};

/** One Topic Filter, which the broker knows once, however many handlers it has. */
export type SubscribedFilter = {
  /** As written, `$share/{ShareName}/` included. */
  readonly topicFilter: string;
  /** What Topic Names are held against. */
  readonly plainFilter: string;
  readonly handlers: Set<Handler>;
  /** Those under which messages may come: the last one, and earlier ones of this connection. */
  readonly identifiers: Set<number>;
};

const ANY_LEVELS = Number.POSITIVE_INFINITY;
/** A Variable Byte Integer, but not 0 (MQTT 5.0 section 3.8.2.1.2). */
const MAX_IDENTIFIER = 268_435_455;

/** Which handler gets which message. */
export class SubscriptionTable {
  readonly #byFilter = new Map<string, SubscribedFilter>();
  /** Those that are not simply the name of a topic. */
  readonly #patterns = new Set<SubscribedFilter>();
  readonly #byIdentifier = new Map<number, SubscribedFilter>();
  #lastIdentifier = 0;
  /** The last one that was given on an earlier connection. */
  #lastForgotten = 0;

  get filters(): Iterable<SubscribedFilter> {
    return this.#byFilter.values();
  }

  has(topicFilter: string): boolean {
    return this.#byFilter.has(topicFilter);
  }

  /** @returns undefined when the filter is not valid */
  add(topicFilter: string, qos: QoS, onMessage: Handler['onMessage']): Handler | undefined {
    const entry = this.#byFilter.get(topicFilter) ?? this.#addFilter(topicFilter);
    if (entry === undefined) return undefined;
    const handler: Handler = { entry, qos, onMessage, identifier: 0, isGranted: false };
    entry.handlers.add(handler);
    return handler;
  }

  /** @returns true when it was the last handler of its filter */
  remove(handler: Handler): boolean {
    const { entry } = handler;
    if (!entry.handlers.delete(handler) || entry.handlers.size > 0) return false;
    this.removeFilter(entry);
    return true;
  }

  removeFilter(entry: SubscribedFilter): void {
    this.#byFilter.delete(entry.topicFilter);
    this.#patterns.delete(entry);
    for (const identifier of entry.identifiers) this.#byIdentifier.delete(identifier);
  }

  /** A Subscription Identifier for the next SUBSCRIBE of a filter. */
  identify(entry: SubscribedFilter): number {
    this.#lastIdentifier = (this.#lastIdentifier % MAX_IDENTIFIER) + 1;
    entry.identifiers.add(this.#lastIdentifier);
    this.#byIdentifier.set(this.#lastIdentifier, entry);
    return this.#lastIdentifier;
  }

  /** The broker has answered the SUBSCRIBE with the last identifier of a filter: who needs another one keeps it. */
  settleIdentifiers(entry: SubscribedFilter): void {
    const needed = new Set([...entry.handlers].map(({ identifier }) => identifier));
    const last = Math.max(...entry.identifiers);
    for (const identifier of entry.identifiers) {
      if (identifier === last || needed.has(identifier)) continue;
      entry.identifiers.delete(identifier);
      this.#byIdentifier.delete(identifier);
    }
  }

  /** A new connection begins: what came before has no identifier any more. */
  forgetIdentifiers(): void {
    this.#byIdentifier.clear();
    this.#lastForgotten = this.#lastIdentifier;
    for (const entry of this.#byFilter.values()) {
      entry.identifiers.clear();
      for (const handler of entry.handlers) handler.identifier = 0;
    }
  }

  /**
   * The handlers that get a message.
   *
   * @param identifiers - Subscription Identifiers of the message; none when the broker does not send them
   */
  match(message: BusMessage, identifiers: readonly number[]): Handler[] {
    const named = identifiers.flatMap((identifier) => this.#matchIdentifier(message, identifier));
    const isKnown = named.length > 0 || identifiers.some((identifier) => this.#wasGiven(identifier));
    return isKnown ? named : this.#matchName(message.topicName).flatMap(({ handlers }) => [...handlers]);
  }

  /** Each SUBSCRIBE brings the retained messages again, for the handler that it was sent for. */
  #matchIdentifier({ topicName, retain }: BusMessage, identifier: number): Handler[] {
    const entry = this.#byIdentifier.get(identifier);
    // In a continued session an identifier may have been given by a program before this one.
    if (entry === undefined || !matchesTopicFilter(entry.plainFilter, topicName)) return [];
    return [...entry.handlers].filter((handler) => !retain || handler.identifier === identifier);
  }

  /** A copy for a subscription that has ended meanwhile must not go to others that match. */
  #wasGiven(identifier: number): boolean {
    const isOfConnection = identifier > this.#lastForgotten && identifier <= this.#lastIdentifier;
    return isOfConnection && !this.#byIdentifier.has(identifier);
  }

  #matchName(topicName: string): SubscribedFilter[] {
    const exact = this.#byFilter.get(topicName);
    const patterns = [...this.#patterns].filter((entry) => matchesTopicFilter(entry.plainFilter, topicName));
    return exact === undefined || this.#patterns.has(exact) ? patterns : [exact, ...patterns];
  }

  #addFilter(topicFilter: string): SubscribedFilter | undefined {
    const parsed = parseTopicFilter(topicFilter, ANY_LEVELS);
    if (!parsed.ok) return undefined;
    const plainFilter = parsed.value.topicFilter;
    const entry = { topicFilter, plainFilter, handlers: new Set<Handler>(), identifiers: new Set<number>() };
    this.#byFilter.set(topicFilter, entry);
    if (parsed.value.shareName !== undefined || hasWildcard(parsed.value)) this.#patterns.add(entry);
    return entry;
  }
}
