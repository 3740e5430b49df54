import type { Slice } from '../../src/mqtt/transport/slice.ts';
import {
  Written,
  type Peer,
  type Transport,
  type TransportAcceptor,
  type TransportReceiver,
} from '../../src/mqtt/transport/transport.ts';
import { RoomReader, writeEach } from './transport-parts.ts';

const NO_CERTIFICATE = undefined;

export type MemoryTransportOptions = {
  readonly address?: string;
  /** Bytes that the other side may leave unread before `write` says that it is blocked. */
  readonly maxUnreadBytes?: number;
  /** When things that happen later happen; the end of the turn by default. */
  readonly later?: (run: () => void) => void;
};

/**
 * A network connection without a network: what the broker writes is collected, and read when the test wants. Nothing
 * is called back from within a call, as the seam demands.
 */
export class MemoryTransport implements Transport {
  readonly peer: Peer;
  isPaused = false;
  isClosed = false;
  /** The broker said `end`: no more bytes will come. */
  hasEnded = false;
  readonly #maxUnreadBytes: number;
  readonly #later: (run: () => void) => void;
  #receiver: TransportReceiver | undefined;
  readonly #reader = new RoomReader();
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #arrived: Buffer[] = [];
  #isReading = true;
  #isBlocked = false;
  #onWritten: (() => void) | undefined;

  constructor(options: MemoryTransportOptions = {}) {
    const { address = '127.0.0.1', maxUnreadBytes = 65_536, later = setImmediate } = options;
    this.peer = { transport: 'stream', address, port: 1, certificate: NO_CERTIFICATE };
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#later = later;
  }

  /** Connects; false when the broker refuses. */
  connect(acceptor: TransportAcceptor): boolean {
    this.#receiver = acceptor.accept(this);
    return this.#receiver !== undefined;
  }

  get bufferedBytes(): number {
    return this.#unreadBytes;
  }

  get unsentMark(): number {
    return this.#unreadBytes;
  }

  /** Called when there is something to read, or the connection is over. */
  onChange(call: () => void): void {
    this.#onWritten = call;
  }

  /** Sends bytes to the broker, in one piece; they wait while it does not read. */
  send(bytes: Uint8Array): void {
    if (this.isClosed) return;
    // What came while it was paused comes first, also when that is still on its way.
    if (this.isPaused || this.#arrived.length > 0) this.#arrived.push(Buffer.from(bytes));
    else this.#hand(Buffer.from(bytes));
  }

  /** What the broker has sent since the last call; frees it to send more. */
  read(): Buffer {
    const bytes = Buffer.concat(this.#unread);
    this.#unread = [];
    this.#unreadBytes = 0;
    if (this.#isBlocked && this.#isReading) {
      this.#isBlocked = false;
      this.#later(() => {
        if (!this.isClosed) this.#receiver?.onDrained();
      });
    }
    return bytes;
  }

  /** Breaks the connection, from outside. */
  breakOff(error?: Error): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#receiver?.onClosed(error);
    this.#onWritten?.();
  }

  write(bytes: Buffer): Written {
    if (this.isClosed || this.hasEnded) return Written.TAKEN;
    this.#unread.push(Buffer.from(bytes));
    this.#unreadBytes += bytes.length;
    if (this.#onWritten !== undefined) this.#later(this.#onWritten);
    if (this.#unreadBytes < this.#maxUnreadBytes) return Written.TAKEN;
    this.#isBlocked = true;
    return Written.BLOCKED;
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    return writeEach(this, slices, start, end);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#later(() => this.#deliverArrived());
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#closeLater();
  }

  destroy(): void {
    this.hasEnded = true;
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#closeLater();
  }

  #deliverArrived(): void {
    while (!this.isPaused && !this.isClosed && this.#arrived.length > 0) {
      this.#hand(this.#arrived.shift()!);
    }
  }

  #hand(bytes: Buffer): void {
    if (this.#receiver !== undefined) this.#reader.hand(this.#receiver, bytes);
  }

  #closeLater(): void {
    this.#later(() => {
      if (this.isClosed) return;
      this.isClosed = true;
      this.#receiver?.onClosed(undefined);
      this.#onWritten?.();
    });
  }
}
