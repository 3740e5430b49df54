import { systemClock } from '../base/clock.ts';
import { LogBudget } from '../base/log-budget.ts';
import { failureLogger, type Logger } from '../base/logger.ts';
import type { ErrorCode } from '../base/errors.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import type { Broker } from '../mqtt/broker/broker.ts';
import { BrokerError, type BrokerErrorCode } from '../mqtt/broker/broker-error.ts';
import type { ApplicationMessage } from '../mqtt/broker/hooks.ts';
import type { Arrival } from '../mqtt/broker/client-session.ts';
import { handOver } from '../mqtt/client/hand-over.ts';
import { BusError } from './bus-error.ts';
import {
  type Bus,
  BusCounters,
  type BusEvent,
  type BusMessage,
  type OutgoingMessage,
  type PublishOptions,
  type PublishReceipt,
  type SubscribeOptions,
  type Subscription,
  type UnacknowledgedMessage,
} from './bus.ts';

const SENT = succeed(undefined);

/** A bus to a broker in this process: nothing is encoded for it, and it is never away. Closing it leaves the broker. */
export function embedBus(broker: Broker, { log = failureLogger }: { readonly log?: Logger } = {}): Bus {
  return new EmbeddedBus(broker, log);
}

class EmbeddedBus implements Bus {
  readonly protocolVersion = 5;
  readonly counters = new BusCounters();
  readonly #broker: Broker;
  readonly #log: LogBudget;
  readonly #subscriptions = new Set<{ unsubscribe(): void }>();
  #isClosed = false;
  #lastPacketId = 0;

  constructor(broker: Broker, log: Logger) {
    this.#broker = broker;
    this.#log = new LogBudget(systemClock, log);
  }

  get isConnected(): boolean {
    return !this.#isClosed && !this.#broker.isClosed;
  }

  get takesMore(): boolean {
    return this.isConnected;
  }

  async publish(
    message: OutgoingMessage,
    { signal, onAcknowledged }: PublishOptions = {},
  ): Promise<PublishReceipt> {
    signal?.throwIfAborted();
    this.#expectOpen();
    const { qos = 0 } = message;
    const count = toBusError(() => this.#broker.publish({ ...message, onAcknowledged }));
    this.counters.published++;
    return { matched: qos === 0 ? undefined : count > 0 };
  }

  send(message: UnacknowledgedMessage): Result<undefined, BusError> {
    try {
      this.#expectOpen();
      this.#broker.publish(message);
    } catch (error) {
      const failure = asBusError(error);
      if (failure instanceof BusError) return fail(failure);
      throw error;
    }
    this.counters.published++;
    return SENT;
  }

  async subscribe(
    topicFilter: string,
    { qos = 0, signal, borrowsPayload = false }: SubscribeOptions,
    onMessage: (message: BusMessage) => unknown,
  ): Promise<Subscription> {
    signal?.throwIfAborted();
    this.#expectOpen();
    let isOver = false;
    const receive = (message: ApplicationMessage, arrival: Arrival): void => {
      // A handler that unsubscribes another one while a message goes to both.
      if (!isOver) this.#hand(message, arrival, { onMessage, borrowsPayload });
    };
    const subscription = toBusError(() => this.#broker.subscribe(topicFilter, receive, { qos }));
    this.#subscriptions.add(subscription);
    const unsubscribe = async (): Promise<void> => {
      isOver = true;
      if (this.#subscriptions.delete(subscription)) subscription.unsubscribe();
    };
    return { topicFilter, grantedQos: qos, unsubscribe };
  }

  /** There is nothing to tell: this connection neither comes nor goes. */
  watch(_listener: (event: BusEvent) => void): () => void {
    return () => {};
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions.clear();
    this.#log.close();
  }

  #hand(
    message: ApplicationMessage,
    { from, qos, retain }: Arrival,
    { onMessage, borrowsPayload }: { onMessage: (message: BusMessage) => unknown; borrowsPayload: boolean },
  ): void {
    this.counters.received++;
    // The broker's view is borrowed; a handler may keep what it gets, unless it said that it does not.
    const payload = borrowsPayload ? message.payload : new Uint8Array(message.payload);
    const { topicName, properties } = message;
    const packetId = qos === 0 ? 0 : this.#nextPacketId();
    // There is no acknowledgement to wait with: the broker is gone when this program is.
    void handOver(
      { topicName, payload, qos, retain, dup: false, packetId, properties, from },
      onMessage,
      this.#log,
    );
  }

  #nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    return this.#lastPacketId;
  }

  #expectOpen(): void {
    if (this.#isClosed)
      throw new BusError('BUS_CLOSED', 'the connection to the MQTT broker of this program was closed');
  }
}

const BUS_CODES: Readonly<Partial<Record<BrokerErrorCode, ErrorCode>>> = {
  MQTT_BROKER_CLOSED: 'BUS_CLOSED',
  MQTT_PUBLISH_LOOP: 'TOO_MANY_MESSAGES',
  MQTT_RETAINED_FULL: 'BROKER_DENIED',
};

function toBusError<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw asBusError(error);
  }
}

function asBusError(error: unknown): unknown {
  if (!(error instanceof BrokerError)) return error;
  return new BusError(BUS_CODES[error.code] ?? 'TOPIC_INVALID', error.message, { cause: error });
}
