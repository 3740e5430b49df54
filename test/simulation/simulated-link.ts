import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import type { ConnectPacket } from '../../src/mqtt/codec/connect.ts';
import { decodePacket, type ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import type { ModelMessage } from './model-session.ts';
import type { SimulatedWire } from './simulated-wire.ts';

/** A packet on its way to the broker, which may have some of its bytes. */
export type Outgoing = {
  readonly packet: ControlPacket;
  readonly bytes: Buffer;
  sentBytes: number;
  /** Of a PUBLISH. */
  readonly message: ModelMessage | undefined;
};

/** What a client has on one connection, and forgets with it. */
export class SimulatedLink {
  readonly wire: SimulatedWire;
  readonly connect: ConnectPacket;
  readonly will: ModelMessage | undefined;
  readonly version: ProtocolVersion;
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly openedMs: number;
  /** Ms; 0 when there is none. The CONNACK may say otherwise. */
  keepAliveMs: number;
  lastBytesMs: number;
  /** The broker has the whole CONNECT, and for the model the client is connected. */
  isAttached = false;
  /** The CONNACK has come. */
  isConnected = false;
  /** What the CONNACK must say. */
  expectsSessionPresent = false;
  isStalled = false;
  outgoing: Outgoing[] = [];
  /** Answers that the client owes, in order. */
  toAnswer: ControlPacket[] = [];
  /** By type and Packet Identifier: what the broker must answer; a list of Reason Codes. */
  readonly awaited = new Map<string, readonly number[]>();
  pingsAwaited = 0;
  /** PUBLISHes of this connection that the client has not had done with. */
  readonly unanswered = new Set<number>();
  readonly topicOfAlias = new Map<number, string>();
  readonly aliasOfTopic = new Map<string, number>();
  /** By publisher, topic and QoS: the last sequence that came. */
  readonly lastSequence = new Map<string, number>();
  serverReceiveMaximum = 65_535;
  serverMaximumQos = 2;
  serverTopicAliasMaximum = 0;
  serverMaximumPacketSize = Number.POSITIVE_INFINITY;
  readonly #framer: Framer;
  readonly #reader = new PacketReader();

  constructor(wire: SimulatedWire, connect: ConnectPacket, will: ModelMessage | undefined, nowMs: number) {
    this.wire = wire;
    this.connect = connect;
    this.will = will;
    this.version = connect.protocolVersion;
    const { receiveMaximum = 65_535, maximumPacketSize = 1 << 28 } = connect.properties;
    this.receiveMaximum = receiveMaximum;
    this.maximumPacketSize = maximumPacketSize;
    this.keepAliveMs = connect.keepAlive * 1500;
    this.openedMs = nowMs;
    this.lastBytesMs = nowMs;
    this.#framer = new Framer(maximumPacketSize);
    this.send(connect);
  }

  /** Puts a packet on its way. */
  send(packet: ControlPacket, message?: ModelMessage): void {
    const writer = new PacketWriter(64);
    encodePacket(writer, packet, this.version);
    this.outgoing.push({ packet, bytes: writer.take(), sentBytes: 0, message });
  }

  /** Reads what has come, packet by packet; borrowed ones. */
  read(onPacket: (packet: ControlPacket, sizeBytes: number) => void): void {
    const bytes = this.wire.read();
    if (bytes.length === 0) return;
    const framer = this.#framer;
    framer.push(bytes, 0, bytes.length);
    while (framer.next()) {
      const { bodyStart, bodyEnd, packetStart, firstByte } = framer;
      const reader = this.#reader.over(framer.bytes, bodyStart, bodyEnd);
      onPacket(decodePacket(reader, firstByte, this.version), bodyEnd - packetStart);
    }
  }
}
