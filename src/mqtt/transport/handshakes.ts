import type { Socket } from 'node:net';
import type { RefusalReason, Refusals } from './refusals.ts';

export const DEFAULT_MAX_HANDSHAKES = 2048;
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Bounds for connections that have more to do before they are handed over than to be there. */
export type HandshakeLimits = {
  /** Connections whose PROXY header, TLS and HTTP upgrade are under way; 2048 unless told. */
  readonly maxHandshakes?: number;
  /** For all of them together, in ms; 10,000 unless told. A slow trickle of bytes does not extend it. */
  readonly handshakeTimeoutMs?: number;
};

type Handshake = { readonly address: string; readonly timer: NodeJS.Timeout };

/** The connections of one listener that are not handed over yet. Each ends by `finish`, by `refuse`, or by itself. */
export class Handshakes {
  readonly #refusals: Refusals;
  readonly #max: number;
  readonly #timeoutMs: number;
  readonly #underWay = new Map<Socket, Handshake>();

  constructor(refusals: Refusals, limits: HandshakeLimits) {
    this.#refusals = refusals;
    this.#max = limits.maxHandshakes ?? DEFAULT_MAX_HANDSHAKES;
    this.#timeoutMs = limits.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
  }

  /** @returns false when there is no room for it: it has been destroyed then */
  begin(socket: Socket, address: string): boolean {
    if (this.#underWay.size >= this.#max) {
      socket.destroy();
      this.#refusals.tell('too-many-handshakes', address);
      return false;
    }
    const timer = setTimeout(() => this.refuse(socket, 'handshake-timeout'), this.#timeoutMs);
    this.#underWay.set(socket, { address, timer });
    // Without a listener, a reset by the peer would end the process.
    socket.on('error', ignore);
    // Later, because TLS closes the socket first and says why afterwards.
    socket.once('close', () => void setImmediate(() => this.refuse(socket, 'handshake-unfinished')));
    return true;
  }

  /** @returns false when it was refused meanwhile, and is not to be used */
  finish(socket: Socket): boolean {
    return this.#forget(socket) !== undefined;
  }

  /** Closes a connection whose handshake is under way; others are left alone. */
  refuse(socket: Socket, reason: RefusalReason, error?: Error): void {
    const handshake = this.#forget(socket);
    if (handshake === undefined) return;
    socket.destroy();
    this.#refusals.tell(reason, handshake.address, error);
  }

  /** Closes them all, because the listener closes. */
  close(): void {
    for (const socket of this.#underWay.keys()) {
      this.#forget(socket);
      socket.destroy();
    }
  }

  #forget(socket: Socket): Handshake | undefined {
    const handshake = this.#underWay.get(socket);
    this.#underWay.delete(socket);
    clearTimeout(handshake?.timer);
    return handshake;
  }
}

function ignore(): void {}
