import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { decodePacket, type ControlPacket } from '../../src/mqtt/codec/decode-packet.ts';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { Framer } from '../../src/mqtt/codec/framer.ts';
import { PacketReader } from '../../src/mqtt/codec/reader.ts';
import { PacketWriter } from '../../src/mqtt/codec/writer.ts';
import type { ProtocolVersion } from '../../src/mqtt/codec/control-packet.ts';
import { NO_PROPERTIES } from '../../src/mqtt/codec/property.ts';

/** Of the packets those that may have this type: acknowledgements share one shape. */
type PacketOf<T extends ControlPacket['type'], P = ControlPacket> = P extends { type: infer U }
  ? T extends U
    ? P
    : never
  : never;

/** One client of a `ScriptedBroker`. */
export type ScriptedClient = {
  /** 1 for the first that came. */
  readonly number: number;
  readonly socket: Socket;
  /** What its CONNECT said; 4 until then. */
  version: ProtocolVersion;
  send(packet: ControlPacket): void;
};

/** Says what to do with a packet; without an answer the client gets none. */
export type Script = (packet: ControlPacket, client: ScriptedClient) => void;

/** A server that does what a test says, right or wrong: for answers that no real broker gives when it is asked. */
export class ScriptedBroker {
  /** Every packet that came, in order. */
  readonly packets: ControlPacket[] = [];
  readonly clients: ScriptedClient[] = [];
  readonly #server: Server;
  readonly #script: Script;

  private constructor(script: Script) {
    this.#script = script;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(script: Script): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Those of one type that came. */
  packetsOf<T extends ControlPacket['type']>(type: T): PacketOf<T>[] {
    return this.packets.filter((packet) => packet.type === type) as PacketOf<T>[];
  }

  async close(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const client: ScriptedClient = {
      number: this.clients.length + 1,
      socket,
      version: 4,
      send(packet) {
        const writer = new PacketWriter();
        encodePacket(writer, packet, client.version);
        socket.write(writer.take());
      },
    };
    this.clients.push(client);
    const framer = new Framer();
    socket.on('error', () => {}); // The client may be gone before it has read.
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk, 0, chunk.length);
      while (framer.next()) {
        const body = Buffer.from(framer.bytes.subarray(framer.bodyStart, framer.bodyEnd));
        const packet = decodePacket(
          new PacketReader().over(body, 0, body.length),
          framer.firstByte,
          client.version,
        );
        if (packet.type === 'connect') client.version = packet.protocolVersion;
        framer.setVersion(client.version);
        this.packets.push(packet);
        this.#script(packet, client);
      }
    });
  }
}

/** A CONNACK of success. */
export function welcome(
  properties: Extract<ControlPacket, { type: 'connack' }>['properties'] = NO_PROPERTIES,
): ControlPacket {
  return { type: 'connack', sessionPresent: false, reasonCode: 0, properties };
}
