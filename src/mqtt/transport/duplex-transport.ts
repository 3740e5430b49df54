import type { Duplex } from 'node:stream';
import { Turn, type TurnWork } from '../../base/turn.ts';
import type { Slice } from './slice.ts';
import { Written, type Peer, type Transport, type TransportReceiver } from './transport.ts';

/** How long what was written may take to go to a peer that has ended its side. */
export const HALF_CLOSED_LINGER_MS = 5000;

const NOTHING_MORE = Buffer.alloc(0);

/** What was written and has not gone. */
const Waiting = {
  NOTHING: 0,
  /** It is looked at in the next turn. */
  UNSEEN: 1,
  /** `onKept` has told of it. */
  TOLD: 2,
  /** It is as much as should wait. */
  BLOCKED: 3,
} as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

/** All that look in this turn at what they kept in the one before. */
const looks = new Turn();

const OWNER = Symbol('transport');
type Owned = Duplex & { [OWNER]: DuplexTransport };

const NOBODY: TransportReceiver = {
  onBytes() {},
  room: () => undefined,
  onDrained() {},
  onClosed() {},
};

/**
 * Everything about a transport over a Node stream but how its bytes arrive. The listeners are shared functions that
 * find their transport through the stream: a closure each would be most of what an idle connection costs.
 */
export abstract class DuplexTransport implements Transport, TurnWork {
  readonly peer: Peer;
  protected readonly duplex: Duplex;
  protected receiver: TransportReceiver = NOBODY;
  protected isPaused = false;
  #waiting: Waiting = Waiting.NOTHING;
  #error: Error | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(duplex: Duplex, peer: Peer) {
    this.duplex = duplex;
    this.peer = peer;
    (duplex as Owned)[OWNER] = this;
    duplex.on('error', onError);
    duplex.on('end', onEnd);
    duplex.on('close', onClose);
  }

  /** From now on, what happens is told; bytes arrive unless it was paused meanwhile. */
  begin(receiver: TransportReceiver): void {
    this.receiver = receiver;
    this.readOn();
  }

  pause(): void {
    this.isPaused = true;
    this.duplex.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.readOn();
  }

  /** @internal Has bytes arrive, where nobody has paused. */
  readOn(): void {
    if (!this.isPaused) this.duplex.resume();
  }

  /** What arrives is handed on, and what is written goes. */
  protected get isOpen(): boolean {
    return this.duplex.writable;
  }

  get bufferedBytes(): number {
    return this.duplex.writableLength;
  }

  get unsentMark(): number {
    // A stream counts a write as a whole, until its last byte has gone; the handle knows how far it has come.
    const { _handle: handle } = this.duplex as { _handle?: { writeQueueSize?: number } | null };
    return this.duplex.writableLength + (handle?.writeQueueSize ?? 0);
  }

  write(bytes: Buffer): Written {
    if (!this.isOpen) return Written.TAKEN;
    this.duplex.write(bytes);
    return this.whatBecame();
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    if (!this.isOpen) return Written.TAKEN;
    this.duplex.cork();
    this.hand(slices, start, end);
    this.duplex.uncork();
    return this.whatBecame();
  }

  /** Gives slices to the stream, which is corked. */
  protected hand(slices: readonly Slice[], start: number, end: number): void {
    for (let index = start; index < end; index++) {
      const { bytes, block } = slices[index]!;
      block?.hold();
      this.duplex.write(bytes, block?.onWritten);
    }
  }

  /** Of what was written just now. */
  protected whatBecame(): Written {
    const duplex = this.duplex;
    if (duplex.writableLength === 0) return Written.TAKEN;
    if (!duplex.writableNeedDrain) {
      if (this.#waiting === Waiting.NOTHING) {
        this.#waiting = Waiting.UNSEEN;
        looks.add(this);
      }
      return Written.KEPT;
    }
    if (this.#waiting !== Waiting.BLOCKED) {
      this.#waiting = Waiting.BLOCKED;
      duplex.once('drain', onDrain);
    }
    return Written.BLOCKED;
  }

  /** TLS keeps all for a turn: only what is there in the next one is told of. */
  endTurn(): void {
    if (this.#waiting !== Waiting.UNSEEN) return;
    if (this.#hasGone()) {
      this.#waiting = Waiting.NOTHING;
      return;
    }
    this.#waiting = Waiting.TOLD;
    this.#awaitKept();
    this.receiver.onKept?.();
  }

  /** A stream tells only of what was too much for it. Nothing more, written behind what it keeps, tells of that. */
  #awaitKept(): void {
    this.duplex.write(NOTHING_MORE, () => {
      if (this.#waiting !== Waiting.TOLD) return;
      if (this.#hasGone()) this.drained();
      else this.#awaitKept();
    });
  }

  #hasGone(): boolean {
    return !this.isOpen || this.duplex.writableLength === 0;
  }

  end(lingerMs: number, onSent?: () => void): void {
    if (!this.duplex.writable) return;
    this.duplex.end(unlessFailed(onSent));
    this.linger(lingerMs);
    // What still arrives is read and thrown away: closing over unread bytes would reset the connection, and the peer
    // could lose the last ones it was sent. It is also how the end of the peer's side is seen.
    this.resume();
  }

  destroy(): void {
    this.duplex.destroy();
  }

  /** Closes when it has not been closed after so long. */
  protected linger(lingerMs: number): void {
    this.#linger ??= setTimeout(destroyDuplex, lingerMs, this.duplex);
  }

  /** Hands arrived bytes on; after `end` or `destroy` they are thrown away. */
  protected receive(bytes: Buffer, length: number): void {
    if (this.isOpen) this.receiver.onBytes(bytes, length);
  }

  /** @internal An MQTT peer that has ended its side is gone: ours ends too. */
  ended(): void {
    this.end(HALF_CLOSED_LINGER_MS);
  }

  /** @internal */
  failed(error: Error): void {
    this.#error = error;
  }

  /** @internal */
  drained(): void {
    this.#waiting = Waiting.NOTHING;
    if (this.isOpen) this.receiver.onDrained();
  }

  /** @internal */
  closed(): void {
    clearTimeout(this.#linger);
    const receiver = this.receiver;
    this.receiver = NOBODY;
    receiver.onClosed(this.#error);
  }
}

/** A callback for a stream, which reports success and failure through the same one. */
export function unlessFailed(onSent: (() => void) | undefined): ((error?: Error | null) => void) | undefined {
  return onSent && ((error) => void (error ?? onSent()));
}

function onError(this: Duplex, error: Error): void {
  (this as Owned)[OWNER].failed(error);
}

function onDrain(this: Duplex): void {
  (this as Owned)[OWNER].drained();
}

function onEnd(this: Duplex): void {
  (this as Owned)[OWNER].ended();
}

function onClose(this: Duplex): void {
  (this as Owned)[OWNER].closed();
}

function destroyDuplex(duplex: Duplex): void {
  duplex.destroy();
}
