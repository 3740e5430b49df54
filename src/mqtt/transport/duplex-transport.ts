import type { Duplex } from 'node:stream';
import type { Slice } from './slice.ts';
import { Written, type Peer, type Transport, type TransportReceiver } from './transport.ts';

/** How long what was written may take to go to a peer that has ended its side. */
export const HALF_CLOSED_LINGER_MS = 5000;

const OWNER = Symbol('transport');
type Owned = Duplex & { [OWNER]: DuplexTransport };

const NOBODY: TransportReceiver = { onBytes() {}, room: () => undefined, onDrained() {}, onClosed() {} };

/**
 * Everything about a transport over a Node stream but how its bytes arrive. The listeners are shared functions that
 * find their transport through the stream: a closure each would be most of what an idle connection costs.
 */
export abstract class DuplexTransport implements Transport {
  readonly peer: Peer;
  protected readonly duplex: Duplex;
  protected receiver: TransportReceiver = NOBODY;
  #isBlocked = false;
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

  abstract pause(): void;
  abstract resume(): void;

  /** From now on, what happens is told; bytes arrive unless it was paused meanwhile. */
  begin(receiver: TransportReceiver): void {
    this.receiver = receiver;
  }

  get bufferedBytes(): number {
    return this.duplex.writableLength;
  }

  write(bytes: Buffer): Written {
    const duplex = this.duplex;
    if (!duplex.writable) return Written.TAKEN;
    duplex.write(bytes);
    return this.#whatBecame();
  }

  writeSlices(slices: readonly Slice[], start: number, end: number): Written {
    const duplex = this.duplex;
    if (!duplex.writable) return Written.TAKEN;
    duplex.cork();
    for (let index = start; index < end; index++) {
      const { bytes, block } = slices[index]!;
      block?.hold();
      duplex.write(bytes, block?.onWritten);
    }
    duplex.uncork();
    return this.#whatBecame();
  }

  #whatBecame(): Written {
    const duplex = this.duplex;
    if (duplex.writableLength === 0) return Written.TAKEN;
    if (!duplex.writableNeedDrain) return Written.KEPT;
    if (!this.#isBlocked) {
      this.#isBlocked = true;
      duplex.once('drain', onDrain);
    }
    return Written.BLOCKED;
  }

  end(lingerMs: number): void {
    if (!this.duplex.writable) return;
    this.duplex.end();
    this.#linger = setTimeout(destroyDuplex, lingerMs, this.duplex);
    // What still arrives is read and thrown away: closing over unread bytes would reset the connection, and the peer
    // could lose the last ones it was sent. It is also how the end of the peer's side is seen.
    this.resume();
  }

  destroy(): void {
    this.duplex.destroy();
  }

  /** Hands arrived bytes on; after `end` or `destroy` they are thrown away. */
  protected receive(bytes: Buffer, length: number): void {
    if (this.duplex.writable) this.receiver.onBytes(bytes, length);
  }

  /** @internal */
  failed(error: Error): void {
    this.#error = error;
  }

  /** @internal */
  drained(): void {
    this.#isBlocked = false;
    this.receiver.onDrained();
  }

  /** @internal */
  closed(): void {
    clearTimeout(this.#linger);
    const receiver = this.receiver;
    this.receiver = NOBODY;
    receiver.onClosed(this.#error);
  }
}

function onError(this: Duplex, error: Error): void {
  (this as Owned)[OWNER].failed(error);
}

function onDrain(this: Duplex): void {
  (this as Owned)[OWNER].drained();
}

/** An MQTT peer that has ended its side is gone: ours ends too. */
function onEnd(this: Duplex): void {
  (this as Owned)[OWNER].end(HALF_CLOSED_LINGER_MS);
}

function onClose(this: Duplex): void {
  (this as Owned)[OWNER].closed();
}

function destroyDuplex(duplex: Duplex): void {
  duplex.destroy();
}
