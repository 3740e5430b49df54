import assert from 'node:assert/strict';
import { decodePacket, type ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { PublishPacket } from '../../src/mqtt/codec/publish.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import type { SubscribePacket, SubscriptionRequest } from '../../src/mqtt/codec/subscribe.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import { ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import type { TransportAcceptor } from '../../src/mqtt/transport/transport.ts';
import { MemoryTransport, type MemoryTransportOptions } from './memory-transport.ts';

/** Of the packets those that may have this type: acknowledgements share one shape. */
export type Packet<T extends ControlPacket['type'], P = ControlPacket> = P extends { type: infer U }
  ? T extends U
    ? P
    : never
  : never;

let clientCount = 0;

/**
 * A client that says exactly what a test wants, packet by packet or byte by byte, over a memory transport. What comes
 * back is read packet by packet; `await` lets the broker's turn end first.
 */
export class WireClient {
  readonly transport: MemoryTransport;
  version: ProtocolVersion;
  readonly #framer = new Framer();
  readonly #received: ControlPacket[] = [];

  /** Opens the connection; the CONNECT is up to the test. */
  constructor(
    acceptor: TransportAcceptor,
    version: ProtocolVersion = 5,
    options: MemoryTransportOptions = {},
  ) {
    this.version = version;
    this.transport = new MemoryTransport(options);
    this.transport.connect(acceptor);
  }

  /** Sends a packet as it should be. */
  send(packet: ControlPacket): void {
    const writer = new PacketWriter();
    encodePacket(writer, packet, this.version);
    this.transport.send(writer.take());
  }

  /** Sends bytes: numbers, or hexadecimal text with spaces. */
  sendBytes(bytes: readonly number[] | string | Uint8Array): void {
    const raw =
      typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(/\s/gu, ''), 'hex') : Buffer.from(bytes);
    this.transport.send(raw);
  }

  /** Connects and reads the CONNACK. */
  async connect(
    fields: Partial<Omit<ConnectPacket, 'type' | 'protocolVersion'>> = {},
  ): Promise<Packet<'connack'>> {
    this.send(connectPacket(this.version, fields));
    return this.expect('connack');
  }

  /** Subscribes and reads the SUBACK. */
  async subscribe(topicFilter: string, options: SubscribeOptions = {}): Promise<Packet<'suback'>> {
    this.send(subscribePacket([topicFilter], options));
    return this.expect('suback');
  }

  /** Sends a PUBLISH; acknowledgements are up to the test. */
  publish(topicName: string, payload: string | Uint8Array = '', fields: Partial<PublishPacket> = {}): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const { qos = 0 } = fields;
    const packetId = qos === 0 ? 0 : 1;
    const defaults = { type: 'publish', dup: false, qos, retain: false, packetId, properties: {} } as const;
    this.send({ ...defaults, topicName, payload: bytes, ...fields });
  }

  /** Says DISCONNECT. */
  disconnect(reasonCode: ReasonCode = ReasonCode.NORMAL_DISCONNECTION): void {
    this.send({ type: 'disconnect', reasonCode, properties: {} });
  }

  /** The next packet, which must be of this type. */
  async expect<T extends ControlPacket['type']>(type: T): Promise<Packet<T>> {
    const packet = await this.next();
    assert.ok(packet !== undefined, `the broker sent nothing, where a ${type} was expected`);
    assert.equal(packet.type, type, `the broker sent ${JSON.stringify(packet)}`);
    return packet as Packet<T>;
  }

  /** Nothing more came. */
  async expectNothing(): Promise<void> {
    const packet = await this.next();
    assert.equal(packet, undefined, `the broker sent ${JSON.stringify(packet)}`);
  }

  /** The broker has closed the connection, and everything it said before was read. */
  async expectClosed(): Promise<void> {
    await this.expectNothing();
    assert.ok(this.transport.isClosed, 'the connection is open');
  }

  /** The next packet, or undefined when the broker has nothing more to say. */
  async next(): Promise<ControlPacket | undefined> {
    for (let turn = 0; turn < TURNS && this.#received.length === 0; turn++) {
      await turnEnd();
      this.#readAll();
    }
    return this.#received.shift();
  }

  /** All packets that come until the broker has nothing more to say. */
  async all(): Promise<ControlPacket[]> {
    const packets: ControlPacket[] = [];
    for (let packet = await this.next(); packet !== undefined; packet = await this.next())
      packets.push(packet);
    return packets;
  }

  /** The bytes that come until the broker has nothing more to say. Not to be mixed with the reading of packets. */
  async bytes(): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await turnEnd();
      parts.push(this.transport.read());
    }
    return Buffer.concat(parts);
  }

  #readAll(): void {
    const bytes = this.transport.read();
    this.#framer.push(bytes, 0, bytes.length);
    while (this.#framer.next()) {
      const { bodyStart, bodyEnd, firstByte } = this.#framer;
      // A copy: the payload of a PUBLISH is borrowed.
      const body = Buffer.from(this.#framer.bytes.subarray(bodyStart, bodyEnd));
      this.#received.push(
        decodePacket(new PacketReader().over(body, 0, body.length), firstByte, this.version),
      );
    }
  }
}

/** Turns of the event loop after which a broker without waiting hooks has said everything. */
const TURNS = 6;

/** What happens after everything that was to happen in this turn. */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

type SubscribeOptions = Partial<Omit<SubscriptionRequest, 'topicFilter'>> & {
  readonly packetId?: number;
  readonly subscriptionIdentifier?: number;
};

/** A SUBSCRIBE that asks for every filter in the same way: at QoS 0, if it does not say otherwise. */
export function subscribePacket(
  topicFilters: readonly string[],
  { packetId = 1, subscriptionIdentifier, ...options }: SubscribeOptions = {},
): SubscribePacket {
  const subscriptions = topicFilters.map((topicFilter) => ({ ...PLAIN, ...options, topicFilter }));
  const properties = subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier };
  return { type: 'subscribe', packetId, properties, subscriptions };
}

const PLAIN = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;

/** A CONNECT with an id of its own, and a clean start. */
export function connectPacket(
  version: ProtocolVersion,
  fields: Partial<Omit<ConnectPacket, 'type' | 'protocolVersion'>> = {},
): ConnectPacket {
  clientCount++;
  return {
    type: 'connect',
    protocolVersion: version,
    cleanStart: true,
    keepAlive: 0,
    properties: {},
    clientId: `client-${clientCount}`,
    willMessage: undefined,
    userName: undefined,
    password: undefined,
    ...fields,
  };
}
