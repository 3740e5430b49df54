import type { Connection } from '../../src/mqtt/broker/connection/connection.ts';
import type { ClientSession } from '../../src/mqtt/broker/client-session.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import { DEFAULT_BROKER_OPTIONS } from '../../src/mqtt/broker/options.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { QoS } from '../../src/mqtt/codec/control-packet.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import { randomFrom, type Random } from '../helpers/mqtt-packets.ts';
import { applyPacket } from './apply-packet.ts';
import { takeEvents } from './take-events.ts';
import type { ModelMessage } from './model-session.ts';
import { ReferenceModel, type Snapshot } from './reference-model.ts';
import { SimulatedBroker } from './simulated-broker.ts';
import { SimulatedClient } from './simulated-client.ts';
import { SimulatedLink } from './simulated-link.ts';
import { SimulatedStore } from './simulated-store.ts';
import { SimulatedWire, type WireFault } from './simulated-wire.ts';
import { SimulationClock } from './simulation-clock.ts';
import { expectThat, fail } from './simulation-failure.ts';
import { drawRules, type SimulationRules } from './simulation-rules.ts';

/** Makes a simulation of something that is wrong, so that it must fail. */
export type SimulationFaults = {
  readonly wire?: (random: Random) => WireFault;
  readonly makeStore?: (isInstant: boolean, takeSnapshot: () => Snapshot) => SimulatedStore<Snapshot>;
  /** Changes the broker's own rules, of which the model knows nothing. */
  readonly rules?: (rules: SimulationRules) => SimulationRules;
};

type Leaving = {
  readonly clientId: string;
  readonly link: SimulatedLink;
  readonly mustSay: string | undefined;
};

const STALL_BYTES = 300;

/** One broker, its clients, and the model that says what must be. Everything follows from the seed. */
export class SimulationWorld {
  readonly random: Random;
  readonly rules: SimulationRules;
  readonly clock = new SimulationClock();
  readonly model: ReferenceModel;
  readonly clients: SimulatedClient[] = [];
  readonly messages = new Map<string, ModelMessage>();
  readonly store: SimulatedStore<Snapshot> | undefined;
  readonly traced: string[] = [];
  broker: SimulatedBroker;
  /** Connections that the broker is to end: it may wait for the store before. */
  leaving: Leaving[] = [];
  /** While every client reads and answers at once. */
  isSettling = false;
  /** What the broker takes to publish with when it is not publishing. */
  firstPublication: unknown;
  /** The sessions of the broker as it has them. */
  sessions: ReadonlyMap<string, ClientSession> = new Map();
  #messageCount = 0;
  readonly #faults: SimulationFaults;

  constructor(seed: number, faults: SimulationFaults = {}) {
    this.random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ 0x5eed);
    this.rules = drawRules(this.random);
    this.#faults = faults;
    this.model = new ReferenceModel({ ...this.rules, nowMs: () => this.clock.now() });
    const takeSnapshot = (): Snapshot => this.model.takeSnapshot();
    const isInstant = this.rules.store === 'instant';
    if (this.rules.store !== 'none') {
      this.store =
        faults.makeStore?.(isInstant, takeSnapshot) ?? new SimulatedStore<Snapshot>(isInstant, takeSnapshot);
    }
    this.broker = this.#makeBroker();
    for (let index = 0; index < this.rules.clients; index++) {
      this.clients.push(
        new SimulatedClient(`c${index}`, {
          model: this.model,
          nowMs: () => this.clock.now(),
          messages: this.messages,
          trace: (text) => this.trace(text),
          nextAttempt: (message, version) => {
            const properties = version === 5 ? {} : { expiryInterval: undefined, hasProperties: false };
            return this.makeMessage({ ...message, ...properties, text: nextAttempt(message.text) });
          },
          publishPacket,
        }),
      );
    }
  }

  trace(text: string): void {
    this.traced.push(text);
  }

  chance(percent: number): boolean {
    return this.random(100) < percent;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random(choices.length)]!;
  }

  async start(): Promise<void> {
    await this.broker.broker.start();
    this.#lookInside();
  }

  /** Takes what the broker says of itself. */
  takeEvents(): void {
    takeEvents(this);
  }

  /** The process dies, and another one starts with what the store has. */
  async crash(): Promise<void> {
    this.trace('crash');
    for (const client of this.clients) {
      client.link?.wire.abandon();
      client.link = undefined;
    }
    this.clock.forgetTickers();
    this.leaving = [];
    const { store } = this;
    if (store === undefined) fail('model: nothing outlives a broker without a store');
    store.loseCommit();
    this.model.restore(store.committed);
    this.broker = this.#makeBroker();
    for (const client of this.clients) client.forgetWills();
    await this.broker.broker.start();
    this.takeEvents();
    this.#lookInside();
  }

  /** A new message with a text of its own, or another instance of one whose text is given. */
  makeMessage(
    fields: Omit<ModelMessage, 'text' | 'payload'> & { text?: string; payload?: string },
  ): ModelMessage {
    const text = fields.text ?? `m${++this.#messageCount}.0`;
    const isEmpty = fields.payload === '';
    const padding = isEmpty ? '' : (fields.payload ?? '').replace(/^[^~]*/u, '');
    const payload = isEmpty ? '' : text + padding;
    const message = { ...fields, text, payload, sequence: 0, retainedUntil: -1 };
    this.messages.set(text, message);
    return message;
  }

  /** Opens a connection; its CONNECT is on its way. */
  openLink(client: SimulatedClient, connect: ConnectPacket, will: ModelMessage | undefined): void {
    const { maxPayloadBytes } = this.rules;
    const wire = new SimulatedWire({
      later: this.broker.later,
      maxUnreadBytes: this.chance(30) ? STALL_BYTES + maxPayloadBytes : 1_000_000,
      keepsBuffers: this.chance(50),
      fault: this.#faults.wire?.(this.random),
    });
    client.link = new SimulatedLink(wire, connect, will, this.clock.now());
    // Clients before MQTT 5.0 are not told, and keep to it all the same.
    client.link.serverReceiveMaximum = this.rules.receiveMaximum;
    client.link.serverMaximumQos = this.rules.maximumQos;
    wire.connect(this.broker.broker);
    expectThat(wire.receiver !== undefined, () => `the broker refused a connection of ${client.clientId}`);
  }

  /** Bytes arrive at the broker: all that are on their way, or some. */
  hand(client: SimulatedClient, isAll: boolean): void {
    const { link } = client;
    if (link === undefined) return;
    while (link.outgoing.length > 0 && !link.wire.isPaused && !link.wire.hasEnded && !link.wire.isOver) {
      const chunk = this.#cutChunk(link);
      link.lastBytesMs = this.clock.now();
      for (const { packet, message } of chunk.complete) applyPacket(this, client, link, packet, message);
      link.wire.deliver(chunk.bytes);
      this.takeEvents();
      if (client.link !== link || (!isAll && this.chance(50))) return;
    }
  }

  /** The connection breaks, and what was on its way is lost. */
  breakLink(client: SimulatedClient): void {
    const { link } = client;
    if (link === undefined) return;
    if (link.isAttached) this.detach(client, link, true);
    client.link = undefined;
    link.wire.breakOff();
    this.takeEvents();
  }

  /**
   * For the model, a client's connection is over, and the broker must end it.
   *
   * @param mustSay - the Reason Code of its DISCONNECT
   */
  detach(client: SimulatedClient, link: SimulatedLink, publishesWill: boolean, mustSay?: string): void {
    const { session } = client;
    if (session === undefined) fail(`model: ${client.clientId} is not connected`);
    link.isAttached = false;
    if (client.link === link) client.link = undefined;
    this.leaving.push({ clientId: client.clientId, link, mustSay });
    this.model.detach(session, publishesWill);
  }

  /** The disk writes, turns end, answers are read and given: all of it, or some. */
  pulse(): void {
    const { broker, rules } = this;
    const isLazy = (): boolean => !this.isSettling && this.chance(rules.lazyPercent);
    for (const client of this.clients) this.hand(client, !isLazy());
    if (!isLazy()) this.runJobs();
    if (this.store?.isCommitting === true && !isLazy()) {
      this.store.finishCommit();
      this.takeEvents();
    }
    if (broker.hasJobs && !isLazy()) this.runJobs();
    for (const client of this.clients) this.#readAndAnswer(client, isLazy());
  }

  runJobs(): void {
    this.broker.runJobs();
    takeEvents(this);
  }

  /** Time passes. */
  passTime(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.clock.tick();
      this.takeEvents();
      this.model.expireSessions();
      this.takeEvents();
      if (this.broker.hasJobs) this.runJobs();
      this.#expectTimeouts();
    }
  }

  #readAndAnswer(client: SimulatedClient, isLazy: boolean): void {
    const { link } = client;
    if (link === undefined) return;
    if (link.wire.hasEnded || link.wire.isOver) {
      this.#expectEnd(client, link);
      client.link = undefined;
      return;
    }
    if (link.isStalled || isLazy) return;
    client.read();
    const { length } = link.toAnswer;
    if (length > 0) client.answer(this.isSettling ? length : this.random(length + 2));
  }

  /** At rest: all that had to end has. */
  expectEnds(): void {
    for (const { clientId, link, mustSay } of this.leaving) {
      expectThat(link.wire.hasEnded || link.wire.isOver, () => `a connection of ${clientId} does not end`);
      if (mustSay === undefined || link.version !== 5) continue;
      const words = lastWords(link);
      expectThat(words === mustSay, () => `${clientId} was told ${words} at the end, not ${mustSay}`);
    }
    this.leaving = [];
  }

  /** A connection may only end when the model knows why. */
  #expectEnd(client: SimulatedClient, link: SimulatedLink): void {
    const isTooLate = this.clock.now() >= link.openedMs + DEFAULT_BROKER_OPTIONS.connectTimeoutMs;
    const isAwaited = link.outgoing[0]?.packet.type === 'connect' ? isTooLate : !link.isAttached;
    expectThat(isAwaited, () => `the broker ended a connection of ${client.clientId}: ${lastWords(link)}`);
  }

  /** [MQTT-3.1.2-22] */
  #expectTimeouts(): void {
    const nowMs = this.clock.now();
    for (const { clientId, link } of this.clients) {
      if (link === undefined || !link.isAttached || link.keepAliveMs === 0) continue;
      expectThat(
        nowMs < link.lastBytesMs + link.keepAliveMs,
        () => `${clientId} should be gone by its Keep Alive`,
      );
    }
  }

  /** Which message object the broker takes first when none is in use. */
  #lookInside(): void {
    const wire = new SimulatedWire({
      later: () => {},
      maxUnreadBytes: 1,
      keepsBuffers: false,
      fault: undefined,
    });
    wire.connect(this.broker.broker);
    const { engine } = wire.receiver as Connection;
    this.sessions = engine.sessions;
    this.firstPublication = engine.takePublication();
    engine.givePublication();
    wire.breakOff();
  }

  #makeBroker(): SimulatedBroker {
    const rules = this.#faults.rules?.(this.rules) ?? this.rules;
    return new SimulatedBroker(rules, this.clock, this.store);
  }

  /** Some of the bytes that are on their way, cut anywhere. */
  #cutChunk(link: SimulatedLink): { bytes: Buffer; complete: SimulatedLink['outgoing'] } {
    const parts: Buffer[] = [];
    const complete: SimulatedLink['outgoing'] = [];
    for (;;) {
      const first = link.outgoing[0];
      // What a CONNECT or DISCONNECT brings about must not be mixed with what came before.
      if (first === undefined || (complete.length > 0 && first.packet.type === 'disconnect')) break;
      const left = first.bytes.length - first.sentBytes;
      const count = this.chance(70) ? left : 1 + this.random(left);
      parts.push(first.bytes.subarray(first.sentBytes, first.sentBytes + count));
      first.sentBytes += count;
      if (count < left) break;
      link.outgoing.shift();
      complete.push(first);
      const { type } = first.packet;
      if (type === 'connect' || type === 'disconnect' || this.chance(50)) break;
    }
    return { bytes: Buffer.concat(parts), complete };
  }
}

/** What a connection ended with; what came before is lost with it. */
export function lastWords(link: SimulatedLink): string {
  let words = '';
  link.read((packet) => {
    words = packet.type === 'disconnect' ? `0x${packet.reasonCode.toString(16)}` : packet.type;
  });
  return words;
}

/** The PUBLISH of a message. */
export function publishPacket(message: ModelMessage, packetId: number, dup: boolean): PublishPacket {
  const { qos, retain, topicName, payload, text, hasProperties, expiryInterval } = message;
  const properties = {
    ...(expiryInterval === undefined ? {} : { messageExpiryInterval: expiryInterval }),
    ...(hasProperties ? { contentType: text, userProperties: [['n', text]] as const } : {}),
  };
  return {
    type: 'publish',
    dup,
    qos,
    retain,
    topicName,
    packetId,
    properties,
    payload: Buffer.from(payload),
  };
}

/** Bytes of a message as one client gets it, without Topic Alias. */
export function packetBytesOf(
  message: ModelMessage,
  version: 3 | 4 | 5,
  qos: QoS,
  identifiers: readonly number[],
): number {
  const writer = new PacketWriter(64);
  const packet = publishPacket({ ...message, qos }, qos === 0 ? 0 : 1, false);
  const used = identifiers.filter((identifier) => identifier > 0);
  const properties =
    used.length === 0 ? packet.properties : { ...packet.properties, subscriptionIdentifiers: used };
  encodePacket(writer, { ...packet, properties }, version);
  return writer.length;
}

function nextAttempt(text: string): string {
  const [name, attempt] = text.split('.');
  return `${name}.${Number(attempt) + 1}`;
}
