import { BlockPool } from '../../base/blocks.ts';
import type { Timer } from '../../base/clock.ts';
import { LogBudget, NOBODY } from '../../base/log-budget.ts';
import type { Result } from '../../base/result.ts';
import { Turn } from '../../base/turn.ts';
import type { ConnackPacket } from '../codec/connack.ts';
import type { ConnectPacket } from '../codec/connect.ts';
import type { ProtocolVersion, QoS } from '../codec/control-packet.ts';
import { PacketIdSet } from '../session/packet-id-set.ts';
import { parseBrokerUrl, type BrokerAddress } from './broker-address.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientCounters } from './client-counters.ts';
import type { MqttClientError } from './client-error.ts';
import {
  clientSettings,
  type ClientEvent,
  type ClientSettings,
  type MqttClientOptions,
} from './client-options.ts';
import { ClientState, expectTransition } from './client-state.ts';
import { ClientSubscriptions, type ClientSubscribeOptions } from './client-subscriptions.ts';
import { closedError, lostError, unusableError } from './connection-errors.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { connectPacketOf } from './connect-packet.ts';
import { handOver } from './hand-over.ts';
import type {
  OutgoingMessage,
  Patience,
  PublishReceipt,
  ReceivedMessage,
  UnacknowledgedMessage,
  UnsubscribeOptions,
} from './message.ts';
import { MessageSender } from './message-sender.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { VersionChoice } from './version-choice.ts';

const MAX_PACKET_ID = 65_535;
/**
 * Connects to any MQTT broker, and stays connected until the client is closed.
 *
 * @param url - `mqtt://`, `mqtts://`, `ws://`, `wss://` or `mqtt+unix:`, with `user:password@` if the broker wants them
 * @throws {MqttClientError} `CONFIG_INVALID`; and, unless `waitsForConnection` is false, `BROKER_UNREACHABLE` or
 *   `BROKER_REFUSED`
 */
export async function connectMqtt(url: string, options: MqttClientOptions = {}): Promise<MqttClient> {
  const client = new MqttClient(parseBrokerUrl(url), options);
  await client.start(options.waitsForConnection !== false);
  return client;
}

/**
 * A client of an MQTT broker. Order: messages are handed to the broker in the order of the calls, and come in the order
 * of the broker.
 *
 * Loss of the connection: it connects again, restores the subscriptions that the broker does not have any more, and
 * then sends what waited. Where the broker kept the session, what was not acknowledged goes on as the standard says.
 * Where it did not, a message at QoS 1 is sent again, so it may arrive twice; one at QoS 2 is given up with
 * `BROKER_LOST`, because it would.
 */
export class MqttClient {
  readonly counters: ClientCounters;
  /** Of the broker, for texts: without user and password. */
  readonly label: string;
  readonly #address: BrokerAddress;
  readonly #settings: ClientSettings;
  readonly #sender: MessageSender;
  readonly #subscriptions: ClientSubscriptions;
  readonly #log: LogBudget;
  readonly #turn = new Turn();
  readonly #blocks = new BlockPool();
  readonly #owner: ConnectionOwner;
  readonly #first = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #state: ClientState = ClientState.WAITING;
  readonly #versions: VersionChoice;
  #isFirstAwaited = false;
  #connection: ClientConnection | undefined = undefined;
  #clientId: string;
  #received = new PacketIdSet();
  #lastPacketId = 0;
  #timer: Timer | undefined = undefined;
  /** Attempts since a connection last stood for a while. */
  #attempts = 0;
  #connections = 0;
  #connectedMs = 0;
  #isPaused = false;

  /** @param counters - to count in, where somebody counts more */
  constructor(address: BrokerAddress, options: MqttClientOptions, counters = new ClientCounters()) {
    const settings = clientSettings(options);
    const { clock, timeoutMs } = settings;
    const { label } = address;
    const takePacketId = (): number => this.#takePacketId();
    this.#address = address;
    this.#settings = settings;
    this.#log = new LogBudget(clock, settings.log);
    this.label = label;
    this.counters = counters;
    this.#clientId = settings.clientId;
    this.#versions = new VersionChoice(settings.protocolVersion);
    this.#sender = new MessageSender({ limits: settings, clock, counters, label, takePacketId });
    this.#subscriptions = new ClientSubscriptions({
      clock,
      timeoutMs,
      label,
      takePacketId,
      onDenied: (topicFilter, error) => this.#tell({ type: 'subscription-denied', topicFilter, error }),
    });
    this.#owner = this.#createOwner();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Undefined until the first connection; another connection may have another one. */
  get protocolVersion(): ProtocolVersion | undefined {
    return this.#versions.spoken;
  }

  /** As whom the rules of the broker know this client: by the user name, else by the client id. */
  get identity(): string {
    return this.#settings.user ?? this.#address.user ?? this.#clientId;
  }

  /** Whether the broker is there, with all subscriptions. */
  get isConnected(): boolean {
    return this.#state === ClientState.CONNECTED;
  }

  /** Whether what is sent goes to the broker at once; the event `room` tells when it does again. */
  get takesMore(): boolean {
    return this.isConnected && this.#connection?.takesMore === true;
  }

  /** @internal Keeps the client connected until it is closed. */
  start(waits: boolean): Promise<void> {
    this.#isFirstAwaited = waits;
    this.#attempts++;
    this.#open();
    return waits ? this.#first.promise : Promise.resolve();
  }

  /**
   * Resolves when the broker took the message: at QoS 0 when it is sent, at QoS 1 and 2 when it is acknowledged. Until
   * then its payload may not be changed.
   *
   * @throws {MqttClientError} `TOPIC_INVALID`, `PACKET_TOO_LARGE`, `BROKER_DENIED`, `BROKER_OFFLINE` (never sent),
   *   `BROKER_TIMEOUT` and `BROKER_LOST` (it may have arrived), `TOO_MANY_MESSAGES`, `BUS_CLOSED`; or the reason of the
   *   signal
   */
  publish(message: OutgoingMessage, patience: Patience = {}): Promise<PublishReceipt> {
    return this.#sender.publish(message, patience);
  }

  /**
   * Hands a message to the broker now or not at all, at QoS 0 and without a promise: for what passes many times a
   * second. The payload is the caller's again when this returns. It does not wait behind what `publish` has waiting.
   */
  send(message: UnacknowledgedMessage): Result<undefined, MqttClientError> {
    return this.#sender.send(message);
  }

  /**
   * Resolves with the QoS that the broker granted. Messages may come before. A subscription whose time is over may be
   * granted nevertheless: `unsubscribe` takes it back.
   *
   * @throws {MqttClientError} `TOPIC_INVALID`, `BROKER_DENIED`, `BROKER_OFFLINE`, `BROKER_TIMEOUT`, `BUS_CLOSED`; or
   *   the reason of the signal
   */
  subscribe(
    topicFilter: string,
    options: ClientSubscribeOptions = {},
    patience: Patience = {},
  ): Promise<QoS> {
    if (this.#isOver) return Promise.reject(closedError(this.label));
    return this.#subscriptions.subscribe(topicFilter, options, patience);
  }

  /** Resolves when the broker knows, or does not need to. Rejects as `subscribe`. */
  unsubscribe(topicFilter: string, options: UnsubscribeOptions = {}): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return this.#subscriptions.unsubscribe(topicFilter, this.#keepsSession, options);
  }

  /**
   * Acknowledges a message, where `acknowledgesByHand`, as soon as those are that came before it. What is not
   * acknowledged comes again in the next connection of the session.
   *
   * @returns false when its connection is gone, or it was acknowledged before
   */
  acknowledge(message: ReceivedMessage): boolean {
    return this.#connection?.acknowledge(message) === true;
  }

  /** Takes no more messages from the broker, which holds them back, until `resume`. A few may still come. */
  pause(): void {
    this.#isPaused = true;
    // What is asked before that is waited for.
    if (this.isConnected) this.#connection?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#connection?.resume();
  }

  /** Ends the connection in order. What waits, or waits for an acknowledgement, is rejected with `BUS_CLOSED`. */
  close(): Promise<void> {
    if (this.#isOver) return this.#closed.promise;
    const error = closedError(this.label);
    this.#timer?.clear();
    this.#first.reject(error);
    this.#first.promise.catch(() => {});
    const connection = this.#connection;
    if (connection === undefined) this.#finish();
    else {
      this.#move(ClientState.CLOSING);
      connection.close(error);
    }
    this.#sender.close(error);
    this.#subscriptions.close(error);
    return this.#closed.promise;
  }

  get #isOver(): boolean {
    return this.#state >= ClientState.CLOSING;
  }

  /** Whether the broker keeps the session while this client is away. */
  get #keepsSession(): boolean {
    const { cleanStart, sessionExpiryInterval } = this.#settings;
    return this.#versions.spoken === 5 ? sessionExpiryInterval > 0 : !cleanStart;
  }

  #createOwner(): ConnectionOwner {
    const received = (): PacketIdSet => this.#received;
    return {
      get received() {
        return received();
      },
      onConnected: (connack) => void this.#onConnected(connack),
      onMessage: (message) => this.#onMessage(message),
      onAcknowledged: (type, packetId, code) => this.#sender.onAcknowledged(type, packetId, code),
      onAnswered: (packetId, code) => this.#subscriptions.onAnswered(packetId, code),
      onRoom: () => this.#onRoom(),
      onEnded: (error) => this.#onEnded(error),
    };
  }

  #open(): void {
    this.#move(ClientState.CONNECTING);
    const connection = new ClientConnection({
      address: this.#address,
      settings: this.#settings,
      connect: this.#connectPacket(this.#versions.next),
      turn: this.#turn,
      blocks: this.#blocks,
      owner: this.#owner,
    });
    this.#connection = connection;
    try {
      connection.open();
    } catch (error) {
      this.#onEnded(unusableError(this.#address, error as Error));
    }
  }

  /** On later connections the session of the ones before goes on, where the broker keeps it. */
  #connectPacket(version: ProtocolVersion): ConnectPacket {
    const isFirst = this.#connections === 0;
    const { cleanStart, sessionExpiryInterval } = this.#settings;
    const goesOn = !isFirst && version === 5 && sessionExpiryInterval > 0;
    return connectPacketOf(this.#address, this.#settings, {
      version,
      clientId: this.#clientId,
      cleanStart: cleanStart && !goesOn,
    });
  }

  async #onConnected({ properties, sessionPresent }: ConnackPacket): Promise<void> {
    const connection = this.#connection!;
    this.#move(ClientState.RESTORING);
    this.#versions.succeed();
    this.#connectedMs = this.#settings.clock.monotonic();
    if (properties.assignedClientIdentifier !== undefined)
      this.#clientId = properties.assignedClientIdentifier;
    if (!sessionPresent) {
      this.#received = new PacketIdSet();
      await this.#restore(connection);
    }
    if (this.#connection !== connection || this.#isOver) return;
    this.#move(ClientState.CONNECTED);
    if (this.#isPaused) connection.pause();
    if (this.#connections++ > 0) this.counters.reconnected++;
    this.#subscriptions.attach(connection);
    this.#first.resolve();
    this.#tell({
      type: 'connected',
      protocolVersion: connection.version,
      isSessionPresent: sessionPresent,
    });
    if (this.#connection === connection && !this.#isOver) this.#sender.attach(connection, sessionPresent);
  }

  /** A broker that leaves a SUBSCRIBE without an answer is of no use, though the connection stands. */
  async #restore(connection: ClientConnection): Promise<void> {
    const { timeoutMs, clock } = this.#settings;
    this.#tell({ type: 'restoring' });
    const timer = clock.setTimer(timeoutMs, () =>
      connection.abort(lostError(this.label, `it did not answer SUBSCRIBE within ${timeoutMs} ms`)),
    );
    await this.#subscriptions.restore(connection);
    timer.clear();
  }

  #onMessage(message: ReceivedMessage): Promise<unknown> | undefined {
    if (this.#isOver) return undefined;
    this.counters.received++;
    return handOver(message, this.#settings.onMessage, this.#log);
  }

  #onRoom(): void {
    this.#sender.pump();
    if (this.takesMore) this.#tell({ type: 'room' });
  }

  #onEnded(error: MqttClientError): void {
    const { clock, reconnectMaxMs } = this.#settings;
    const state = this.#state;
    this.#connection = undefined;
    if (state === ClientState.CLOSING) {
      if (error.code === 'BROKER_LOST') this.#tell({ type: 'cut', error });
      return this.#finish();
    }
    if (state === ClientState.CONNECTING) return this.#onFailed(error);
    // Two clients that take one client id from each other must not do so as fast as they can.
    if (clock.monotonic() - this.#connectedMs > reconnectMaxMs) this.#attempts = 0;
    this.#move(ClientState.WAITING);
    this.#sender.detach();
    if (!this.#keepsSession) this.#sender.forgetSession(error);
    this.#subscriptions.detach(this.#keepsSession);
    this.#tell({ type: 'lost', error });
    if (!this.#isOver) this.#connectLater(this.#delayMs());
  }

  /** An attempt has failed. */
  #onFailed(error: MqttClientError): void {
    const failure = this.#versions.judge(error);
    if (failure === undefined) return this.#open();
    this.#move(ClientState.WAITING);
    if (this.#connections === 0 && this.#isFirstAwaited) {
      this.#first.reject(failure);
      return this.#finish();
    }
    const retryInMs = this.#delayMs();
    this.#tell({ type: 'retrying', error: failure, retryInMs });
    if (!this.#isOver) this.#connectLater(retryInMs);
  }

  /** A broker that restarts loses all of its clients in one moment: they wait before the first attempt as well. */
  #delayMs(): number {
    const { reconnectMinMs: minMs, reconnectMaxMs: maxMs, random } = this.#settings;
    return reconnectDelayMs(this.#attempts, { minMs, maxMs, random });
  }

  #connectLater(delayMs: number): void {
    this.#attempts++;
    this.#timer = this.#settings.clock.setTimer(delayMs, () => this.#open());
  }

  #finish(): void {
    this.#move(ClientState.CLOSED);
    this.#log.close();
    this.#closed.resolve();
  }

  /** Not 0, and none that is in use [MQTT-2.2.1-3]. */
  #takePacketId(): number {
    let packetId = this.#lastPacketId;
    do packetId = packetId === MAX_PACKET_ID ? 1 : packetId + 1;
    while (this.#sender.isInFlight(packetId) || this.#subscriptions.isSent(packetId));
    return (this.#lastPacketId = packetId);
  }

  #move(state: ClientState): void {
    expectTransition(this.#state, state);
    this.#state = state;
  }

  #tell(event: ClientEvent): void {
    try {
      this.#settings.onEvent(event);
    } catch (error) {
      const fields = { err: error, type: event.type };
      this.#log.write('failures of handlers', fields, 'a listener of a client failed', NOBODY);
    }
  }
}
