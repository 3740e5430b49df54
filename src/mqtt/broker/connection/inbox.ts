import type { BlockPool } from '../../../base/blocks.ts';
import { Framer } from '../../codec/framer.ts';
import type { Transport } from '../../transport/transport.ts';

export const InboxState = {
  /** Packets are handled as they come. */
  READING: 0,
  /** Something must be decided, or written by the store, before the next packet is looked at. */
  DECIDING: 1,
  /** It has given more to do than one turn has time for. */
  NEXT_TURN: 2,
  /** The client does not take what it is told, and is not read until it does. */
  FULL: 3,
  CLOSED: 4,
} as const;
export type InboxState = (typeof InboxState)[keyof typeof InboxState];

const { READING, DECIDING, NEXT_TURN, FULL, CLOSED } = InboxState;

/** What an inbox hands its packets to. */
export type InboxOwner = {
  /** Handles the packet that the framer shows. */
  onPacket(framer: Framer): void;
  /** A packet could not be handled, or the stream cannot be cut into packets. */
  onFault(error: unknown): void;
  /** Whether the client takes what it is told; told by `roomLeft` when it does again. */
  readonly isOverfull: boolean;
  /** So much memory holds what came of a packet that is not whole. */
  onHeld(bytes: number): void;
};

/** Shares the time of a turn out. */
type InboxTurns = {
  /** Packets that were read, and steps of what they caused, in this turn. */
  work: number;
  /** Where the reading of packets stops until the next turn. */
  readonly workLimit: number;
  /** Calls `takeTurn` in the next turn. */
  readLater(inbox: Inbox): void;
  /** Where large packets are put together. */
  readonly blocks: BlockPool;
};

/** What arrives over one connection: cut into packets, and handed on one after the other while it may be. */
export class Inbox {
  readonly #owner: InboxOwner;
  readonly #transport: Transport;
  readonly #turns: InboxTurns;
  readonly framer: Framer;
  #state: InboxState = READING;
  #heldBytes = 0;

  constructor(owner: InboxOwner, transport: Transport, turns: InboxTurns, maxPacketBytes: number) {
    this.#owner = owner;
    this.#transport = transport;
    this.#turns = turns;
    this.framer = new Framer(maxPacketBytes, turns.blocks);
  }

  get state(): InboxState {
    return this.#state;
  }

  push(bytes: Buffer, length: number): void {
    this.framer.push(bytes, 0, length);
    if (this.#state === READING) this.#readPackets();
    else this.framer.hold();
    this.#tellHeld();
  }

  /** Stops after the packet that is being handled, until `decided`; also where that has just filled the outbox. */
  decide(): void {
    if (this.#state !== CLOSED) this.#stop(DECIDING);
  }

  /** False when nothing was to be decided, or the connection is over. */
  decided(): boolean {
    if (this.#state !== DECIDING) return false;
    this.#goOn();
    return true;
  }

  /** In the turn after the one that had no time for more. */
  takeTurn(): void {
    if (this.#state === NEXT_TURN) this.#goOn();
  }

  /** Stops until `roomLeft`; false when it has stopped already. */
  fill(): boolean {
    if (this.#state !== READING) return false;
    this.#stop(FULL);
    return true;
  }

  /** The client takes more again. */
  roomLeft(): void {
    if (this.#state === FULL) this.#readInNextTurn();
  }

  /** Where the next bytes are best put. */
  room(): Buffer | undefined {
    if (this.#state === CLOSED) this.release();
    const room = this.framer.room();
    // The framer lets go of a block here, and nowhere else.
    this.#tellHeld();
    return room;
  }

  close(): void {
    this.#state = CLOSED;
  }

  /** After `close`, when no bytes can come into the room that was given any more. */
  release(): void {
    this.framer.close();
  }

  #stop(state: InboxState): void {
    this.#state = state;
    this.#transport.pause();
  }

  #readInNextTurn(): void {
    this.#stop(NEXT_TURN);
    this.#turns.readLater(this);
  }

  #goOn(): void {
    if (this.#owner.isOverfull) {
      this.#state = FULL;
      return;
    }
    this.#state = READING;
    this.#readPackets();
    this.#tellHeld();
    if (this.#isReading()) this.#transport.resume();
  }

  #readPackets(): void {
    const turns = this.#turns;
    const { framer } = this;
    // What others have given to do may fill this turn already.
    if (turns.work >= turns.workLimit) {
      framer.hold();
      this.#readInNextTurn();
      return;
    }
    try {
      while (framer.next()) {
        this.#owner.onPacket(framer);
        if (!this.#isReading()) {
          framer.hold();
          return;
        }
        if (++turns.work >= turns.workLimit) {
          framer.hold();
          this.#readInNextTurn();
          return;
        }
      }
    } catch (error) {
      this.#owner.onFault(error);
    }
  }

  #tellHeld(): void {
    const bytes = this.framer.heldCapacityBytes;
    if (bytes === this.#heldBytes || this.#state === CLOSED) return;
    this.#heldBytes = bytes;
    this.#owner.onHeld(bytes);
  }

  #isReading(): boolean {
    return this.#state === READING;
  }
}
