import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

/* Many devices over MQTT 3.1.1, one or more a connection, that answer each command at once: no more than bytes, so that
 * the hub is measured and not this. Prints `ready` when all have been heard. */

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '1883' },
    count: { type: 'string', default: '64' },
    each: { type: 'string', default: '1' },
  },
});
const count = Number(values.count);
/** Devices of one connection. */
const each = Number(values.each);
/** How many connect at a time. */
const CONNECTING = 200;
const DESCRIPTION = JSON.stringify({
  title: 'Bench',
  commands: { ligar: { title: 'Ligar', kind: 'action' } },
  telemetry: { temperature: { unit: '°C', type: 'number' } },
});
const PRESENCE_ID = 3;

let ready = 0;
let next = 0;

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(firstByte: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([firstByte, ...length]), body]);
}

function publish(topicName: string, payload: string, packetId: number, retain = false): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff]);
  return packet(0x32 | (retain ? 1 : 0), text(topicName), id, Buffer.from(payload));
}

class DeviceConnection {
  /** The topics of its devices. */
  readonly #below: readonly string[];
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #lastId = 10;

  constructor(first: number) {
    this.#below = Array.from({ length: each }, (_, index) => `recado/devices/mqtt-${first + index}`);
    this.#socket = connect({ host: '127.0.0.1', port: Number(values.port), noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    this.#socket.on('close', () => process.exit(0));
    this.#socket.on('error', () => process.exit(1));
  }

  comeIn(): void {
    const [first = ''] = this.#below;
    // Clean session, Will retained at QoS 1, Keep Alive of a minute.
    const head = Buffer.concat([text('MQTT'), Buffer.from([4, 0x02 | 0x04 | 0x08 | 0x20, 0, 60])]);
    const will = [text(`${first}/presence`), text('offline')];
    this.#socket.write(packet(0x10, head, text(first.slice(first.lastIndexOf('/') + 1)), ...will));
  }

  #onBytes(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const out: Buffer[] = [];
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < 2) break;
      const isLong = (bytes[at + 1]! & 0x80) !== 0;
      if (isLong && left < 3) break;
      const length = (bytes[at + 1]! & 0x7f) + (isLong ? bytes[at + 2]! << 7 : 0);
      const body = at + (isLong ? 3 : 2);
      if (bytes.length < body + length) break;
      this.#onPacket(bytes[at]!, bytes.subarray(body, body + length), out);
      at = body + length;
    }
    this.#rest = bytes.subarray(at);
    if (out.length > 0) this.#socket.write(Buffer.concat(out));
  }

  #onPacket(firstByte: number, body: Buffer, out: Buffer[]): void {
    if (firstByte >> 4 === 3) return this.#onCommand(body, out);
    if (firstByte === 0x20) {
      for (const below of this.#below) {
        out.push(packet(0x82, Buffer.from([0, 1]), text(`${below}/commands/#`), Buffer.from([1])));
        out.push(publish(`${below}/description`, DESCRIPTION, 2, true));
        out.push(publish(`${below}/presence`, 'online', PRESENCE_ID, true));
      }
    } else if (firstByte === 0x40 && body.readUInt16BE(0) === PRESENCE_ID) {
      if (++ready % each === 0) connectNext();
      if (ready === count) process.stdout.write('ready\n');
    }
  }

  #onCommand(body: Buffer, out: Buffer[]): void {
    const topicEnd = 2 + body.readUInt16BE(0);
    const topicName = body.toString('latin1', 2, topicEnd);
    out.push(Buffer.from([0x40, 2, body[topicEnd]!, body[topicEnd + 1]!]));
    this.#lastId = this.#lastId === 65_535 ? 10 : this.#lastId + 1;
    const id = topicName.slice(topicName.lastIndexOf('/') + 1);
    const below = topicName.slice(0, topicName.indexOf('/commands/'));
    out.push(publish(`${below}/answers/${id}`, '"ok"', this.#lastId));
  }
}

function connectNext(): void {
  if (next >= count) return;
  const connection = new DeviceConnection(next);
  connection.comeIn();
  next += each;
}

for (let started = 0; started < Math.min(count, CONNECTING); started++) connectNext();
