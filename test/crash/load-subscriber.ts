import { isDeepStrictEqual } from 'node:util';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { subscribePacket, type Packet } from '../helpers/mqtt-wire-client.ts';
import type { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord } from './crash-record.ts';
import { LastingClient } from './lasting-client.ts';
import {
  BRIEF_EXPIRY_SECONDS,
  LONG_EXPIRY_SECONDS,
  propertiesOf,
  type LoadPayload,
} from './load-publisher.ts';

const IDENTIFIER = 7;
/** A hub counts whole seconds, and from when it had the message. */
const ROUNDING_SECONDS = 2;

type SubscriberOptions = {
  readonly clientId: string;
  readonly version: ProtocolVersion;
  readonly topicFilters: readonly string[];
  /** Which publishers speak MQTT 5, and so give their messages properties. */
  readonly versions: readonly ProtocolVersion[];
  /** As whom it receives, for the record. */
  readonly name?: string;
};

/** Has all that is published to its filters at each QoS, each message of QoS 2 once. */
export class LoadSubscriber extends LastingClient {
  readonly #name: string;
  readonly #topicFilters: readonly string[];
  readonly #versions: readonly ProtocolVersion[];
  /** QoS 2 messages that were taken and not released. */
  readonly #taken = new Set<number>();

  constructor(
    { clientId, version, topicFilters, versions, name = clientId }: SubscriberOptions,
    record: CrashRecord,
  ) {
    super(clientId, version, record);
    this.#name = name;
    this.#topicFilters = topicFilters;
    this.#versions = versions;
  }

  protected override async prepare(client: TcpWireClient, isNew: boolean): Promise<void> {
    if (!isNew) return;
    const identifier = this.version === 5 ? { subscriptionIdentifier: IDENTIFIER } : {};
    client.send(subscribePacket(this.#topicFilters, { qos: 2, ...identifier }));
    await client.expect('suback');
  }

  protected override take(client: TcpWireClient, packet: ControlPacket): void {
    if (packet.type === 'pubrel') {
      this.#taken.delete(packet.packetId);
      client.acknowledge('pubcomp', packet.packetId);
    }
    if (packet.type !== 'publish') return;
    const { packetId, qos } = packet;
    if (qos !== 2 || !this.#taken.has(packetId)) this.#receive(packet);
    if (qos === 2) this.#taken.add(packetId);
    if (qos > 0) client.acknowledge(qos === 1 ? 'puback' : 'pubrec', packetId);
  }

  #receive(packet: Packet<'publish'>): void {
    const message = JSON.parse(Buffer.from(packet.payload).toString()) as LoadPayload;
    this.record.received(this.#name, message);
    if (packet.qos !== message.qos) this.#complain(message, `came at QoS ${packet.qos}`);
    if (this.version === 5) this.#checkProperties(packet, message);
    const waitedMs = this.connectedAt - (this.record.acknowledgedAt(message) ?? this.connectedAt);
    // What was on its way once is sent again, also when it has expired since.
    const hasExpired = !packet.dup && waitedMs > 1000 * (BRIEF_EXPIRY_SECONDS + ROUNDING_SECONDS);
    if (message.kind === 'brief' && this.#hasProperties(message) && hasExpired)
      this.#complain(message, 'came after it had expired');
  }

  #checkProperties({ properties }: Packet<'publish'>, message: LoadPayload): void {
    const { subscriptionIdentifiers, messageExpiryInterval = 0, ...others } = properties ?? {};
    if (!isDeepStrictEqual(subscriptionIdentifiers, [IDENTIFIER]))
      this.#complain(message, `came with the identifiers ${String(subscriptionIdentifiers)}`);
    if (!this.#hasProperties(message)) return;
    const { messageExpiryInterval: given, ...expected } = propertiesOf(message.kind, message.number);
    if (!isDeepStrictEqual({ ...others }, expected))
      this.#complain(message, `came with ${JSON.stringify(others)}`);
    if (given !== LONG_EXPIRY_SECONDS) return;
    // It was with the hub from then at the latest, and left it then at the earliest.
    const acknowledgedAt = this.record.acknowledgedAt(message) ?? this.connectedAt;
    const leastSeconds = Math.max(0, this.connectedAt - acknowledgedAt) / 1000;
    const mostSeconds = (performance.now() - message.sentAt) / 1000;
    const waited = given - messageExpiryInterval;
    if (waited < leastSeconds - ROUNDING_SECONDS || waited > mostSeconds + ROUNDING_SECONDS)
      this.#complain(message, `waited ${leastSeconds} to ${mostSeconds} s, and ${waited} were taken off`);
  }

  #hasProperties({ kind, publisher }: LoadPayload): boolean {
    return kind !== 'will' && kind !== 'never' && this.#versions[publisher] === 5;
  }

  #complain({ kind, publisher, number }: LoadPayload, what: string): void {
    this.record.wrong.push(`to ${this.#name}: ${kind} ${number} of publisher ${publisher} ${what}`);
  }
}
