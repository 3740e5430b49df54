import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { HeaderList } from '../wire/header-list.ts';

// An import would load all that hangs on the module's names (docs/decisions/0020).
const { ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http');

/** How long a caller that was told all may take to close. */
const LINGER_MS = 2000;

/**
 * The response to a request that asks for another protocol: Node has given its connection away. As any other response
 * it answers and closes, or it gives the connection over to that protocol.
 */
export class UpgradeResponse extends ServerResponse {
  readonly #socket: Socket;
  #isSwitched = false;

  /** @param head - what came behind the request */
  constructor(request: IncomingMessage, socket: Socket, head: Buffer) {
    super(request);
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
    socket.on('error', ignore);
    this.shouldKeepAlive = false;
    this.assignSocket(socket);
    this.once('finish', () => {
      this.detachSocket(socket);
      this.finish();
      // As with any other response: it is over when all of it has left.
      this.emit('close');
    });
  }

  /** The other protocol is spoken. */
  get isSwitched(): boolean {
    return this.#isSwitched;
  }

  /** Says that from here on the other protocol is spoken. `close` comes when the connection is closed, as ever. */
  switchProtocol(headers: HeaderList): Socket {
    const socket = this.#socket;
    this.#isSwitched = true;
    this.detachSocket(socket);
    const fields = [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...headers];
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines.join('')}\r\n`, 'latin1');
    socket.once('close', () => this.emit('close'));
    return socket;
  }

  override destroy(error?: Error): this {
    this.#socket.destroy();
    return super.destroy(error);
  }

  /** All has been said: the caller closes, or it is closed. */
  finish(): void {
    const socket = this.#socket;
    socket.end();
    // A connection that is closed with unread bytes would take the answer with it.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }
}

function ignore(): void {}
