import type { Socket } from 'node:net';
import { shareOpenFiles } from '../../base/open-files.ts';
import { addressParty } from '../../base/networks.ts';
import type { RefusalReason, Refusals } from './refusals.ts';

export const DEFAULT_MAX_HANDSHAKES = 2048;
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Bounds for connections that have more to do before they are handed over than to be there. */
export type HandshakeLimits = {
  /**
   * Connections whose PROXY header, TLS and HTTP upgrade are under way; 2048 unless told, fewer where few files may be
   * open.
   */
  readonly maxHandshakes?: number;
  /** For all of them together, in ms; 10,000 unless told. A slow trickle of bytes does not extend it. */
  readonly handshakeTimeoutMs?: number;
};

type Handshake = {
  address: string;
  party: string;
  readonly timer: NodeJS.Timeout;
  /** As it was before. */
  readonly allowsHalfOpen: boolean;
};

/**
 * The connections of one listener that are not handed over yet. Each ends by `finish`, by `refuse`, or by itself. When
 * there are as many as there may be, the oldest of the address that has most makes room: who opens many and says
 * nothing keeps nobody out.
 */
export class Handshakes {
  readonly #refusals: Refusals;
  readonly #max: number;
  readonly #timeoutMs: number;
  /** The oldest first. */
  readonly #underWay = new Map<Socket, Handshake>();
  readonly #perParty = new Map<string, number>();

  constructor(refusals: Refusals, limits: HandshakeLimits) {
    this.#refusals = refusals;
    this.#max = limits.maxHandshakes ?? Math.min(DEFAULT_MAX_HANDSHAKES, shareOpenFiles().handshakes);
    this.#timeoutMs = limits.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
  }

  begin(socket: Socket, address: string): void {
    if (this.#underWay.size >= this.#max) this.#makeRoom();
    const party = addressParty(address);
    this.#count(party, 1);
    const timer = setTimeout(() => this.refuse(socket, 'handshake-timeout'), this.#timeoutMs);
    this.#underWay.set(socket, { address, party, timer, allowsHalfOpen: socket.allowHalfOpen });
    // Whoever says nothing more now has left. TLS over it goes by this for good, as HTTPS does.
    socket.allowHalfOpen = false;
    // Without a listener, a reset by the peer would end the process.
    socket.on('error', ignore);
    // Later, because TLS closes the socket first and says why afterwards.
    socket.once('close', () => void setImmediate(() => this.refuse(socket, 'handshake-unfinished')));
  }

  /** Puts one down to the address that a balancer tells. */
  move(socket: Socket, address: string): void {
    const handshake = this.#underWay.get(socket);
    if (handshake === undefined) return;
    this.#count(handshake.party, -1);
    handshake.address = address;
    handshake.party = addressParty(address);
    this.#count(handshake.party, 1);
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

  #makeRoom(): void {
    let most = '';
    let mostCount = 0;
    for (const [party, count] of this.#perParty) {
      if (count <= mostCount) continue;
      most = party;
      mostCount = count;
    }
    for (const [socket, { party }] of this.#underWay) {
      if (party === most) return this.refuse(socket, 'too-many-handshakes');
    }
  }

  #forget(socket: Socket): Handshake | undefined {
    const handshake = this.#underWay.get(socket);
    if (handshake === undefined) return undefined;
    const { party, timer, allowsHalfOpen } = handshake;
    this.#underWay.delete(socket);
    socket.allowHalfOpen = allowsHalfOpen;
    this.#count(party, -1);
    clearTimeout(timer);
    return handshake;
  }

  #count(party: string, change: 1 | -1): void {
    const count = (this.#perParty.get(party) ?? 0) + change;
    if (count === 0) this.#perParty.delete(party);
    else this.#perParty.set(party, count);
  }
}

function ignore(): void {}
