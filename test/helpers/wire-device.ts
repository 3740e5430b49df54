import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { HANG_MS, until } from './until.ts';
import type { Json } from './json.ts';

/** Bytes on a real TCP connection: what a device sends and receives, and nothing that thinks for it. */
export class WireDevice {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.#received = Buffer.concat([this.#received, chunk])));
    socket.on('error', () => {});
    socket.on('close', () => (this.isClosed = true));
  }

  static async connect(t: TestContext, port: number, localAddress?: string): Promise<WireDevice> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
    });
    const device = new WireDevice(socket);
    t.after(() => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return device;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends in pieces that arrive apart. */
  async sendApart(...pieces: (string | Buffer)[]): Promise<void> {
    for (const piece of pieces) {
      this.socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }

  get text(): string {
    return this.#received.toString('utf8');
  }

  /** Waits for exactly this text as the next that was received, and takes it. */
  async expect(text: string, timeoutMs = HANG_MS): Promise<void> {
    await until(
      `receive ${text}; got ${this.text}`,
      () => {
        if (this.isClosed && this.#received.length === 0)
          throw new Error(`closed before it received ${text}`);
        return this.#received.length >= Buffer.byteLength(text);
      },
      timeoutMs,
    );
    const got = this.#received.subarray(0, Buffer.byteLength(text)).toString('utf8');
    if (got !== text) throw new Error(`expected ${text}, received ${this.text}`);
    this.#received = this.#received.subarray(Buffer.byteLength(text));
  }

  /** The next complete JSON object that the hub sent, without nested braces in strings. */
  async nextObject(timeoutMs = HANG_MS): Promise<Record<string, Json>> {
    return until(
      'receive an object',
      () => {
        if (this.isClosed && this.#received.length === 0)
          throw new Error('closed before it received an object');
        const text = this.text;
        let depth = 0;
        for (let index = 0; index < text.length; index++) {
          if (text[index] === '{') depth++;
          if (text[index] === '}' && --depth === 0) {
            const object = JSON.parse(text.slice(0, index + 1)) as Record<string, Json>;
            this.#received = Buffer.from(text.slice(index + 1).trimStart());
            return object;
          }
        }
        return undefined;
      },
      timeoutMs,
    );
  }

  async closed(timeoutMs = HANG_MS): Promise<void> {
    await until('the hub closes the connection', () => this.isClosed, timeoutMs);
  }

  /** Does the handshake of a plain device; gives the id. */
  async handshake(description: unknown = RADIO_DESCRIPTION): Promise<string> {
    this.send('Conexão');
    const id = await until('receive an id', () => (this.text === '' ? undefined : this.text));
    this.#received = Buffer.alloc(0);
    this.send(JSON.stringify(description));
    return id;
  }

  /** Answers keep-alives, and commands with what `answer` gives, until the connection ends. */
  serve(answer: (command: { Comando: string; Entrada?: string }) => string): void {
    const read = (): void => {
      for (const object of this.#takeObjects()) {
        this.send(object['Comando'] === '0' ? 'Recebido' : answer(object as { Comando: string }));
      }
    };
    this.socket.on('data', read);
    read();
  }

  #takeObjects(): Record<string, unknown>[] {
    const objects: Record<string, unknown>[] = [];
    for (;;) {
      const text = this.text;
      const end = text.indexOf('}');
      if (end < 0) return objects;
      objects.push(JSON.parse(text.slice(0, end + 1)) as Record<string, unknown>);
      this.#received = Buffer.from(text.slice(end + 1));
    }
  }
}

const described = (title: string, input: string, method: string, fromDatagrams: boolean) => ({
  Descrição: title,
  Entrada: input,
  'Método HTTP': method,
  'Coleta de dados UDP': fromDatagrams,
});

export const RADIO_DESCRIPTION = {
  '1': described('Ligar', '', 'POST', false),
  '2': described('Desligar', '', 'POST', false),
  '3': described('Setar música', 'Música', 'PATCH', false),
  '4': described('Tocar', '', 'POST', false),
  '5': described('Pausar', '', 'POST', false),
};

export const SENSOR_DESCRIPTION = {
  '1': described('Ligar', '', 'POST', false),
  '2': described('Desligar', '', 'POST', false),
  '3': described('Retornar medida de temperatura', '', 'GET', true),
};

/** A UDP socket that sends from one port, of `localAddress` where given. */
export async function datagramSender(
  t: TestContext,
  toPort: number,
  from: { address?: string; port?: number } = {},
): Promise<(text: string | Buffer) => Promise<void>> {
  const socket = createSocket('udp4');
  await new Promise<void>(
    (resolve) => void socket.bind(from.port ?? 0, from.address ?? '127.0.0.1', resolve),
  );
  t.after(() => socket.close());
  return (text) =>
    new Promise((resolve, reject) => {
      socket.send(text, toPort, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
    });
}
