import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import type { Json } from '../helpers/json.ts';

const DESCRIPTION = { commands: { work: { input: { type: 'integer' } } } };

/** What a device does with a command that it was sent: answer it, say nothing, or go. */
export type Manner = 'answer' | 'silence' | 'leave';

/** A framed device that keeps a record of all that it was told to do, and comes back as often as it is told to. */
export class CrashDevice {
  readonly id: string;
  /** The inputs of the commands that it was sent, in their order. */
  readonly done: number[] = [];
  readonly #port: number;
  choose: () => Manner;
  #socket: Socket | undefined;

  constructor(id: string, port: number, choose: () => Manner) {
    this.id = id;
    this.#port = port;
    this.choose = choose;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** False where no hub is there. */
  async join(): Promise<boolean> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    const isThere = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      once(socket, 'close').then(() => false),
    ]);
    if (!isThere) return false;
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    // It has the errors of its socket too.
    lines.on('error', () => {});
    lines.on('line', (line) => this.#onLine(socket, JSON.parse(line) as Record<string, Json>));
    socket.write(`${JSON.stringify({ recado: 2, id: this.id, description: DESCRIPTION })}\n`);
    return true;
  }

  leave(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #onLine(socket: Socket, message: Record<string, Json>): void {
    if (message['ping'] !== undefined) socket.write(`${JSON.stringify({ pong: message['ping'] })}\n`);
    if (message['cmd'] === undefined) return;
    const input = message['input'] as number;
    this.done.push(input);
    const manner = this.choose();
    if (manner === 'leave') this.leave();
    else if (manner === 'answer')
      socket.write(`${JSON.stringify({ re: message['cmd'], output: input * 2 })}\n`);
  }
}
