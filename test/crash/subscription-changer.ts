import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { subscribePacket, type Packet } from '../helpers/mqtt-wire-client.ts';
import type { Random } from '../helpers/mqtt-packets.ts';
import { TcpWireClient } from '../helpers/tcp-wire-client.ts';
import type { CrashRecord } from './crash-record.ts';
import { LastingClient } from './lasting-client.ts';

/** So many changes at most in one connection. */
const MOST_CHANGES = 10;
const MOST_SUBSCRIPTIONS = 300;
const LAST = 'last';

/** Subscribes and unsubscribes, one after the other: what it was told of each filter is what is so in the end. */
export class SubscriptionChanger extends LastingClient {
  readonly #random: Random;
  /** By the number of the filter. One that is missing was never asked for, or nobody has said what became of it. */
  readonly #isThere = new Map<number, boolean>();
  #count = 0;
  #left = 0;
  /** What was asked for, and not answered. */
  #asked: { readonly number: number; readonly isThere: boolean } | undefined;
  isStopping = false;

  constructor(version: ProtocolVersion, record: CrashRecord, random: Random) {
    super(`changer-${version}`, version, record);
    this.#random = random;
  }

  protected override async prepare(client: TcpWireClient): Promise<void> {
    // Whether that was done before the hub died, nobody knows.
    if (this.#asked !== undefined) this.#isThere.delete(this.#asked.number);
    this.#asked = undefined;
    this.#left = MOST_CHANGES;
    this.#change(client);
  }

  protected override take(client: TcpWireClient, packet: ControlPacket): void {
    if (packet.type !== 'suback' && packet.type !== 'unsuback') return;
    if (packet.type === 'suback' && packet.reasonCodes.some((code) => code >= 0x80))
      this.record.wrong.push(`${this.clientId} was refused with ${packet.reasonCodes.join()}`);
    const { number, isThere } = this.#asked!;
    this.#asked = undefined;
    this.#isThere.set(number, isThere);
    this.record.count(isThere ? 'subscriptions' : 'subscriptions that were ended');
    this.#change(client);
  }

  /** Publishes to each filter that it was ever told of, and looks what its session gets. */
  async check(port: number): Promise<void> {
    const client = new TcpWireClient(port, this.version);
    await client.connect(this.clientId);
    await client.subscribe(this.#filterOf(LAST), 2);
    const publisher = new TcpWireClient(port);
    await publisher.connect('', { cleanStart: true, properties: {} });
    for (const number of [...this.#isThere.keys(), LAST]) {
      publisher.publish(this.#filterOf(number), `${number}`, { qos: 2, packetId: 1, retain: true });
      await publisher.expect('pubrec');
      publisher.acknowledge('pubrel', 1);
      await publisher.expect('pubcomp');
    }
    publisher.destroy();
    const got = new Map<string, Packet<'publish'>>();
    while (!got.has(LAST)) {
      const packet = await client.next();
      assert.ok(packet !== undefined, 'the connection is there');
      if (packet.type === 'pubrel') client.acknowledge('pubcomp', packet.packetId);
      if (packet.type !== 'publish') continue;
      got.set(Buffer.from(packet.payload).toString(), packet);
      if (packet.qos > 0) client.acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    }
    client.destroy();
    for (const [number, isThere] of this.#isThere) this.#compare(number, isThere, got.get(`${number}`));
  }

  #compare(number: number, isThere: boolean, packet: Packet<'publish'> | undefined): void {
    if (isThere !== (packet !== undefined))
      this.record.wrong.push(`${this.clientId}: subscription ${number} ${isThere ? 'is lost' : 'came back'}`);
    if (packet === undefined) return;
    const options = optionsOf(number, this.version);
    const expected = [options.qos, options.retainAsPublished, options.subscriptionIdentifier];
    const found = [packet.qos, packet.retain, packet.properties?.subscriptionIdentifiers?.[0]];
    if (!isDeepStrictEqual(found, expected))
      this.record.wrong.push(
        `${this.clientId}: subscription ${number} is ${found.join()}, and not ${expected.join()}`,
      );
  }

  #change(client: TcpWireClient): void {
    if (this.isStopping || this.#left-- === 0) return;
    const there = [...this.#isThere].flatMap(([number, isThere]) => (isThere ? [number] : []));
    const isRemoving = there.length > 0 && (there.length >= MOST_SUBSCRIPTIONS || this.#random(2) === 0);
    const number = isRemoving ? there[this.#random(there.length)]! : ++this.#count;
    this.#asked = { number, isThere: !isRemoving };
    const topicFilter = this.#filterOf(number);
    if (isRemoving)
      client.send({ type: 'unsubscribe', packetId: 1, properties: {}, topicFilters: [topicFilter] });
    else client.send(subscribePacket([topicFilter], optionsOf(number, this.version)));
  }

  #filterOf(number: number | string): string {
    return `changer-${this.version}/${number}`;
  }
}

type SubscriptionChange = {
  readonly qos: 0 | 1 | 2;
  readonly retainAsPublished: boolean;
  readonly retainHandling?: 2;
  readonly subscriptionIdentifier?: number;
};

/** The options of a filter of this number; retained messages are not sent. */
function optionsOf(number: number, version: ProtocolVersion): SubscriptionChange {
  const qos = (number % 3) as 0 | 1 | 2;
  if (version !== 5) return { qos, retainAsPublished: false };
  return {
    qos,
    retainAsPublished: number % 2 === 0,
    retainHandling: 2,
    subscriptionIdentifier: (number % 100) + 1,
  };
}
