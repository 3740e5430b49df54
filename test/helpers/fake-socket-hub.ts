import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { cleanUpWith } from './clean-ups.ts';
import { findFreeTcpPort } from './free-ports.ts';
import { until } from './until.ts';

/** One connection that a device made, byte by byte. */
export class FakeConnection {
  readonly socket: Socket;
  /** Everything that the device sent on it. */
  received = '';
  isClosed = false;
  #read = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').setNoDelay();
    socket.on('data', (text: string) => (this.received += text));
    socket.on('error', () => {});
    socket.on('close', () => (this.isClosed = true));
  }

  /** What it sent since the last `take`, once `length` characters of it are there. */
  async take(length: number): Promise<string> {
    await until(
      `${length} characters after ${JSON.stringify(this.received.slice(this.#read))}`,
      () => this.received.length >= this.#read + length,
    );
    const text = this.received.slice(this.#read, this.#read + length);
    this.#read += length;
    return text;
  }

  /** Waits for exactly this text as the next thing that it sends. */
  async expect(text: string): Promise<void> {
    const got = await this.take(text.length);
    if (got !== text)
      throw new Error(`the device sent ${JSON.stringify(got)} instead of ${JSON.stringify(text)}`);
  }

  /** The next line, as JSON. */
  async takeLine(): Promise<Record<string, unknown>> {
    const end = await until(`a line after ${JSON.stringify(this.received.slice(this.#read))}`, () => {
      const index = this.received.indexOf('\n', this.#read);
      return index >= 0 && { index };
    });
    const line = this.received.slice(this.#read, end.index);
    this.#read = end.index + 1;
    return JSON.parse(line) as Record<string, unknown>;
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  sendLine(message: unknown): void {
    this.send(`${JSON.stringify(message)}\n`);
  }

  async closed(): Promise<void> {
    await until('the device closes the connection', () => this.isClosed);
  }
}

/** A hub for tests that does nothing by itself: the test reads and writes every byte. */
export class FakeHub {
  readonly connections: FakeConnection[] = [];
  readonly datagrams: { readonly text: string; readonly port: number }[] = [];
  #server: Server;
  readonly #udp: UdpSocket;
  #taken = 0;
  #port = 0;

  constructor() {
    this.#server = this.#makeServer();
    this.#udp = createSocket('udp4');
    this.#udp.on('message', (bytes, from) =>
      this.datagrams.push({ text: bytes.toString('utf8'), port: from.port }),
    );
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get udpPort(): number {
    return this.#udp.address().port;
  }

  async start(): Promise<this> {
    this.#port = await findFreeTcpPort();
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
    this.#udp.bind(0, '127.0.0.1');
    await once(this.#udp, 'listening');
    return this;
  }

  /** The next connection that nobody took yet. */
  async accept(): Promise<FakeConnection> {
    const connection = await until('a connection', () => this.connections[this.#taken]);
    this.#taken++;
    return connection;
  }

  /** As when the hub's process dies: every connection breaks and nothing listens any more. */
  async die(): Promise<void> {
    for (const { socket } of this.connections) socket.resetAndDestroy();
    await this.#close();
  }

  /** Listens again, on the same port. */
  async revive(): Promise<void> {
    this.#server = this.#makeServer();
    await once(this.#server.listen(this.#port, '127.0.0.1'), 'listening');
  }

  async stop(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await this.#close();
    this.#udp.close();
  }

  #makeServer(): Server {
    return createServer((socket) => this.connections.push(new FakeConnection(socket)));
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A hub that is gone after the test. */
export async function startFakeHub(): Promise<FakeHub> {
  const hub = await new FakeHub().start();
  cleanUpWith(() => hub.stop());
  return hub;
}
