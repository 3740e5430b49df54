import type { Ledger } from '../../base/ledger.ts';
import type { QoS } from '../codec/control-packet.ts';
import { MqttError } from '../codec/errors.ts';
import type { PublishProperties } from '../codec/publish.ts';
import { ClientSession, type LocalReceiver, type OnAcknowledged } from './client-session.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import { findTopicNameFault } from '../topics/topic-name.ts';
import type { Transport, TransportAcceptor, TransportReceiver } from '../transport/transport.ts';
import { Acceptor } from './acceptor.ts';
import { BrokerError } from './broker-error.ts';
import type { Connection } from './connection/connection.ts';
import { Engine, EngineState, MAX_PUBLISH_DEPTH, type ScheduleTurn } from './engine.ts';
import { FIGURES, type Figure } from './figures.ts';
import type { ClientInfo } from './hooks.ts';
import type { BrokerOptions, ListenerOptions } from './options.ts';
import { BrokerGuest } from './guest.ts';
import { publishMessage } from './publish-message.ts';
import { restoreSessions } from './restore-sessions.ts';
import { RetainedDeliveries } from './retained-deliveries.ts';
import { endSession } from './session-lifecycle.ts';
import type { BrokerStats } from './stats.ts';
import { SysTopics } from './sys-topics.ts';

/** A message that the embedding program publishes. */
export type PublishRequest = {
  readonly topicName: string;
  readonly payload?: Uint8Array | string;
  /** 0 by default. */
  readonly qos?: QoS;
  /** False by default. */
  readonly retain?: boolean;
  readonly properties?: PublishProperties;
  /** Called for each client that has acknowledged it above QoS 0, or refused it: with 0x80 or more. */
  readonly onAcknowledged?: OnAcknowledged | undefined;
};

export type LocalSubscribeOptions = {
  /** Whether retained messages are given at first; true by default. */
  readonly retained?: boolean;
  /** The highest to be told; 2 by default. */
  readonly qos?: QoS;
  /** Whether RETAIN is told as it was published; false by default. */
  readonly retainAsPublished?: boolean;
};

/** A subscription of the embedding program. */
export type LocalSubscription = { unsubscribe(): void };

/** A session as it is listed. */
export type SessionInfo = {
  /** Its place among them, which it keeps as long as it lives. */
  readonly number: number;
  readonly client: ClientInfo;
  readonly isConnected: boolean;
  /** Seconds. */
  readonly expiryInterval: number;
  readonly subscriptionCount: number;
  readonly queuedCount: number;
  readonly inflightCount: number;
};

/** What runs after everything that has arrived was read. */
const afterReads: ScheduleTurn = (run) => {
  setImmediate(run);
};

/**
 * An MQTT broker for versions 3.1, 3.1.1 and 5.0, in this process. It opens no port: listeners hand it their
 * connections (`listenTcp(broker, …)` and the like). Two brokers in one process share nothing.
 *
 * ```ts
 * const broker = new Broker();
 * await broker.start();
 * await listenTcp(broker, { port: 1883, host: '127.0.0.1' });
 * ```
 */
export class Broker implements TransportAcceptor {
  readonly #engine: Engine;
  readonly #acceptor: Acceptor;
  readonly #connections = new Set<Connection>();
  readonly #sysTopics: SysTopics;
  #localCount = 0;
  #restoring: Promise<void> | undefined;

  /**
   * @param scheduleTurn - when what was collected is sent; for tests that hold time still
   * @throws {BrokerError} `MQTT_OPTION_INVALID`
   */
  constructor(options: BrokerOptions = {}, scheduleTurn: ScheduleTurn = afterReads) {
    this.#engine = new Engine(options, scheduleTurn, (engine) => new RetainedDeliveries(engine));
    this.#acceptor = new Acceptor(this.#engine, this.#connections, { name: 'default' });
    this.#sysTopics = new SysTopics(this.#engine);
  }

  /**
   * Loads what the store has, and begins. Connections are refused before. A broker that could not read its store
   * does not start any more.
   *
   * @throws {BrokerError} `MQTT_STORE_FAILED`
   */
  async start(): Promise<void> {
    if (this.#engine.state === EngineState.STARTED) return;
    this.#expectOpen();
    this.#restoring ??= restoreSessions(this.#engine);
    await this.#restoring;
    this.#expectOpen();
    this.#engine.state = EngineState.STARTED;
    this.#engine.startTicking();
    this.#sysTopics.start();
  }

  /** Numbers since the broker was made, and what is there now. */
  get stats(): Readonly<BrokerStats> {
    return this.#engine.stats;
  }

  get isClosed(): boolean {
    return this.#engine.state === EngineState.CLOSED;
  }

  /** What is there now. */
  get counts(): BrokerCounts {
    const { sessions, subscriptions, retained, queued, clients } = this.#engine;
    return {
      connections: this.#connections.size,
      clients: clients.connected,
      sessions: sessions.size,
      subscriptions: subscriptions.size,
      retainedMessages: retained.count,
      retainedBytes: retained.bytes,
      queuedBytes: queued.bytes,
    };
  }

  /** What `$SYS` tells in numbers. */
  get figures(): readonly Figure[] {
    return FIGURES.map(({ read, ...figure }) => ({ ...figure, read: () => read(this.#engine) }));
  }

  /** What it keeps for its peers. */
  get ledger(): Ledger {
    return this.#engine.ledger;
  }

  /** Takes a connection under the broker's own rules. */
  accept(transport: Transport): TransportReceiver | undefined {
    return this.#acceptFor(this.#acceptor, transport);
  }

  /**
   * Rules for one listener: its own hooks, asked before the broker's, its own limits and options.
   *
   * @returns what to give to `listenTcp` and the like in place of the broker
   * @throws {BrokerError} `MQTT_OPTION_INVALID`
   */
  acceptor(options: ListenerOptions): TransportAcceptor {
    const acceptor = new Acceptor(this.#engine, this.#connections, options);
    return { ledger: this.ledger, accept: (transport) => this.#acceptFor(acceptor, transport) };
  }

  /**
   * Publishes a message to all whose subscriptions match; hooks are not asked.
   *
   * @returns to how many sessions it went
   * @throws {BrokerError} `MQTT_MESSAGE_INVALID`, `MQTT_BROKER_CLOSED`; `MQTT_RETAINED_FULL` where there is no room to
   *   retain it; `MQTT_PUBLISH_LOOP` where a hook or a subscriber of this program is called by what it publishes itself
   */
  publish(request: PublishRequest): number {
    this.#expectOpen();
    if (this.#engine.noticePublishLoop()) throw publishLoop(this.#engine);
    const { topicName, payload = '', qos = 0, retain = false, properties = {}, onAcknowledged } = request;
    const fault = findTopicNameFault(topicName, this.#engine.options.maxTopicLevels);
    if (fault !== undefined) throw invalid(`${JSON.stringify(topicName)} is not a Topic Name: ${fault}`);
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const message = { topicName, payload: bytes, qos, retain, properties };
    let count: number | undefined;
    try {
      count = publishMessage(this.#engine, message, this.#engine.hooks, {
        onAcknowledged,
        mustBeRetained: true,
      });
    } catch (error) {
      if (error instanceof MqttError) throw invalid(error.message);
      throw error;
    }
    if (count !== undefined) return count;
    throw new BrokerError('MQTT_RETAINED_FULL', 'as many messages are retained, or bytes of them, as may be');
  }

  /**
   * Subscribes this program. Messages come while they are published, at any QoS; the one that is handed over is
   * borrowed: its parts are valid during the call.
   *
   * @param topicFilter - may be `$share/{ShareName}/…`
   * @throws {BrokerError} `MQTT_MESSAGE_INVALID`, `MQTT_BROKER_CLOSED`
   */
  subscribe(
    topicFilter: string,
    onMessage: LocalReceiver,
    { retained = true, qos = 2, retainAsPublished = false }: LocalSubscribeOptions = {},
  ): LocalSubscription {
    this.#expectOpen();
    const engine = this.#engine;
    const parsed = parseTopicFilter(topicFilter, engine.options.maxTopicLevels);
    if (!parsed.ok) throw invalid(`${JSON.stringify(topicFilter)} is not a Topic Filter: ${parsed.failure}`);
    const filter = parsed.value;
    const session = new ClientSession(this.#localClient(), this.#acceptor, onMessage, engine.openOwnParty());
    const retainHandling = retained ? 0 : 2;
    const options = { qos, noLocal: false, retainAsPublished, subscriptionIdentifier: 0 };
    engine.subscriptions.add(session, filter, { ...options, retainHandling });
    if (retained && filter.shareName === undefined) {
      engine.retainedDeliveries.begin(session, filter.topicFilter, { qos, subscriptionIdentifier: 0 });
    }
    return { unsubscribe: () => endSession(engine, session) };
  }

  /**
   * Somebody without a connection, who publishes and reads what is retained as a client with the same rights does.
   *
   * @param client - as the hooks see it
   */
  guest(client: ClientInfo): BrokerGuest {
    return new BrokerGuest(this.#engine, client, this.#acceptor);
  }

  /**
   * The sessions in the order in which they began, also those whose client is away.
   *
   * @param after - the `number` of the last one that is known already
   */
  *sessions({ after = 0 } = {}): IterableIterator<SessionInfo> {
    for (const session of this.#engine.sessions.after(after)) yield showSession(session);
  }

  /** The session of a client; undefined when there is none. */
  session(clientId: string): SessionInfo | undefined {
    const session = this.#engine.sessions.get(clientId);
    return session && showSession(session);
  }

  /**
   * Ends a client's connection with 0x98 Administrative action; with `endSession` its session too.
   *
   * @returns false when there is no such client
   */
  disconnectClient(clientId: string, { endSession: ends = false } = {}): boolean {
    const session = this.#engine.sessions.get(clientId);
    if (session === undefined) return false;
    if (session.connection !== undefined) {
      session.connection.end('administrator');
    }
    if (ends) endSession(this.#engine, session);
    return true;
  }

  /**
   * How often each rule denied, by its name, `user ann: topic deny house/safe/#`, or by the name of the hook where that
   * names none. Of what clients receive, messages.
   */
  get denials(): ReadonlyMap<string, number> {
    return this.#engine.denials.counts;
  }

  /** Has `authorizeReceive` asked anew: what clients may receive has changed. */
  forgetReceiveVerdicts(): void {
    this.#engine.subscriptions.changes.noteAll();
  }

  /** Ends all connections with 0x8B Server shutting down, writes what is to be written, and closes the store. */
  async close(): Promise<void> {
    const engine = this.#engine;
    if (engine.state === EngineState.CLOSED) return;
    engine.state = EngineState.CLOSED;
    this.#sysTopics.stop();
    for (const connection of this.#connections) {
      connection.end(connection.isConnected ? 'shutting-down' : 'never-connected');
    }
    engine.stopTicking();
    if (engine.store === undefined) return;
    // A failure of it is told to who started.
    await this.#restoring?.catch(() => {});
    await engine.commits.settle();
    await engine.store.close();
  }

  #acceptFor(acceptor: Acceptor, transport: Transport): TransportReceiver | undefined {
    if (this.#engine.state === EngineState.STARTED) return acceptor.accept(transport);
    transport.destroy();
    return undefined;
  }

  #localClient(): ClientInfo {
    this.#localCount++;
    return {
      clientId: `(this program ${this.#localCount})`,
      userName: undefined,
      protocolVersion: 5,
      peer: { transport: 'stream', address: '', port: 0, certificate: undefined },
      listener: '',
    };
  }

  #expectOpen(): void {
    if (this.#engine.state === EngineState.CLOSED)
      throw new BrokerError('MQTT_BROKER_CLOSED', 'the broker was closed');
  }
}

/** What is there now. */
export type BrokerCounts = {
  readonly connections: number;
  /** Of them, those that have their CONNACK. */
  readonly clients: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
  /** Of the messages that wait in all sessions (`maxTotalQueuedBytes`). */
  readonly queuedBytes: number;
};

function publishLoop({ stats }: Engine): BrokerError {
  stats.publishLoops++;
  const text = `publish was called from within itself ${MAX_PUBLISH_DEPTH} times: a subscriber or hook answers itself`;
  return new BrokerError('MQTT_PUBLISH_LOOP', text);
}

function showSession(session: ClientSession): SessionInfo {
  return {
    number: session.number,
    client: session.client,
    isConnected: session.connection !== undefined,
    expiryInterval: session.expiryInterval,
    subscriptionCount: session.subscriptionCount,
    queuedCount: session.queue?.count ?? 0,
    inflightCount: session.inflight?.count ?? 0,
  };
}

function invalid(message: string): BrokerError {
  return new BrokerError('MQTT_MESSAGE_INVALID', message);
}
