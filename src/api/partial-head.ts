import type { Socket } from 'node:net';
import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import { isAnswered } from './request-heads.ts';

/** Of a head; a connection is booked with as much. */
const FREE_BYTES = 4096;

/**
 * The head of a request that has not come whole. Node keeps it and tells of none before its end, so the bytes of the
 * connection are looked at, as long as nothing is asked over it.
 */
export class PartialHead {
  /** What had come before it; undefined while a request is under way. */
  #from: number | undefined = 0;
  #booked: { readonly party: Party; readonly cost: number } | undefined;
  #isOver = false;

  /** Whether closing its connection gives back something of it. */
  get isBooked(): boolean {
    return this.#booked !== undefined;
  }

  /** Books what has come since it was looked at last; false where there is no room. */
  look(socket: Socket, party: Party): boolean {
    if (this.#isOver) return true;
    if (isAnswered(socket)) this.#from ??= socket.bytesRead;
    else this.#from = undefined;
    const bytes = socket.bytesRead - (this.#from ?? socket.bytesRead);
    this.#giveBack();
    if (bytes <= FREE_BYTES) return true;
    const cost = costOf(KeptKind.PARTIAL, bytes);
    if (!party.admit(KeptKind.PARTIAL, cost)) return false;
    this.#booked = { party, cost };
    return true;
  }

  /** No more requests come over this connection. */
  end(): void {
    this.#isOver = true;
    this.#giveBack();
  }

  #giveBack(): void {
    this.#booked?.party.release(KeptKind.PARTIAL, this.#booked.cost);
    this.#booked = undefined;
  }
}
