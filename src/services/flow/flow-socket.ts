import type { Duplex } from 'node:stream';
import type { Flow } from './flow.ts';

type FlowSocketEvents = {
  /** So many bytes of it go on their way. */
  readonly onRead?: (bytes: number) => void;
  /** @param hasEnded - all that it had to say was read before */
  readonly onClosed: (hasEnded: boolean) => void;
};

/** A connection that has left HTTP for another protocol: its bytes go both ways on a flow, unread. */
export class FlowSocket {
  readonly #socket: Duplex;
  readonly #flow: Flow;

  /** The head of the answer, which is before all these bytes, has begun on the flow. */
  constructor(socket: Duplex, flow: Flow, { onRead, onClosed }: FlowSocketEvents) {
    this.#socket = socket;
    this.#flow = flow;
    socket.on('data', (piece: Buffer) => {
      onRead?.(piece.length);
      if (!flow.give(piece)) socket.pause();
    });
    socket.on('end', () => flow.end());
    socket.on('error', ignore);
    socket.on('close', () => onClosed(socket.readableEnded));
    socket.resume();
  }

  /** @param body - is copied: it is borrowed from the message that it came in */
  write(body: Uint8Array): void {
    const { length } = body;
    this.#socket.write(Buffer.from(body), (error) => {
      if (error === undefined || error === null) this.#flow.consume(length);
    });
  }

  /** What was read has left: there may be more. */
  resume(): void {
    this.#socket.resume();
  }

  /** The other side has no more to say. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function ignore(): void {}
