import type { Bus, BusMessage, Subscription } from '../../bus/bus.ts';
import type { TopicDeviceCounters } from './counters.ts';
import { StateMessage } from './discovery/state-message.ts';

/** Gets the topic as it was listened on: it may have a `+`. */
export type StateListener = (topic: string, message: StateMessage) => void;

type HeardTopic = {
  readonly filter: string;
  readonly listeners: Set<StateListener>;
  /** To them it is news what the broker has retained. */
  newcomers: Set<StateListener>;
  isAsking: boolean;
  /** The last one: what is not retained is taken from it. */
  subscription: Promise<Subscription | undefined> | undefined;
};

/** A broker that is away is waited for. */
const SUBSCRIBE_TIMEOUT_MS = 2_147_483_647;

/**
 * The topics that devices are heard on. Each is subscribed to once, whoever listens there, so that a message is read
 * once, and what the templates of all of them do with it is counted together.
 */
export class StateTopics {
  readonly #bus: Bus;
  readonly #counters: TopicDeviceCounters;
  readonly #maxMessageBytes: number;
  readonly #isOwn: (topicName: string) => boolean;
  readonly #topics = new Map<string, HeardTopic>();

  constructor(
    bus: Bus,
    parts: {
      readonly counters: TopicDeviceCounters;
      readonly maxMessageBytes: number;
      /** What is said on the hub's own topics is not for devices, though a wildcard may match. */
      readonly isOwn: (topicName: string) => boolean;
    },
  ) {
    this.#bus = bus;
    this.#counters = parts.counters;
    this.#maxMessageBytes = parts.maxMessageBytes;
    this.#isOwn = parts.isOwn;
  }

  /** Has a listener hear a topic, and what the broker has retained of it; once more, where it hears it already. */
  join(filter: string, listener: StateListener): void {
    const topic = this.#topics.get(filter) ?? this.#add(filter);
    topic.listeners.add(listener);
    topic.newcomers.add(listener);
    if (topic.isAsking) return;
    topic.isAsking = true;
    // Once for all that come to it in this turn.
    queueMicrotask(() => void this.#subscribe(topic));
  }

  leave(filter: string, listener: StateListener): void {
    const topic = this.#topics.get(filter);
    topic?.listeners.delete(listener);
    topic?.newcomers.delete(listener);
    if (topic === undefined || topic.listeners.size > 0) return;
    this.#topics.delete(filter);
    void topic.subscription?.then((subscription) => subscription?.unsubscribe());
  }

  /** What is retained comes again, and is news to all. */
  onBrokerLost(): void {
    for (const topic of this.#topics.values()) topic.newcomers = new Set(topic.listeners);
  }

  #add(filter: string): HeardTopic {
    const topic: HeardTopic = {
      filter,
      listeners: new Set(),
      newcomers: new Set(),
      isAsking: false,
      subscription: undefined,
    };
    this.#topics.set(filter, topic);
    return topic;
  }

  /** The broker says what it has retained to a new subscription: the one before ends when that is there. */
  async #subscribe(topic: HeardTopic): Promise<void> {
    const { filter, subscription: before } = topic;
    topic.isAsking = false;
    if (topic.listeners.size === 0) return;
    const options = { timeoutMs: SUBSCRIBE_TIMEOUT_MS, borrowsPayload: true };
    const mine = this.#bus
      .subscribe(filter, options, (message) => {
        if (message.retain || topic.subscription === mine) this.#onMessage(topic, message);
      })
      // What the broker does not allow, or no broker tells any more, is not heard.
      .catch(() => undefined);
    topic.subscription = mine;
    await mine;
    await (await before)?.unsubscribe();
  }

  #onMessage(topic: HeardTopic, { topicName, payload, retain }: BusMessage): void {
    const { filter } = topic;
    if (filter !== topicName && this.#isOwn(topicName)) return;
    if (payload.length > this.#maxMessageBytes) {
      this.#counters.messagesTooLarge++;
      return;
    }
    this.#counters.statesTaken++;
    const listeners = retain ? topic.newcomers : topic.listeners;
    // Of a topic with a wildcard more may come.
    if (retain && !filter.includes('+')) topic.newcomers = new Set();
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
    const message = new StateMessage(text, retain);
    let left = listeners.size;
    for (const listener of listeners)
      message.work.share(Math.max(1, left--), () => listener(filter, message));
  }
}
