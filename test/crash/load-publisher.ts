import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { Packet } from '../helpers/mqtt-wire-client.ts';
import type { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord, LoadKind, LoadMessage } from './crash-record.ts';
import { LastingClient } from './lasting-client.ts';

const WINDOW = 20;
const MAX_PACKET_ID = 65_535;
const RETAINED_TOPICS = 10;
/** Of the retained messages of a topic, one in so many takes back what is retained. */
const REMOVED_EVERY = 3;
/** So long do messages last that are to come, and those that need not. */
export const LONG_EXPIRY_SECONDS = 3600;
export const BRIEF_EXPIRY_SECONDS = 1;

/** What a message of the load says. */
export type LoadPayload = LoadMessage & { readonly sentAt: number };

type Sent = {
  readonly topicName: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: Packet<'publish'>['properties'];
  /** It was accepted: PUBREL is what is to be sent again. */
  isAccepted: boolean;
  acknowledged(): void;
};

/** What is published one after the other; what is retained comes between. */
const TURNS: readonly (readonly [LoadKind, 0 | 1 | 2] | 'retained')[] = [
  ['load', 0],
  ['load', 2],
  ['load', 1],
  ['shared', 2],
  'retained',
  ['shared', 1],
  ['brief', 1],
  ['load', 2],
  ['load', 1],
  'retained',
];

/** Publishes at each QoS, and what is retained, as fast as it is acknowledged, until it is told to stop. */
export class LoadPublisher extends LastingClient {
  readonly #index: number;
  readonly #inflight = new Map<number, Sent>();
  #lastPacketId = 0;
  #count = 0;
  isStopping = false;

  constructor(index: number, version: ProtocolVersion, record: CrashRecord) {
    super(`publisher-${index}`, version, record);
    this.#index = index;
  }

  get isIdle(): boolean {
    return this.#inflight.size === 0;
  }

  /** Where nothing dies any more, QoS 0 comes too. */
  sayLast(client: TcpWireClient): void {
    const message = { kind: 'load', publisher: this.#index, qos: 0, number: ++this.#count } as const;
    this.#publish(client, 0, this.#messageOf(message), false);
    this.record.acknowledged(message);
  }

  protected override async prepare(client: TcpWireClient): Promise<void> {
    for (const [packetId, sent] of this.#inflight) {
      if (sent.isAccepted) client.acknowledge('pubrel', packetId);
      else this.#publish(client, packetId, sent, true);
    }
    this.#pump(client);
  }

  protected override take(client: TcpWireClient, packet: ControlPacket): void {
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
      const sent = this.#next();
      if (sent.qos === 0) {
        this.#publish(client, 0, sent, false);
        continue;
      }
      do this.#lastPacketId = (this.#lastPacketId % MAX_PACKET_ID) + 1;
      while (this.#inflight.has(this.#lastPacketId));
      this.#inflight.set(this.#lastPacketId, sent);
      this.#publish(client, this.#lastPacketId, sent, false);
    }
  }

  #next(): Sent {
    const number = ++this.#count;
    const turn = TURNS[number % TURNS.length]!;
    if (turn === 'retained') return this.#retained(number);
    const [kind, qos] = turn;
    return this.#messageOf({ kind, publisher: this.#index, qos, number });
  }

  #messageOf(message: LoadMessage): Sent {
    const { kind, publisher, qos, number } = message;
    const { record } = this;
    return {
      topicName: `${kind}/${publisher}`,
      payload: JSON.stringify({ ...message, sentAt: performance.now() } satisfies LoadPayload),
      qos,
      retain: false,
      properties: this.version === 5 ? propertiesOf(kind, number) : {},
      isAccepted: false,
      acknowledged: () => record.acknowledged(message),
    };
  }

  #retained(number: number): Sent {
    const round = Math.floor(number / TURNS.length / RETAINED_TOPICS);
    const topicName = `state/${this.#index}/${number % (TURNS.length * RETAINED_TOPICS)}`;
    const value = round % REMOVED_EVERY === REMOVED_EVERY - 1 ? undefined : number;
    const remember = this.record.retained.sent(topicName, value);
    const acknowledged = (): void => {
      remember();
      this.record.count(value === undefined ? 'retained messages taken back' : 'retained messages');
    };
    const payload = value === undefined ? '' : `${value}`;
    return { topicName, payload, qos: 1, retain: true, properties: {}, isAccepted: false, acknowledged };
  }

  #publish(client: TcpWireClient, packetId: number, sent: Sent, dup: boolean): void {
    const { topicName, payload, qos, retain, properties } = sent;
    client.publish(topicName, payload, { qos, retain, packetId, dup, properties });
  }
}

/** What a message of this number has with it. */
export function propertiesOf(kind: LoadKind, number: number): Packet<'publish'>['properties'] {
  return {
    messageExpiryInterval: kind === 'brief' ? BRIEF_EXPIRY_SECONDS : LONG_EXPIRY_SECONDS,
    contentType: `text/${number}`,
    correlationData: Uint8Array.of(number & 0xff, 0),
    userProperties: [['number', `${number}`]],
  };
}
