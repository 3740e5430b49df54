import type { Socket } from 'node:net';
import { costOf, KeptKind } from '../../../base/kept-kinds.ts';
import type { Party } from '../../../base/ledger.ts';
import type { Turn, TurnWork } from '../../../base/turn.ts';

const NOTHING_MORE = '';

/** What was written to a device and has not gone, because it does not read: booked to its address. */
export class UnreadBytes implements TurnWork {
  readonly #socket: Socket;
  readonly #party: Party;
  readonly #turn: Turn;
  /** There is no room for it. */
  readonly #onFull: () => void;
  #cost = 0;
  #isLookedAt = false;
  #isAwaited = false;
  #isOver = false;

  constructor(socket: Socket, parts: { party: Party; turn: Turn; onFull: () => void }) {
    this.#socket = socket;
    this.#party = parts.party;
    this.#turn = parts.turn;
    this.#onFull = parts.onFull;
  }

  get isBooked(): boolean {
    return this.#cost > 0;
  }

  /** After something was written: what is there at the end of the turn is booked. TLS keeps all until then. */
  look(): void {
    if (this.#isLookedAt || this.#socket.writableLength === 0) return;
    this.#isLookedAt = true;
    this.#turn.add(this);
  }

  endTurn(): void {
    this.#isLookedAt = false;
    if (this.#isOver || this.#socket.destroyed) return;
    const waiting = this.#socket.writableLength;
    const cost = waiting === 0 ? 0 : costOf(KeptKind.OUTBOX, waiting);
    if (cost > this.#cost && !this.#party.makeRoomFor(KeptKind.OUTBOX, cost - this.#cost))
      return this.#onFull();
    // What closed to make room may have been this one.
    if (this.#isOver) return;
    this.#book(cost);
    if (cost > 0) this.#awaitGone();
  }

  #awaitGone(): void {
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#socket.write(NOTHING_MORE, () => {
      this.#isAwaited = false;
      this.endTurn();
    });
  }

  /** Its connection is closed, or as good as that. */
  close(): void {
    this.#isOver = true;
    this.#book(0);
  }

  #book(cost: number): void {
    this.#party.rebook(KeptKind.OUTBOX, this.#cost, cost);
    this.#cost = cost;
  }
}
