import { Framer } from '../../src/mqtt/codec/framer.ts';
import type { PooledBlock } from '../../src/base/blocks.ts';
import type { Slice } from '../../src/mqtt/transport/slice.ts';
import {
  Written,
  type Peer,
  type Transport,
  type TransportAcceptor,
  type TransportReceiver,
} from '../../src/mqtt/transport/transport.ts';
import { RoomReader, writeEach } from '../helpers/transport-parts.ts';

/** Changes what the broker says, packet by packet: a broker with a fault, for simulations that must fail. */
export type WireFault = (packet: Buffer) => readonly Buffer[];

export type SimulatedWireOptions = {
  /** When things happen that must not happen within a call. */
  readonly later: (run: () => void) => void;
  /** Bytes that the client may leave unread before the broker is to stop. */
  readonly maxUnreadBytes: number;
  /** Keeps the broker's own buffers instead of copies, as a real transport may that says so. */
  readonly keepsBuffers: boolean;
  readonly fault: WireFault | undefined;
};

const PEER: Peer = { transport: 'stream', address: '', port: 0, certificate: undefined };
const GARBAGE = 0xa5;

/** A network connection of a simulation: nothing moves but by `deliver` and `read`. */
export class SimulatedWire implements Transport {
  readonly peer = PEER;
  isPaused = false;
  /** The broker has ended it: what it wrote before may still be read. */
  hasEnded = false;
  isOver = false;
  /** The broker was told at least once to stop. */
  hasBlocked = false;
  readonly #options: SimulatedWireOptions;
  readonly #framer = new Framer();
  #receiver: TransportReceiver | undefined;
  readonly #reader = new RoomReader();
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  /** That the unread bytes lie in. */
  readonly #blocks: PooledBlock[] = [];
  #keepsSome = false;
  /** The broker was told of it, and is told when it has gone. */
  #isTold = false;

  constructor(options: SimulatedWireOptions) {
    this.#options = options;
  }

  get bufferedBytes(): number {
    return this.#unreadBytes;
  }

  get unsentMark(): number {
    return this.#unreadBytes;
  }

  get receiver(): TransportReceiver | undefined {
    return this.#receiver;
  }

  connect(acceptor: TransportAcceptor): void {
    this.#receiver = acceptor.accept(this);
  }

  /** Bytes arrive at the broker; afterwards they are no more what they were. */
  deliver(bytes: Buffer): void {
    if (this.#receiver !== undefined) this.#reader.hand(this.#receiver, bytes);
    bytes.fill(GARBAGE);
  }

  /** What the broker wrote since the last call. */
  read(): Buffer {
    if (this.#unread.length === 0) return EMPTY;
    const bytes = this.#unread.length === 1 ? this.#unread[0]! : Buffer.concat(this.#unread);
    this.#unread = [];
    this.#unreadBytes = 0;
    for (const block of this.#blocks.splice(0)) block.release();
    this.#keepsSome = false;
    if (this.#isTold) {
      this.#isTold = false;
      this.#options.later(() => {
        if (!this.isOver) this.#receiver?.onDrained();
      });
    }
    return bytes;
  }

  /** The network breaks. */
  breakOff(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#receiver?.onClosed(undefined);
  }

  /** The broker is gone, and nobody tells it anything any more. */
  abandon(): void {
    this.isOver = true;
    this.#receiver = undefined;
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    for (const { block } of slices.slice(start, end)) {
      if (block === undefined) continue;
      block.hold();
      this.#blocks.push(block);
    }
    return writeEach(this, slices, start, end);
  }

  write(bytes: Buffer): Written {
    if (this.isOver || this.hasEnded) return Written.TAKEN;
    const { fault, keepsBuffers, maxUnreadBytes } = this.#options;
    const isBlocked = this.#unreadBytes + bytes.length >= maxUnreadBytes;
    const isKept = keepsBuffers || isBlocked;
    if (fault === undefined) this.#push(isKept ? bytes : Buffer.from(bytes));
    else this.#writeFaulty(bytes, fault);
    if (isKept && !this.#keepsSome) this.#options.later(() => this.#tellKept());
    this.#keepsSome ||= isKept;
    if (isBlocked) {
      this.#isTold = true;
      this.hasBlocked = true;
      return Written.BLOCKED;
    }
    return isKept ? Written.KEPT : Written.TAKEN;
  }

  #tellKept(): void {
    if (!this.#keepsSome || this.#isTold || this.isOver) return;
    this.#isTold = true;
    this.#receiver?.onKept?.();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#options.later(() => this.breakOff());
  }

  destroy(): void {
    this.#unread = [];
    this.end();
  }

  #writeFaulty(bytes: Buffer, fault: WireFault): void {
    this.#framer.push(bytes, 0, bytes.length);
    while (this.#framer.next()) {
      const { bytes: source, packetStart, bodyEnd } = this.#framer;
      for (const packet of fault(Buffer.from(source.subarray(packetStart, bodyEnd)))) this.#push(packet);
    }
  }

  #push(bytes: Buffer): void {
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
  }
}

const EMPTY = Buffer.alloc(0);
