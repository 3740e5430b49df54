import { createServer, type Socket } from 'node:net';
import { writeAcknowledgement } from '../src/mqtt/codec/acknowledgement.ts';
import { PacketType, type QoS } from '../src/mqtt/codec/control-packet.ts';
import { encodePacket } from '../src/mqtt/codec/encode-packet.ts';
import { Framer } from '../src/mqtt/codec/framer.ts';
import { encodePublish } from '../src/mqtt/codec/publish.ts';
import { PublishFields, scanPublish } from '../src/mqtt/codec/scan-publish.ts';
import { PacketWriter } from '../src/mqtt/codec/writer.ts';

/*
 * The other end of `mqtt-client`: a server that does as little as a client needs. It acknowledges what comes; a
 * subscription to `send/{qos}/{count}` brings so many messages, and one to `count` what it has received at QoS 0.
 */

/** Messages at QoS 1 on their way to the client. */
const WINDOW = 1000;
const CHUNK_BYTES = 65_536;
const payload = Buffer.alloc(64, 'x');
const message = {
  type: 'publish',
  dup: false,
  retain: false,
  topicName: 'devices/thermometer-1/temperature',
  properties: {},
  payload,
} as const;

class PeerConnection {
  readonly #socket: Socket;
  readonly #framer = new Framer();
  readonly #writer = new PacketWriter(2 * CHUNK_BYTES);
  readonly #fields = new PublishFields();
  #toSend = 0;
  #qos: QoS = 0;
  #inflight = 0;
  #lastId = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {}); // It was ended while it was sent something.
    socket.on('drain', () => this.#pump());
    socket.on('data', (bytes: Buffer) => {
      this.#framer.push(bytes, 0, bytes.length);
      while (this.#framer.next()) this.#take();
      this.#flush();
      this.#pump();
    });
  }

  #take(): void {
    const { bytes, bodyStart, bodyEnd, firstByte } = this.#framer;
    const writer = this.#writer;
    switch (firstByte >> 4) {
      case PacketType.CONNECT:
        encodePacket(writer, { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} }, 5);
        return;
      case PacketType.PUBLISH:
        scanPublish(bytes, bodyStart, bodyEnd, firstByte & 0x0f, 5, this.#fields);
        if (this.#fields.qos === 1)
          writeAcknowledgement(writer, PacketType.PUBACK, this.#fields.packetId, 0, 5);
        return;
      case PacketType.PUBACK:
        this.#inflight--;
        return;
      case PacketType.SUBSCRIBE: {
        const [, qos = '0', count = '0'] =
          /send\/(\d)\/(\d+)/.exec(bytes.toString('latin1', bodyStart, bodyEnd)) ?? [];
        const packetId = bytes.readUInt16BE(bodyStart);
        encodePacket(
          writer,
          { type: 'suback', packetId, properties: {}, reasonCodes: [Number(qos) as QoS] },
          5,
        );
        this.#qos = Number(qos) as QoS;
        this.#toSend = Number(count);
      }
    }
  }

  #pump(): void {
    const writer = this.#writer;
    while (this.#toSend > 0 && !this.#socket.writableNeedDrain) {
      while (this.#toSend > 0 && writer.length < CHUNK_BYTES) {
        if (this.#qos === 1 && this.#inflight >= WINDOW) return this.#flush();
        this.#toSend--;
        if (this.#qos === 1) this.#inflight++;
        this.#lastId = (this.#lastId % 60_000) + 1;
        encodePublish(
          writer,
          { ...message, qos: this.#qos, packetId: this.#qos === 0 ? 0 : this.#lastId },
          5,
        );
      }
      this.#flush();
    }
  }

  #flush(): void {
    if (this.#writer.length > 0) this.#socket.write(this.#writer.take());
  }
}

const server = createServer((socket) => new PeerConnection(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
