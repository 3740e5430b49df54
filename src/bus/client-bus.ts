import { systemClock } from '../base/clock.ts';
import { LogBudget, NOBODY } from '../base/log-budget.ts';
import { failureLogger } from '../base/logger.ts';
import type { Result } from '../base/result.ts';
import { parseBrokerUrl } from '../mqtt/client/broker-address.ts';
import { MqttClient } from '../mqtt/client/client.ts';
import { invalidFilterError } from '../mqtt/client/connection-errors.ts';
import type { ClientEvent } from '../mqtt/client/client-options.ts';
import { handOver } from '../mqtt/client/hand-over.ts';
import type { ReceivedMessage } from '../mqtt/client/message.ts';
import type { ProtocolVersion } from '../mqtt/codec/control-packet.ts';
import { BusError } from './bus-error.ts';
import type { ClientBusOptions } from './bus-options.ts';
import {
  type Bus,
  BusCounters,
  type BusEvent,
  type BusMessage,
  type OutgoingMessage,
  type Patience,
  type PublishReceipt,
  type SubscribeOptions,
  type Subscription,
  type UnacknowledgedMessage,
} from './bus.ts';
import { SubscriptionTable, type Handler } from './subscription-table.ts';

/**
 * A bus over a connection to any MQTT broker.
 *
 * @param url - `mqtt://`, `mqtts://`, `ws://`, `wss://` or `mqtt+unix:`, with `user:password@` if the broker wants them
 * @throws {BusError} `CONFIG_INVALID`; and, unless `waitsForConnection` is false, `BROKER_UNREACHABLE` or
 *   `BROKER_REFUSED`
 */
export async function connectBus(url: string, options: ClientBusOptions = {}): Promise<Bus> {
  const bus = new ClientBus(url, options);
  await bus.start();
  return bus;
}

class ClientBus implements Bus {
  readonly counters = new BusCounters();
  readonly #client: MqttClient;
  readonly #waitsForConnection: boolean;
  readonly #onUnclaimed: (message: BusMessage) => void;
  readonly #keepsUnclaimed: boolean;
  readonly #log: LogBudget;
  readonly #table = new SubscriptionTable();
  readonly #listeners = new Set<(event: BusEvent) => void>();

  constructor(url: string, { onUnclaimed = () => {}, keepsUnclaimed = false, ...options }: ClientBusOptions) {
    this.#onUnclaimed = onUnclaimed;
    this.#keepsUnclaimed = keepsUnclaimed;
    this.#log = new LogBudget(options.clock ?? systemClock, options.log ?? failureLogger);
    this.#waitsForConnection = options.waitsForConnection !== false;
    const onMessage = (message: ReceivedMessage): Promise<unknown> | undefined => this.#receive(message);
    const onEvent = (event: ClientEvent): void => this.#onEvent(event);
    const clientOptions = { ...options, acknowledgesByHand: keepsUnclaimed, onMessage, onEvent };
    this.#client = new MqttClient(parseBrokerUrl(url), clientOptions, this.counters);
  }

  start(): Promise<void> {
    return this.#client.start(this.#waitsForConnection);
  }

  get protocolVersion(): ProtocolVersion | undefined {
    return this.#client.protocolVersion;
  }

  get identity(): string {
    return this.#client.identity;
  }

  get isConnected(): boolean {
    return this.#client.isConnected;
  }

  get takesMore(): boolean {
    return this.#client.takesMore;
  }

  publish(message: OutgoingMessage, patience?: Patience): Promise<PublishReceipt> {
    return this.#client.publish(message, patience);
  }

  send(message: UnacknowledgedMessage): Result<undefined, BusError> {
    return this.#client.send(message);
  }

  async subscribe(
    topicFilter: string,
    { qos = 0, borrowsPayload = false, ...patience }: SubscribeOptions,
    onMessage: (message: BusMessage) => unknown,
  ): Promise<Subscription> {
    const handler = this.#table.add(topicFilter, { qos, borrowsPayload, onMessage });
    if (handler === undefined) throw invalidFilterError(topicFilter);
    const options = { qos: this.#table.qosOf(handler), subscriptionIdentifier: handler.identifier };
    try {
      const grantedQos = await this.#client.subscribe(topicFilter, options, patience);
      this.#table.grant(handler);
      return { topicFilter, grantedQos, unsubscribe: () => this.#unsubscribe(handler) };
    } catch (error) {
      void this.#unsubscribe(handler);
      throw error;
    }
  }

  watch(listener: (event: BusEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#log.close();
    return this.#client.close();
  }

  async #unsubscribe(handler: Handler): Promise<void> {
    if (!this.#table.remove(handler)) return;
    // Whoever ends a subscription is done with it, whatever the broker says; what comes has no handler.
    await this.#client.unsubscribe(handler.entry.topicFilter).catch(() => {});
  }

  #receive(message: ReceivedMessage): Promise<unknown> | undefined {
    const handlers = this.#table.match(message);
    const lent = busMessageOf(message, message.payload);
    // The client's view is borrowed; a handler may keep what it gets, unless it said that it does not.
    const needsCopy = handlers.length === 0 || handlers.some(({ borrowsPayload }) => !borrowsPayload);
    const kept = needsCopy ? busMessageOf(message, new Uint8Array(message.payload)) : lent;
    if (handlers.length === 0) {
      this.counters.unclaimed++;
      void handOver(kept, this.#onUnclaimed, this.#log);
      return undefined;
    }
    let handled: Promise<unknown> | undefined;
    for (const { onMessage, borrowsPayload } of handlers) {
      const one = handOver(borrowsPayload ? lent : kept, onMessage, this.#log);
      if (one !== undefined) handled = handled === undefined ? one : Promise.all([handled, one]);
    }
    if (!this.#keepsUnclaimed) return handled;
    const acknowledge = (): boolean => this.#client.acknowledge(message);
    return handled === undefined ? void acknowledge() : handled.then(acknowledge);
  }

  #onEvent(event: ClientEvent): void {
    if (event.type === 'restoring') return this.#table.renewIdentifiers();
    if (event.type === 'subscription-denied') this.#table.deny(event.topicFilter);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        const fields = { err: error, type: event.type };
        this.#log.write('failures of handlers', fields, 'a listener of the bus failed', NOBODY);
      }
    }
  }
}

function busMessageOf(
  { topicName, qos, retain, dup, packetId, properties }: ReceivedMessage,
  payload: Uint8Array,
): BusMessage {
  return { topicName, payload, qos, retain, dup, packetId, properties };
}
