import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord, LoadMessage } from './crash-record.ts';

const WINDOW = 20;
const MAX_PACKET_ID = 65_535;
const RETAINED_TOPICS = 10;
/** Of the messages of a publisher, one in so many is retained instead. */
const RETAINED_EVERY = 5;

type Sent = {
  readonly topicName: string;
  readonly payload: string;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  /** It was accepted: PUBREL is what is to be sent again. */
  isAccepted: boolean;
  acknowledged(): void;
};

/** A client whose state outlives its connections and the hub, as the standard wants it of clients. */
abstract class LastingClient {
  readonly clientId: string;
  protected readonly record: CrashRecord;
  #hadSession = false;

  constructor(clientId: string, record: CrashRecord) {
    this.clientId = clientId;
    this.record = record;
  }

  /** Connects, and does its part until the connection is gone. @returns when it has its session */
  async begin(port: number): Promise<{ client: TcpWireClient; ended: Promise<void> }> {
    const client = new TcpWireClient(port);
    const { sessionPresent } = await client.connect(this.clientId);
    if (this.#hadSession && !sessionPresent)
      this.record.wrong.push(`the session of ${this.clientId} is lost`);
    await this.prepare(client, sessionPresent);
    this.#hadSession = true;
    return { client, ended: this.#serve(client) };
  }

  protected abstract prepare(client: TcpWireClient, sessionPresent: boolean): Promise<void>;
  protected abstract take(client: TcpWireClient, packet: Packet): void;

  async #serve(client: TcpWireClient): Promise<void> {
    for (let packet = await client.next(); packet !== undefined; packet = await client.next())
      this.take(client, packet);
  }
}

type Packet = NonNullable<Awaited<ReturnType<TcpWireClient['next']>>>;

/** Publishes at QoS 1 and 2, and what is retained, as fast as it is acknowledged, until it is told to stop. */
export class LoadPublisher extends LastingClient {
  readonly #index: number;
  readonly #inflight = new Map<number, Sent>();
  #lastPacketId = 0;
  #count = 0;
  isStopping = false;

  constructor(index: number, record: CrashRecord) {
    super(`publisher-${index}`, record);
    this.#index = index;
  }

  get isIdle(): boolean {
    return this.#inflight.size === 0;
  }

  protected override async prepare(client: TcpWireClient): Promise<void> {
    for (const [packetId, sent] of this.#inflight) {
      if (sent.isAccepted) client.acknowledge('pubrel', packetId);
      else this.#publish(client, packetId, sent, true);
    }
    this.#pump(client);
  }

  protected override take(client: TcpWireClient, packet: Packet): void {
    if (packet.type !== 'puback' && packet.type !== 'pubrec' && packet.type !== 'pubcomp') return;
    const { packetId, reasonCode } = packet;
    const sent = this.#inflight.get(packetId);
    if (reasonCode >= 0x80 && packet.type !== 'pubcomp')
      this.record.wrong.push(`${this.clientId} was refused with ${reasonCode}`);
    if (sent === undefined) return;
    if (packet.type !== 'pubcomp') sent.acknowledged();
    if (packet.type === 'pubrec') {
      sent.isAccepted = true;
      client.acknowledge('pubrel', packetId);
      return;
    }
    this.#inflight.delete(packetId);
    this.#pump(client);
  }

  #pump(client: TcpWireClient): void {
    while (!this.isStopping && !client.isClosed && this.#inflight.size < WINDOW) {
      do this.#lastPacketId = (this.#lastPacketId % MAX_PACKET_ID) + 1;
      while (this.#inflight.has(this.#lastPacketId));
      const sent = this.#next();
      this.#inflight.set(this.#lastPacketId, sent);
      this.#publish(client, this.#lastPacketId, sent, false);
    }
  }

  #next(): Sent {
    const number = ++this.#count;
    const { record } = this;
    if (number % RETAINED_EVERY === 0) {
      const topicName = `state/${this.#index}/${number % (RETAINED_EVERY * RETAINED_TOPICS)}`;
      record.sentRetained(topicName, number);
      const acknowledged = (): void => record.acknowledgedRetained(topicName, number);
      return { topicName, payload: `${number}`, qos: 1, retain: true, isAccepted: false, acknowledged };
    }
    const qos = number % 2 === 0 ? 2 : 1;
    const message: LoadMessage = { publisher: this.#index, qos, number };
    const acknowledged = (): void => record.acknowledged(message);
    const payload = JSON.stringify(message);
    return { topicName: `load/${this.#index}`, payload, qos, retain: false, isAccepted: false, acknowledged };
  }

  #publish(client: TcpWireClient, packetId: number, sent: Sent, dup: boolean): void {
    const { topicName, payload, qos, retain } = sent;
    client.publish(topicName, payload, { qos, retain, packetId, dup });
  }
}

/** Has all that is published at QoS 1 and 2, each message of QoS 2 once. */
export class LoadSubscriber extends LastingClient {
  /** QoS 2 messages that were taken and not released. */
  readonly #taken = new Set<number>();

  constructor(record: CrashRecord) {
    super('subscriber', record);
  }

  protected override async prepare(client: TcpWireClient, sessionPresent: boolean): Promise<void> {
    if (!sessionPresent) await client.subscribe('load/#', 2);
  }

  protected override take(client: TcpWireClient, packet: Packet): void {
    if (packet.type === 'pubrel') {
      this.#taken.delete(packet.packetId);
      client.acknowledge('pubcomp', packet.packetId);
    }
    if (packet.type !== 'publish') return;
    const { packetId, qos, payload } = packet;
    if (qos === 1 || !this.#taken.has(packetId))
      this.record.received(JSON.parse(Buffer.from(payload).toString()) as LoadMessage);
    if (qos === 2) this.#taken.add(packetId);
    client.acknowledge(qos === 1 ? 'puback' : 'pubrec', packetId);
  }
}
