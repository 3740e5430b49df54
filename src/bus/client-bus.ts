import { fail, type Result } from '../base/result.ts';
import type { ProtocolVersion, QoS } from '../mqtt/codec/control-packet.ts';
import { ReasonCode } from '../mqtt/codec/reason-code.ts';
import { isValidTopicName } from '../mqtt/topics/topic-name.ts';
import { parseBrokerUrl, type BrokerAddress } from './broker-address.ts';
import { BusError } from './bus-error.ts';
import { busSettings, type BusSettings, type ClientBusOptions } from './bus-options.ts';
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
import { createIncomingStore, openMqttConnection, type MqttConnection } from './mqtt-connection.ts';
import { BusOutbox } from './bus-outbox.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { SubscriptionTable, type Handler, type SubscribedFilter } from './subscription-table.ts';
import { withinPatience } from './within-patience.ts';

const ANY_LEVELS = Number.POSITIVE_INFINITY;
/** What servers without MQTT 5 answer: a return code of MQTT 3, or the Reason Code. */
const VERSION_REFUSALS: ReadonlySet<number | undefined> = new Set([
  1,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
]);

/**
 * A bus over a connection to any MQTT broker.
 *
 * @param url - `mqtt://`, `mqtts://`, `ws://` or `wss://`, with `user:password@` if the broker wants them
 * @throws {BusError} `CONFIG_INVALID`; and, unless `waitsForConnection` is false, `BROKER_UNREACHABLE` or
 *   `BROKER_REFUSED`
 */
export async function connectBus(url: string, options: ClientBusOptions = {}): Promise<Bus> {
  const bus = new ClientBus(parseBrokerUrl(url), busSettings(options));
  if (options.waitsForConnection === false) bus.start(undefined);
  else await bus.startConnected();
  return bus;
}

class ClientBus implements Bus {
  readonly counters = new BusCounters();
  readonly #address: BrokerAddress;
  readonly #settings: BusSettings;
  readonly #outbox: BusOutbox;
  readonly #table = new SubscriptionTable();
  readonly #listeners = new Set<(event: BusEvent) => void>();
  readonly #incomingStore = createIncomingStore();
  readonly #closing = new AbortController();
  /** Filters that a continued session at the broker still has, though nobody here wants them. */
  readonly #leftovers = new Set<string>();
  #version: ProtocolVersion | undefined;
  /** The server has said so: it need not be asked each time. */
  #refusesMqtt5 = false;
  /** Perhaps with subscriptions that are still being restored; then `#isConnected` is false. */
  #connection: MqttConnection | undefined;
  #isConnected = false;
  /** Attempts since a connection last stood for a while. */
  #attempts = 0;
  #onConnected = Promise.withResolvers<MqttConnection>();
  #running: Promise<void> = Promise.resolve();

  constructor(address: BrokerAddress, settings: BusSettings) {
    this.#address = address;
    this.#settings = settings;
    this.#version = settings.protocolVersion;
    this.#outbox = new BusOutbox({
      limits: settings,
      clock: settings.clock,
      counters: this.counters,
      label: address.label,
    });
  }

  get protocolVersion(): ProtocolVersion | undefined {
    return this.#version;
  }

  get identity(): string {
    return this.#settings.user ?? this.#address.user ?? this.#settings.clientId;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Keeps the bus connected until it is closed. */
  start(first: MqttConnection | undefined): void {
    this.#running = this.#run(first);
  }

  /** The same, once the first attempt has succeeded. */
  async startConnected(): Promise<void> {
    this.start(await this.#open());
    await this.#onConnected.promise;
  }

  async publish(message: OutgoingMessage, patience: Patience = {}): Promise<PublishReceipt> {
    if (!isValidTopicName(message.topicName, ANY_LEVELS)) throw invalidTopic(message.topicName);
    return this.#outbox.add(message, patience);
  }

  send(message: UnacknowledgedMessage): Result<undefined, BusError> {
    if (!isValidTopicName(message.topicName, ANY_LEVELS)) return fail(invalidTopic(message.topicName));
    return this.#outbox.sendNow(message);
  }

  async subscribe(
    topicFilter: string,
    { qos = 0, ...patience }: SubscribeOptions,
    onMessage: (message: BusMessage) => void,
  ): Promise<Subscription> {
    if (this.#closing.signal.aborted) throw this.#closedError();
    const handler = this.#table.add(topicFilter, qos, onMessage);
    if (handler === undefined) {
      throw new BusError(
        'TOPIC_INVALID',
        `"${topicFilter}" is not a topic filter; + must stand alone in its level, # alone in the last one`,
      );
    }
    this.#leftovers.delete(topicFilter);
    try {
      const grantedQos = await this.#withPatience(this.#ask(handler), patience);
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

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      const error = this.#closedError();
      this.#closing.abort(error);
      this.#outbox.close();
      await this.#connection?.close(this.#settings.closeTimeoutMs);
    }
    await this.#running;
  }

  async #run(first: MqttConnection | undefined): Promise<void> {
    let connection = first ?? (await this.#openUntilThere({ isFirst: true }));
    while (connection !== undefined) {
      const { clock, reconnectMaxMs } = this.#settings;
      const since = clock.monotonic();
      await this.#adopt(connection);
      const error = await connection.ended;
      // Two clients that take one client id from each other must not do so as fast as they can.
      if (clock.monotonic() - since > reconnectMaxMs) this.#attempts = 0;
      this.#letGo(error);
      if (this.#closing.signal.aborted) return;
      this.#tell({ type: 'lost', error });
      connection = await this.#openUntilThere({ isFirst: false });
      if (connection !== undefined) this.counters.reconnected++;
    }
  }

  /** Undefined when the bus was closed meanwhile. */
  async #openUntilThere({ isFirst }: { isFirst: boolean }): Promise<MqttConnection | undefined> {
    const { reconnectMinMs: minMs, reconnectMaxMs: maxMs, random } = this.#settings;
    // A broker that restarts loses all of its clients in one moment: they wait before the first attempt as well.
    let delayMs = isFirst ? 0 : reconnectDelayMs(this.#attempts, { minMs, maxMs, random });
    for (;;) {
      this.#attempts++;
      if (delayMs > 0) await this.#pause(delayMs);
      if (this.#closing.signal.aborted) return undefined;
      try {
        return await this.#open();
      } catch (error) {
        if (this.#closing.signal.aborted) return undefined;
        delayMs = reconnectDelayMs(this.#attempts, { minMs, maxMs, random });
        this.#tell({ type: 'retrying', error: error as Error, retryInMs: delayMs });
      }
    }
  }

  async #open(): Promise<MqttConnection> {
    const { protocolVersion } = this.#settings;
    if (protocolVersion !== undefined) return this.#openAs(protocolVersion);
    if (this.#refusesMqtt5) return this.#openAs(4);
    try {
      return await this.#openAs(5);
    } catch (error) {
      if (!this.#mayKnowOnlyMqtt3(error)) throw error;
      return await this.#openAs(4).catch((second: unknown) => {
        // Where both fail, the first failure is the one about the version that was wanted.
        throw second instanceof BusError && second.code === 'BROKER_REFUSED' ? second : error;
      });
    }
  }

  /**
   * Old servers end the connection without a word; so does one that is just starting, so that 5 is tried again the next
   * time. One that has spoken MQTT 5 before has another reason for it.
   */
  #mayKnowOnlyMqtt3(error: unknown): boolean {
    if (!(error instanceof BusError)) return false;
    if (error.code === 'BROKER_REFUSED') {
      this.#refusesMqtt5 = VERSION_REFUSALS.has(error.reasonCode);
      return this.#refusesMqtt5;
    }
    if (error.code !== 'BROKER_UNREACHABLE' || this.#version === 5) return false;
    return error.cause === undefined || (error.cause as NodeJS.ErrnoException).code === 'ECONNRESET';
  }

  async #openAs(protocolVersion: ProtocolVersion): Promise<MqttConnection> {
    const connection = await openMqttConnection({
      address: this.#address,
      protocolVersion,
      settings: this.#settings,
      incomingStore: this.#incomingStore,
      signal: this.#closing.signal,
      onDrain: () => this.#outbox.pump(),
      onMessage: (message, identifiers) => this.#receive(message, identifiers),
    });
    this.#version = protocolVersion;
    return connection;
  }

  /** Restores the subscriptions, and only then sends: an answer must not come before its subscription. */
  async #adopt(connection: MqttConnection): Promise<void> {
    const { closeTimeoutMs } = this.#settings;
    if (this.#closing.signal.aborted) return connection.close(closeTimeoutMs);
    this.#connection = connection;
    this.#table.forgetIdentifiers();
    for (const topicFilter of this.#leftovers) void connection.unsubscribe(topicFilter);
    this.#leftovers.clear();
    // A broker that leaves a SUBSCRIBE without an answer is of no use, though the connection stands.
    const isRestored = await this.#withPatience(this.#restoreAll(connection), {}).catch(() => false);
    if (this.#closing.signal.aborted) return;
    if (!isRestored) return connection.close(closeTimeoutMs);
    this.#isConnected = true;
    this.#onConnected.resolve(connection);
    const { protocolVersion, isSessionPresent } = connection;
    this.#tell({ type: 'connected', protocolVersion, isSessionPresent });
    this.#outbox.attach(connection);
  }

  /** @returns false when the connection is gone again */
  async #restoreAll(connection: MqttConnection): Promise<boolean> {
    const granted = [...this.#table.filters].filter(({ handlers }) =>
      [...handlers].some(({ isGranted }) => isGranted),
    );
    const restored = await Promise.all(granted.map((entry) => this.#restore(connection, entry)));
    return restored.every(Boolean);
  }

  /** @returns false when the connection is gone again */
  async #restore(connection: MqttConnection, entry: SubscribedFilter): Promise<boolean> {
    try {
      await this.#sendSubscribe(connection, entry, [...entry.handlers]);
      return true;
    } catch (error) {
      if (!(error instanceof BusError) || error.code !== 'BROKER_DENIED') return false;
      this.#table.removeFilter(entry);
      this.#tell({ type: 'subscription-denied', topicFilter: entry.topicFilter, error });
      return true;
    }
  }

  #letGo(reason: BusError): void {
    this.#connection = undefined;
    if (this.#isConnected) this.#onConnected = Promise.withResolvers();
    this.#isConnected = false;
    this.#outbox.detach(reason);
  }

  /** Asks the broker for the subscription of a handler, again when the connection is lost meanwhile. */
  async #ask(handler: Handler): Promise<QoS> {
    for (;;) {
      const connection = await this.#onConnected.promise;
      if (!handler.entry.handlers.has(handler)) return handler.qos; // It was given up.
      try {
        const granted = await this.#sendSubscribe(connection, handler.entry, [handler]);
        handler.isGranted = true;
        return granted;
      } catch (error) {
        if (!(error instanceof BusError) || error.code !== 'BROKER_LOST') throw error;
        await connection.ended;
        // Whoever waits for that end first takes the connection away.
        await Promise.resolve();
      }
    }
  }

  async #sendSubscribe(
    connection: MqttConnection,
    entry: SubscribedFilter,
    handlers: readonly Handler[],
  ): Promise<QoS> {
    const identifier = this.#table.identify(entry);
    for (const handler of handlers) handler.identifier = identifier;
    const qos = Math.max(...[...entry.handlers].map((handler) => handler.qos)) as QoS;
    const granted = await connection.subscribe(entry.topicFilter, qos, identifier);
    this.#table.settleIdentifiers(entry);
    return granted;
  }

  async #unsubscribe(handler: Handler): Promise<void> {
    const { topicFilter } = handler.entry;
    if (!this.#table.remove(handler) || this.#closing.signal.aborted) return;
    const isKnown = await this.#connection?.unsubscribe(topicFilter);
    if (isKnown !== true && !this.#settings.cleanStart && !this.#table.has(topicFilter))
      this.#leftovers.add(topicFilter);
  }

  #receive(message: BusMessage, identifiers: readonly number[]): void {
    if (this.#closing.signal.aborted) return;
    this.counters.received++;
    const handlers = this.#table.match(message, identifiers);
    if (handlers.length === 0) {
      this.counters.unclaimed++;
      this.#hand(message, this.#settings.onUnclaimed);
    }
    for (const handler of handlers) this.#hand(message, handler.onMessage);
  }

  /** A mistake in one handler must not keep the message from the others, nor end the connection. */
  #hand(message: BusMessage, onMessage: (message: BusMessage) => void): void {
    try {
      onMessage(message);
    } catch (error) {
      this.#settings.log.error({ err: error, topicName: message.topicName }, 'a handler of a message failed');
    }
  }

  #tell(event: BusEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#settings.log.error({ err: error, type: event.type }, 'a listener of the bus failed');
      }
    }
  }

  #withPatience<T>(work: Promise<T>, { timeoutMs = this.#settings.timeoutMs, signal }: Patience): Promise<T> {
    const { clock } = this.#settings;
    const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    return withinPatience(work, { timeoutMs, signals, clock }, () => this.#lateError(timeoutMs));
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.clear();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = this.#settings.clock.setTimer(delayMs, finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  #lateError(timeoutMs: number): BusError {
    const [code, what] = this.#isConnected
      ? (['BROKER_TIMEOUT', 'did not answer'] as const)
      : (['BROKER_OFFLINE', 'was not connected'] as const);
    return new BusError(code, `the MQTT broker at ${this.#address.label} ${what} within ${timeoutMs} ms`);
  }

  #closedError(): BusError {
    return new BusError(
      'BUS_CLOSED',
      `the connection to the MQTT broker at ${this.#address.label} was closed`,
    );
  }
}

function invalidTopic(topicName: string): BusError {
  return new BusError(
    'TOPIC_INVALID',
    `"${topicName}" is not a topic to publish to; it must not be empty and have no + or #`,
  );
}
