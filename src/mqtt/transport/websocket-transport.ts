import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { HALF_CLOSED_LINGER_MS } from './duplex-transport.ts';
import type { Slice } from './slice.ts';
import { Written, type Peer, type Transport, type TransportReceiver } from './transport.ts';

const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED_DATA = 1003;
const BINARY = { binary: true } as const;

const OWNER = Symbol('transport');
type OwnedWebSocket = WebSocket & { [OWNER]: WebSocketTransport };
type OwnedSocket = Duplex & { [OWNER]: WebSocketTransport };

/** MQTT in the binary messages of a WebSocket. Each write is one message; packets may span several [MQTT-6.0.0-2]. */
export class WebSocketTransport implements Transport {
  readonly peer: Peer;
  readonly #webSocket: WebSocket;
  /** What lies under the WebSocket: `ws` writes to it without a queue of its own, so its backpressure is ours. */
  readonly #socket: Duplex;
  #receiver: TransportReceiver | undefined;
  #isBlocked = false;
  #isOver = false;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(webSocket: WebSocket, socket: Duplex, peer: Peer) {
    this.peer = peer;
    this.#webSocket = webSocket;
    this.#socket = socket;
    (webSocket as OwnedWebSocket)[OWNER] = this;
    (socket as OwnedSocket)[OWNER] = this;
    webSocket.on('message', onMessage);
    webSocket.on('error', onWebSocketError);
    webSocket.on('close', onClose);
    socket.on('error', onSocketError);
    socket.on('end', onSocketEnd);
  }

  begin(receiver: TransportReceiver): void {
    this.#receiver = receiver;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Buffer): Written {
    if (!this.#isOpen) return Written.TAKEN;
    this.#webSocket.send(bytes, BINARY);
    return this.#whatBecame();
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    if (!this.#isOpen) return Written.TAKEN;
    this.#socket.cork();
    for (let index = start; index < end; index++) {
      const { bytes, block } = slices[index]!;
      block?.hold();
      this.#webSocket.send(bytes, BINARY, block?.onWritten);
    }
    this.#socket.uncork();
    return this.#whatBecame();
  }

  get #isOpen(): boolean {
    return !this.#isOver && this.#socket.writable && this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #whatBecame(): Written {
    const socket = this.#socket;
    if (socket.writableLength === 0) return Written.TAKEN;
    if (!socket.writableNeedDrain) return Written.KEPT;
    if (!this.#isBlocked) {
      this.#isBlocked = true;
      socket.once('drain', onDrain);
    }
    return Written.BLOCKED;
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  end(lingerMs: number): void {
    if (!this.#isOver) this.close(CLOSE_NORMAL, lingerMs);
  }

  destroy(): void {
    this.#isOver = true;
    this.#webSocket.terminate();
  }

  /** @internal Closes with a status code; the peer has `lingerMs` to do its part. */
  close(code: number, lingerMs: number): void {
    this.#isOver = true;
    this.#webSocket.close(code);
    this.terminateAfter(lingerMs);
    // The peer's own close comes only to one who reads.
    this.#webSocket.resume();
  }

  /** @internal */
  terminateAfter(lingerMs: number): void {
    this.#linger ??= setTimeout(terminate, lingerMs, this.#webSocket);
  }

  /** @internal */
  arrived(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    // Binary by the default `binaryType` of ws: one Buffer for each message.
    if (isBinary) {
      this.#receiver?.onBytes(data as Buffer, (data as Buffer).length);
      this.#receiver?.room();
      return;
    }
    // [MQTT-6.0.0-1]
    this.close(CLOSE_UNSUPPORTED_DATA, HALF_CLOSED_LINGER_MS);
  }

  /** @internal */
  failed(error: Error): void {
    this.#error ??= error;
  }

  /** @internal */
  drained(): void {
    this.#isBlocked = false;
    if (!this.#isOver) this.#receiver?.onDrained();
  }

  /** @internal */
  closed(): void {
    clearTimeout(this.#linger);
    this.#isOver = true;
    this.#receiver?.onClosed(this.#error);
    this.#receiver = undefined;
  }
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as OwnedWebSocket)[OWNER].arrived(data, isBinary);
}

/** The peer broke the protocol: ws has sent it the reason, and would wait for its answer for long. */
function onWebSocketError(this: WebSocket, error: Error): void {
  (this as OwnedWebSocket)[OWNER].failed(error);
  (this as OwnedWebSocket)[OWNER].terminateAfter(HALF_CLOSED_LINGER_MS);
}

function onClose(this: WebSocket): void {
  (this as OwnedWebSocket)[OWNER].closed();
}

function onSocketError(this: Duplex, error: Error): void {
  (this as OwnedSocket)[OWNER].failed(error);
}

function onSocketEnd(this: Duplex): void {
  (this as OwnedSocket)[OWNER].terminateAfter(HALF_CLOSED_LINGER_MS);
}

function onDrain(this: Duplex): void {
  (this as OwnedSocket)[OWNER].drained();
}

function terminate(webSocket: WebSocket): void {
  webSocket.terminate();
}
