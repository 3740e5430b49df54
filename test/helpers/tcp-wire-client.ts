import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import { decodePacket, type ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import { connectPacket, subscribePacket, type Packet } from './mqtt-wire-client.ts';
import { HANG_MS } from './until.ts';

/** A client that says exactly what a test wants to a broker of another process, packet by packet. */
export class TcpWireClient {
  readonly version: ProtocolVersion;
  readonly #socket: Socket;
  readonly #framer = new Framer();
  readonly #received: ControlPacket[] = [];
  #wake: (() => void) | undefined;
  isClosed = false;

  constructor(port: number, version: ProtocolVersion = 5) {
    this.version = version;
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.isClosed = true;
      this.#wake?.();
    });
  }

  send(packet: ControlPacket): void {
    const writer = new PacketWriter();
    encodePacket(writer, packet, this.version);
    this.#socket.write(writer.take());
  }

  /** Connects to its session, for a day where nothing else is said, and reads the CONNACK. */
  async connect(
    clientId: string,
    fields: Partial<Omit<ConnectPacket, 'type' | 'protocolVersion' | 'clientId'>> = {},
  ): Promise<Packet<'connack'>> {
    const properties = this.version === 5 ? { sessionExpiryInterval: 86_400 } : {};
    this.send(connectPacket(this.version, { cleanStart: false, properties, ...fields, clientId }));
    return this.expect('connack');
  }

  async subscribe(topicFilter: string, qos: 0 | 1 | 2): Promise<void> {
    this.send(subscribePacket([topicFilter], { qos }));
    await this.expect('suback');
  }

  publish(topicName: string, payload: string, fields: Partial<Packet<'publish'>>): void {
    const plain = {
      type: 'publish',
      dup: false,
      retain: false,
      qos: 1,
      packetId: 1,
      properties: {},
    } as const;
    this.send({ ...plain, topicName, payload: Buffer.from(payload), ...fields });
  }

  acknowledge(type: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp', packetId: number): void {
    this.send({ type, packetId, reasonCode: 0, properties: {} });
  }

  /** The next packet; undefined when the connection is closed. Fails when neither comes. */
  async next(): Promise<ControlPacket | undefined> {
    while (this.#received.length === 0 && !this.isClosed) await this.#news();
    return this.#received.shift();
  }

  async expect<T extends ControlPacket['type']>(type: T): Promise<Packet<T>> {
    const packet = await this.next();
    assert.equal(packet?.type, type, `the broker sent ${JSON.stringify(packet)}`);
    return packet as Packet<T>;
  }

  /** Cuts the connection, without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #news(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the broker says nothing more')), HANG_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #read(chunk: Buffer): void {
    this.#framer.push(chunk, 0, chunk.length);
    while (this.#framer.next()) {
      const { bytes, bodyStart, bodyEnd, firstByte } = this.#framer;
      // A copy: the payload of a PUBLISH is borrowed.
      const body = Buffer.from(bytes.subarray(bodyStart, bodyEnd));
      const reader = new PacketReader().over(body, 0, body.length);
      this.#received.push(decodePacket(reader, firstByte, this.version));
    }
    this.#wake?.();
  }
}
