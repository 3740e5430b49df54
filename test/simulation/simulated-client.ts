import type { ConnackPacket } from '../../src/mqtt/codec/connack.ts';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import type { ProtocolVersion, QoS } from '../../src/mqtt/codec/control-packet.ts';
import { acceptReceipt, type Receipt } from './model-receipt.ts';
import type { ModelMessage, ModelSession, Obligation } from './model-session.ts';
import type { ReferenceModel } from './reference-model.ts';
import type { SimulatedLink } from './simulated-link.ts';
import { expectThat, fail } from './simulation-failure.ts';

export const PADDING = '~';

/** A message that the client has sent and that is not done. */
export type Outbound = { packet: PublishPacket; message: ModelMessage; isReleased: boolean };

type Inbound = { readonly text: string; readonly qos: QoS; readonly link: SimulatedLink };

/** What a client needs to know of the simulation. */
export type ClientContext = {
  readonly model: ReferenceModel;
  readonly nowMs: () => number;
  readonly messages: ReadonlyMap<string, ModelMessage>;
  readonly trace: (text: string) => void;
  /** A new instance of a message that is sent again, so that the two can be told apart. */
  readonly nextAttempt: (message: ModelMessage, version: ProtocolVersion) => ModelMessage;
  readonly publishPacket: (message: ModelMessage, packetId: number, dup: boolean) => PublishPacket;
};

/** A client with a session state of its own, as the standard asks of it (section 4.1), that looks at all it gets. */
export class SimulatedClient {
  readonly clientId: string;
  link: SimulatedLink | undefined;
  /** One that the broker is to end, because there is a new one. */
  previous: SimulatedLink | undefined;
  nextPacketId = 1;
  outbound = new Map<number, Outbound>();
  /** Filters that it has used, for it to choose from. */
  filters = new Set<string>();
  readonly #context: ClientContext;
  #inbound = new Map<number, Inbound>();
  /** All that it has taken in this session. */
  #delivered = new Set<string>();
  #sessionSerial: number | undefined;
  #lastSequence = new Map<string, number>();

  constructor(clientId: string, context: ClientContext) {
    this.clientId = clientId;
    this.#context = context;
  }

  get session(): ModelSession | undefined {
    return this.#context.model.sessions.get(this.clientId);
  }

  /** Connected, as it knows itself. */
  get isOn(): boolean {
    return this.link !== undefined && this.link.isConnected && this.link.isAttached;
  }

  takePacketId(): number {
    while (this.outbound.has(this.nextPacketId)) this.#countUp();
    const packetId = this.nextPacketId;
    this.#countUp();
    return packetId;
  }

  /** Reads all that has come. */
  read(): void {
    const { link } = this;
    if (link === undefined || link.isStalled) return;
    link.read((packet, sizeBytes) => this.#take(link, packet, sizeBytes));
  }

  /** Sends the next answers that it owes. */
  answer(count: number): void {
    const { link } = this;
    if (link === undefined) return;
    for (const packet of link.toAnswer.splice(0, count)) {
      if (packet.type === 'puback' || packet.type === 'pubcomp') link.unanswered.delete(packet.packetId);
      link.send(packet);
    }
  }

  /** A PUBACK has arrived at the broker: its identifier may be used anew. */
  forgetInbound(packetId: number): void {
    if (this.#inbound.get(packetId)?.qos === 1) this.#inbound.delete(packetId);
  }

  /** The broker has crashed, and may publish again what it had not noted as published. */
  forgetWills(): void {
    for (const key of this.#delivered) if (key.endsWith('w')) this.#delivered.delete(key);
  }

  #countUp(): void {
    this.nextPacketId = this.nextPacketId === 65_535 ? 1 : this.nextPacketId + 1;
  }

  #take(link: SimulatedLink, packet: ControlPacket, sizeBytes: number): void {
    expectThat(
      sizeBytes <= link.maximumPacketSize,
      () => `${this.clientId} got ${sizeBytes} bytes, and takes ${link.maximumPacketSize}`,
    );
    if (!link.isConnected) {
      if (packet.type !== 'connack') fail(`${this.clientId} got ${packet.type} before CONNACK`);
      this.#takeConnack(link, packet);
      return;
    }
    switch (packet.type) {
      case 'publish':
        this.#takePublish(link, packet);
        return;
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
        this.#takeAnswer(link, packet.type, packet.packetId, [packet.reasonCode]);
        this.#goOnWith(link, packet.type, packet.packetId, packet.reasonCode);
        return;
      case 'pubrel':
        this.#takePubrel(link, packet.packetId);
        return;
      case 'suback':
        this.#takeAnswer(link, packet.type, packet.packetId, packet.reasonCodes);
        return;
      case 'unsuback':
        this.#takeAnswer(link, packet.type, packet.packetId, link.version === 5 ? packet.reasonCodes : []);
        return;
      case 'pingresp':
        expectThat(link.pingsAwaited-- > 0, () => `${this.clientId} got a PINGRESP for nothing`);
        return;
      default:
        fail(`${this.clientId} got ${JSON.stringify(packet)}`);
    }
  }

  #takeConnack(link: SimulatedLink, packet: ConnackPacket): void {
    const { clientId } = this;
    expectThat(packet.reasonCode === 0, () => `${clientId} was refused: ${JSON.stringify(packet)}`);
    // MQTT 3.1 has no such flag.
    const isPresent = link.version === 3 ? link.expectsSessionPresent : packet.sessionPresent;
    expectThat(
      isPresent === link.expectsSessionPresent,
      () => `Session Present for ${clientId} is ${isPresent}`,
    );
    link.isConnected = true;
    const { properties } = packet;
    if (link.version === 5) {
      link.serverReceiveMaximum = properties.receiveMaximum ?? 65_535;
      link.serverMaximumQos = properties.maximumQos ?? 2;
    }
    link.serverTopicAliasMaximum = properties.topicAliasMaximum ?? 0;
    link.serverMaximumPacketSize = properties.maximumPacketSize ?? Infinity;
    if (properties.serverKeepAlive !== undefined) link.keepAliveMs = properties.serverKeepAlive * 1500;
    // The CONNACK that said that the session is a new one may have been lost: a client knows by its expiry, too.
    const serial = this.session?.serial;
    if (!isPresent || serial !== this.#sessionSerial) this.#forgetSession();
    else this.#sendAgain(link);
    this.#sessionSerial = serial;
  }

  #forgetSession(): void {
    this.outbound = new Map();
    this.filters = new Set();
    this.#inbound = new Map();
    this.#delivered = new Set();
    this.#lastSequence = new Map();
  }

  /** [MQTT-4.4.0-1] */
  #sendAgain(link: SimulatedLink): void {
    for (const [packetId, outbound] of this.outbound) {
      if (outbound.isReleased) {
        link.send({ type: 'pubrel', packetId, reasonCode: 0, properties: {} });
        continue;
      }
      outbound.message = this.#context.nextAttempt(outbound.message, link.version);
      outbound.packet = this.#context.publishPacket(outbound.message, packetId, true);
      link.send(outbound.packet, outbound.message);
    }
  }

  #takeAnswer(link: SimulatedLink, type: string, packetId: number, codes: readonly number[]): void {
    const key = `${type} ${packetId}`;
    const awaited = link.awaited.get(key);
    if (awaited === undefined) fail(`${this.clientId} got ${key} for nothing`);
    link.awaited.delete(key);
    if (link.version !== 5 && type !== 'suback') return;
    expectThat(
      awaited.join(' ') === codes.join(' '),
      () => `${this.clientId} got ${key} with ${codes.join(' ')} and not ${awaited.join(' ')}`,
    );
  }

  #goOnWith(
    link: SimulatedLink,
    type: 'puback' | 'pubrec' | 'pubcomp',
    packetId: number,
    code: number,
  ): void {
    const outbound = this.outbound.get(packetId);
    if (outbound === undefined) return;
    if (type !== 'pubrec' || code >= 0x80) {
      this.outbound.delete(packetId);
      return;
    }
    outbound.isReleased = true;
    link.send({ type: 'pubrel', packetId, reasonCode: 0, properties: {} });
  }

  #takePubrel(link: SimulatedLink, packetId: number): void {
    const isKnown = this.#inbound.get(packetId)?.qos === 2;
    expectThat(
      isKnown || link.expectsSessionPresent,
      () => `${this.clientId} got PUBREL ${packetId} for nothing`,
    );
    this.#inbound.delete(packetId);
    link.toAnswer.push({ type: 'pubcomp', packetId, reasonCode: isKnown ? 0 : 0x92, properties: {} });
  }

  #takePublish(link: SimulatedLink, packet: PublishPacket): void {
    const receipt = this.#readPublish(link, packet);
    const { qos, packetId, dup, text } = receipt;
    const { session, clientId } = this;
    if (session === undefined) fail(`model: ${clientId} has no session`);
    expectThat(!dup || link.expectsSessionPresent, () => `${clientId} got DUP in a new session: ${text}`);
    const known = qos === 0 ? undefined : this.#inbound.get(packetId);
    // A QoS 1 message that the broker has given up may have left its identifier to another.
    const isFree = known === undefined || (known.qos === 1 && known.link !== link);
    expectThat(
      isFree || (dup && known?.text === text),
      () => `${clientId} got ${text} with Packet Identifier ${packetId} of ${known?.text}`,
    );
    const obligation = acceptReceipt(this.#context.model, session, receipt);
    if (qos > 0) this.#expectRoom(link, packetId);
    this.#expectNotAgain(obligation, receipt, known !== undefined);
    this.#expectOrder(link, obligation);
    this.#expectProperties(link, obligation.message, packet);
    this.#delivered.add(obligation.key);
    if (qos === 0) return;
    this.#inbound.set(packetId, { text, qos, link });
    const type = qos === 1 ? 'puback' : 'pubrec';
    link.toAnswer.push({ type, packetId, reasonCode: 0, properties: {} });
  }

  #readPublish(link: SimulatedLink, packet: PublishPacket): Receipt {
    const { qos, retain, dup, packetId, properties } = packet;
    let { topicName } = packet;
    const { topicAlias, subscriptionIdentifiers = [] } = properties;
    if (topicAlias !== undefined) {
      expectThat(
        topicAlias <= (link.connect.properties.topicAliasMaximum ?? 0),
        () => `${this.clientId} got Topic Alias ${topicAlias}`,
      );
      if (topicName === '')
        topicName = link.topicOfAlias.get(topicAlias) ?? fail(`nothing is alias ${topicAlias}`);
      else link.topicOfAlias.set(topicAlias, topicName);
    }
    const payload = Buffer.from(packet.payload).toString('latin1');
    const end = payload.indexOf(PADDING);
    const text = end < 0 ? payload : payload.slice(0, end);
    const message = this.#context.messages.get(text);
    expectThat(
      text === '' || message?.payload === payload,
      () => `${this.clientId} got ${payload.slice(0, 40)}`,
    );
    const identifiers =
      link.version === 5 ? [...subscriptionIdentifiers].sort((one, other) => one - other) : undefined;
    this.#context.trace(
      `  ${this.clientId} ← ${text} on ${topicName} q${qos}${retain ? ' retain' : ''}${dup ? ' dup' : ''} id ${packetId}`,
    );
    return { text, message, topicName, qos, retain, dup, packetId, identifiers };
  }

  #expectRoom(link: SimulatedLink, packetId: number): void {
    expectThat(
      !link.unanswered.has(packetId),
      () => `Packet Identifier ${packetId} is in use at ${this.clientId}`,
    );
    link.unanswered.add(packetId);
    expectThat(
      link.unanswered.size <= link.receiveMaximum,
      () =>
        `${this.clientId} has ${link.unanswered.size} in flight, Receive Maximum is ${link.receiveMaximum}`,
    );
  }

  #expectNotAgain({ key }: Obligation, { qos, dup, text }: Receipt, isKnown: boolean): void {
    // One with an empty payload cannot be told from others of its topic.
    if (!this.#delivered.has(key) || text === '') return;
    // [MQTT-4.3.3-10]: a receiver that holds the identifier does not take the message again.
    const isAllowed = qos === 1 ? dup : qos === 2 && isKnown;
    expectThat(isAllowed, () => `${this.clientId} got ${key} again, at QoS ${qos}, DUP ${dup}`);
  }

  /** [MQTT-4.6.0-6], and for those that are sent again [MQTT-4.6.0-1]. */
  #expectOrder(link: SimulatedLink, { key, message, qos }: Obligation): void {
    // A Will may be published again after a crash.
    if (!key.startsWith('live ') || message.payload === '' || key.endsWith('w')) return;
    const { publisher, topicName, sequence, text } = message;
    const stream = `${publisher} ${topicName} ${message.qos} ${qos}`;
    const last = link.lastSequence.get(stream) ?? 0;
    expectThat(sequence > last, () => `${this.clientId} got ${text} after a later message of ${stream}`);
    link.lastSequence.set(stream, sequence);
    if (this.#delivered.has(key)) return;
    const lastOfAll = this.#lastSequence.get(stream) ?? 0;
    expectThat(sequence > lastOfAll, () => `${this.clientId} got ${text} after a later message of ${stream}`);
    this.#lastSequence.set(stream, sequence);
  }

  #expectProperties(link: SimulatedLink, message: ModelMessage, { properties }: PublishPacket): void {
    // One with an empty payload cannot be told from others of its topic.
    if (link.version !== 5 || message.payload === '') return;
    const { text, expiryInterval, expiresAtMs, hasProperties } = message;
    const got = properties.messageExpiryInterval;
    const least = Math.max(0, Math.ceil((expiresAtMs - this.#context.nowMs()) / 1000));
    const isRight =
      expiryInterval === undefined
        ? got === undefined
        : got !== undefined && got <= expiryInterval && got >= Math.min(least, expiryInterval);
    expectThat(isRight, () => `${text} came with expiry ${got} of ${expiryInterval}, ${least} s left`);
    const wanted = hasProperties ? `${text} ${text}` : 'undefined undefined';
    const { contentType, userProperties } = properties;
    const said = `${contentType} ${userProperties?.[0]?.[1]}`;
    expectThat(wanted === said, () => `${text} came with the properties ${said}`);
  }
}
