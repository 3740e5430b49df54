import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { KeptKind } from '../../../src/base/kept-kinds.ts';
import { Ledger } from '../../../src/base/ledger.ts';
import { decodePacket, type ControlPacket } from '../../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../../src/mqtt/codec/encode-packet.ts';
import type { QoS } from '../../../src/mqtt/codec/control-packet.ts';
import { Framer } from '../../../src/mqtt/codec/framer.ts';
import { PacketReader } from '../../../src/mqtt/codec/reader.ts';
import { PacketWriter } from '../../../src/mqtt/codec/writer.ts';
import type { BrokerOptions } from '../../../src/mqtt/index.ts';
import { openBrokerOnTcp } from '../../helpers/broker-on-tcp.ts';
import { connectPacket, subscribePacket } from '../../helpers/mqtt-wire-client.ts';
import { until } from '../../helpers/until.ts';

const SIZES = [8000, 9000, 16_000, 64_000, 70_000, 100_000, 300_000, 1_100_000];

async function startServer(t: TestContext, options: BrokerOptions = {}): Promise<number> {
  const { port, close } = await openBrokerOnTcp({ sysTopicIntervalMs: 0, ...options });
  t.after(close);
  return port;
}

/** A client over a real socket: the room that the broker reads into and the slices that it writes are the system's. */
class SocketClient {
  readonly socket: Socket;
  readonly packets: ControlPacket[] = [];
  readonly #framer = new Framer();
  readonly #acknowledges: boolean;
  #lastId = 0;

  private constructor(socket: Socket, acknowledges: boolean) {
    this.socket = socket;
    this.#acknowledges = acknowledges;
    socket.on('data', (bytes) => this.#read(bytes));
  }

  static async open(
    t: TestContext,
    port: number,
    clientId: string,
    { cleanStart = true, acknowledges = true } = {},
  ): Promise<SocketClient> {
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    const client = new SocketClient(socket, acknowledges);
    const properties = cleanStart ? {} : { sessionExpiryInterval: 1000 };
    client.send(connectPacket(5, { clientId, cleanStart, properties }));
    await until('a CONNACK has come', () => client.packets.some(({ type }) => type === 'connack'));
    return client;
  }

  send(packet: ControlPacket): void {
    const writer = new PacketWriter();
    encodePacket(writer, packet, 5);
    this.socket.write(writer.take());
  }

  async subscribe(topicFilter: string, qos: QoS): Promise<void> {
    this.send(subscribePacket([topicFilter], { qos, packetId: 60_000 }));
    await until('a SUBACK has come', () => this.packets.some(({ type }) => type === 'suback'));
  }

  publish(topicName: string, payload: Buffer, qos: QoS, retain = false): void {
    const packetId = qos === 0 ? 0 : ++this.#lastId;
    this.send({ type: 'publish', dup: false, qos, retain, topicName, packetId, properties: {}, payload });
  }

  /** What came on a topic, in order. */
  digestsOf(topicName: string): string[] {
    return this.packets.flatMap((packet) =>
      packet.type === 'publish' && packet.topicName === topicName ? [digestOf(packet.payload)] : [],
    );
  }

  #read(bytes: Buffer): void {
    this.#framer.push(bytes, 0, bytes.length);
    while (this.#framer.next()) {
      const { firstByte, bodyStart, bodyEnd } = this.#framer;
      const body = Buffer.from(this.#framer.bytes.subarray(bodyStart, bodyEnd));
      const packet = decodePacket(new PacketReader().over(body, 0, body.length), firstByte, 5);
      this.packets.push(packet);
      if (packet.type !== 'publish' || packet.qos !== 1 || !this.#acknowledges) continue;
      this.send({ type: 'puback', packetId: packet.packetId, reasonCode: 0, properties: {} });
    }
  }
}

function digestOf(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

/** Payloads of one publisher, no two alike. */
function payloadsOf(publisher: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const payload = Buffer.alloc(SIZES[(index + publisher) % SIZES.length]!, publisher * 64 + index);
    payload.writeUInt32BE(index, 0);
    return payload;
  });
}

describe('large payloads (section 3.3.3)', () => {
  for (const qos of [0, 1] as const) {
    it(`come as they were sent, of many publishers at once, at QoS ${qos}`, async (t) => {
      const port = await startServer(t, { maxOutboxBytes: 100_000_000, maxQueuedBytes: 100_000_000 });
      const fast = await SocketClient.open(t, port, 'fast');
      const slow = await SocketClient.open(t, port, 'slow');
      for (const client of [fast, slow]) await client.subscribe('#', qos);
      slow.socket.pause();
      const sent = [0, 1, 2].map((publisher) => payloadsOf(publisher, 24));
      const publishers = await Promise.all(
        sent.map((_, publisher) => SocketClient.open(t, port, `publisher ${publisher}`)),
      );
      for (let index = 0; index < 24; index++) {
        for (const [who, client] of publishers.entries()) client.publish(`t/${who}`, sent[who]![index]!, qos);
      }
      const wanted = sent.map((payloads) => payloads.map(digestOf));
      const arrived = (client: SocketClient): string[][] =>
        wanted.map((_, who) => client.digestsOf(`t/${who}`));
      await until('the fast one has all', () => arrived(fast).flat().length === 72, 30_000);
      assert.deepEqual(arrived(fast), wanted);
      slow.socket.resume();
      await until('the slow one has all', () => arrived(slow).flat().length === 72, 30_000);
      assert.deepEqual(arrived(slow), wanted);
    });
  }

  it('come as they were sent when they were retained, or kept for a client that was away', async (t) => {
    const port = await startServer(t, { maxQueuedBytes: 100_000_000 });
    const away = await SocketClient.open(t, port, 'away', { cleanStart: false });
    await away.subscribe('q', 1);
    away.socket.destroy();
    const publisher = await SocketClient.open(t, port, 'publisher');
    const payloads = payloadsOf(0, 16);
    for (const [index, payload] of payloads.entries()) {
      publisher.publish(`r/${index}`, payload, 1, true);
      publisher.publish('q', payload, 1);
    }
    const acknowledged = (): number => publisher.packets.filter(({ type }) => type === 'puback').length;
    await until('all are acknowledged', () => acknowledged() === 32, 30_000);

    const back = await SocketClient.open(t, port, 'away', { cleanStart: false });
    await until('what waited has come', () => back.digestsOf('q').length === 16, 30_000);
    assert.deepEqual(back.digestsOf('q'), payloads.map(digestOf));

    const late = await SocketClient.open(t, port, 'late');
    await late.subscribe('r/#', 0);
    const retained = (): string[][] => payloads.map((_, index) => late.digestsOf(`r/${index}`));
    await until('what is retained has come', () => retained().flat().length === 16, 30_000);
    assert.deepEqual(
      retained(),
      payloads.map((payload) => [digestOf(payload)]),
    );
  });

  it('are sent again with DUP as they were sent first', async (t) => {
    const port = await startServer(t, { maxQueuedBytes: 100_000_000 });
    const first = await SocketClient.open(t, port, 'subscriber', { cleanStart: false, acknowledges: false });
    await first.subscribe('q', 1);
    const publisher = await SocketClient.open(t, port, 'publisher');
    const payloads = payloadsOf(0, 8);
    for (const payload of payloads) publisher.publish('q', payload, 1);
    await until('all have come', () => first.digestsOf('q').length === 8, 30_000);
    first.socket.destroy();
    const again = await SocketClient.open(t, port, 'subscriber', { cleanStart: false });
    await until('all have come again', () => again.digestsOf('q').length === 8, 30_000);
    assert.deepEqual(again.digestsOf('q'), payloads.map(digestOf));
    assert.ok(again.packets.every((packet) => packet.type !== 'publish' || packet.dup));
  });

  it('are booked for who sent them only until they have been read', async (t) => {
    const ledger = new Ledger();
    const port = await startServer(t, { ledger });
    const partial = (): number => ledger.totals()[KeptKind.PARTIAL]!.bytes;
    const client = await SocketClient.open(t, port, 'client');
    const packet = new PacketWriter();
    const payload = Buffer.alloc(300_000);
    const fields = {
      dup: false,
      qos: 1,
      retain: false,
      topicName: 't',
      packetId: 1,
      properties: {},
    } as const;
    encodePacket(packet, { type: 'publish', ...fields, payload }, 5);
    const bytes = packet.take();
    client.socket.write(bytes.subarray(0, 200_000));
    await until('the first part is booked', () => partial() >= 200_000);
    client.socket.write(bytes.subarray(200_000));
    await until('it is acknowledged', () => client.packets.some(({ type }) => type === 'puback'));
    assert.equal(partial(), 0);
  });
});
