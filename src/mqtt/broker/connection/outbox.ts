import type { PacketWriter } from '../../codec/writer.ts';
import { Written, type Transport } from '../../transport/transport.ts';
import type { BrokerStats } from '../stats.ts';
import type { WriterPool } from './writer-pool.ts';

/** A turn that collects more for one connection sends it before it ends. */
const FLUSH_BYTES = 65_536;
/** Acknowledgements beyond `maxBytes` that a client does not read: then it is not read any more either. */
const PAUSE_MARGIN_BYTES = 65_536;

export const OutboxState = {
  /** What is collected goes at the end of the turn. */
  OPEN: 0,
  /** It waits until the store has written what it promises. */
  COMMITTING: 1,
  /** The transport takes no more for now. */
  BLOCKED: 2,
  /** Both of these. */
  BLOCKED_COMMITTING: 3,
  /** The connection is over, but its last bytes still wait for the store. */
  ENDING: 4,
  /** Nothing is sent any more. */
  ENDED: 5,
} as const;
export type OutboxState = (typeof OutboxState)[keyof typeof OutboxState];

export const OutboxEvent = {
  /** Something is said that the store has to write first. */
  WAIT: 0,
  /** The store has written the last of it. */
  COMMITTED: 1,
  /** The transport has said that it is blocked. */
  BLOCK: 2,
  DRAIN: 3,
  /** The connection is to be closed after what it was told. */
  END: 4,
  /** The connection broke, or is to break. */
  DISCARD: 5,
} as const;
export type OutboxEvent = (typeof OutboxEvent)[keyof typeof OutboxEvent];

const { OPEN, COMMITTING, BLOCKED, BLOCKED_COMMITTING, ENDING, ENDED } = OutboxState;
const ILLEGAL = -1;

/** For each state where each event leads, in the order of `OutboxEvent`. */
const TRANSITIONS: readonly (readonly number[])[] = [
  /* OPEN               */ [COMMITTING, ILLEGAL, BLOCKED, ILLEGAL, ENDED, ENDED],
  /* COMMITTING         */ [COMMITTING, OPEN, BLOCKED_COMMITTING, ILLEGAL, ENDING, ENDED],
  /* BLOCKED            */ [BLOCKED_COMMITTING, ILLEGAL, ILLEGAL, OPEN, ENDED, ENDED],
  /* BLOCKED_COMMITTING */ [BLOCKED_COMMITTING, BLOCKED, ILLEGAL, COMMITTING, ENDING, ENDED],
  /* ENDING             */ [ENDING, ENDED, ILLEGAL, ENDING, ENDING, ENDED],
  /* ENDED              */ [ENDED, ENDED, ILLEGAL, ENDED, ENDED, ENDED],
];

/** @throws when the event cannot be in that state */
export function nextOutboxState(state: OutboxState, event: OutboxEvent): OutboxState {
  const next = TRANSITIONS[state]![event]!;
  if (next === ILLEGAL) throw new Error(`an outbox in state ${state} met event ${event}`);
  return next as OutboxState;
}

/** What an outbox tells its connection. */
export type OutboxOwner = {
  /** Calls `endTurn` of the outbox when this turn ends; asked for at most once a turn. */
  flushLater(): void;
  /** So much waits that the client should not be read any further until `onRoom`. */
  onOverfull(): void;
  /** It takes more again. */
  onRoom(): void;
};

/** What the outboxes of one listener have in common. */
export type OutboxRules = {
  readonly writers: WriterPool;
  readonly stats: BrokerStats;
  /** What may wait for a client at most; beyond it nothing more should be given. */
  readonly maxBytes: number;
  readonly lingerMs: number;
};

/**
 * What is to be sent over one connection: collected in a writer until the turn ends, and kept in slices while it must
 * wait for the store or the transport.
 */
export class Outbox {
  readonly #owner: OutboxOwner;
  readonly #transport: Transport;
  readonly #rules: OutboxRules;
  #state: OutboxState = OPEN;
  /** Its connection is among those that are flushed when the turn ends. */
  #isInTurn = false;
  /** The last commit that it waits for. */
  #epoch = 0;
  #writer: PacketWriter | undefined = undefined;
  #slices: Buffer[] | undefined = undefined;
  #sliceBytes = 0;
  /** How many of the slices wait for the commit that is being done; the others wait for a later one. */
  #sealedSlices = 0;
  /** How many of the slices may go although the others wait. */
  #freeSlices = 0;

  constructor(owner: OutboxOwner, transport: Transport, rules: OutboxRules) {
    this.#owner = owner;
    this.#transport = transport;
    this.#rules = rules;
  }

  /** Bytes that wait here, and not yet in the transport. */
  get pendingBytes(): number {
    return this.#sliceBytes + (this.#writer === undefined ? 0 : this.#writer.length);
  }

  /** Whether more should be given: the client reads, or little waits for the store. */
  get takesMore(): boolean {
    if (this.#state === OPEN) return true;
    return this.#state === COMMITTING && this.pendingBytes < this.#rules.maxBytes;
  }

  /** Whether so many bytes may be added to what waits; where nothing has to wait, always. */
  hasRoomFor(bytes: number): boolean {
    return this.#state === OPEN || this.pendingBytes + bytes <= this.#rules.maxBytes;
  }

  /** So much waits that the client should not be read any more. */
  get isOverfull(): boolean {
    return this.pendingBytes >= this.#rules.maxBytes + PAUSE_MARGIN_BYTES;
  }

  /** Where to encode a packet that is to be sent. Call `written` afterwards. */
  writer(): PacketWriter {
    return this.#writer ?? this.#open();
  }

  /** After something was encoded into `writer`. */
  written(): void {
    const writer = this.#writer;
    if (writer !== undefined && (writer.length >= FLUSH_BYTES || writer.length >= this.#rules.maxBytes)) {
      this.#overflow();
    }
  }

  /** Sends a large packet without copying it: nobody may write to `shared` any more. */
  appendShared(head: Uint8Array, headEnd: number, shared: Buffer): void {
    if (this.#state >= ENDING) return;
    const writer = this.writer();
    if (headEnd > 0) writer.appendPackets(head, 0, headEnd);
    if (writer.length > 0) this.#pushSlice(writer.detach());
    this.#pushSlice(shared);
    if (this.#sliceBytes >= FLUSH_BYTES || this.#sliceBytes >= this.#rules.maxBytes) this.#overflow();
  }

  /** At the end of a turn. */
  endTurn(): void {
    this.#isInTurn = false;
    this.#flush();
  }

  /** Has everything wait for a commit; false when it waits for that one already. */
  waitFor(epoch: number): boolean {
    if (this.#epoch === epoch) return false;
    this.#epoch = epoch;
    this.#move(OutboxEvent.WAIT);
    return true;
  }

  /** A commit begins: what was collected until now waits for it, and for none that comes after it. */
  seal(): void {
    this.#closeWriter();
    this.#sealedSlices = this.#slices?.length ?? 0;
  }

  /** A commit that was waited for is done. What came since may wait for the next one already. */
  release(epoch: number): void {
    if (this.#epoch === epoch) this.#move(OutboxEvent.COMMITTED);
    else this.#freeSlices = this.#sealedSlices;
    this.#sealedSlices = 0;
    this.#goOn();
  }

  /** The transport takes more again. */
  drained(): void {
    this.#move(OutboxEvent.DRAIN);
    this.#goOn();
  }

  /** Gives everything to the transport and has it close, when nothing waits any more. Nothing is sent after this. */
  end(): void {
    this.#closeWriter();
    this.#move(OutboxEvent.END);
  }

  /** Throws away what was not sent, and sends nothing any more. */
  discard(): void {
    this.#move(OutboxEvent.DISCARD);
    this.#clear();
  }

  #move(event: OutboxEvent): void {
    const before = this.#state;
    this.#state = nextOutboxState(before, event);
    if (this.#state !== ENDED || before === ENDED || event === OutboxEvent.DISCARD) return;
    const { stats, lingerMs } = this.#rules;
    for (const slice of this.#slices ?? []) {
      stats.bytesSent += slice.length;
      this.#transport.write(slice);
    }
    this.#clear();
    this.#transport.end(lingerMs);
  }

  #goOn(): void {
    if (this.#state >= ENDING) return;
    this.#flush();
    if (this.takesMore) this.#owner.onRoom();
  }

  #open(): PacketWriter {
    if (this.#state >= ENDING) return this.#rules.writers.nowhere;
    this.#writer = this.#rules.writers.take();
    if (!this.#isInTurn) {
      this.#isInTurn = true;
      this.#owner.flushLater();
    }
    return this.#writer;
  }

  /** A lot has been collected: sends it, and sees whether the client must wait. */
  #overflow(): void {
    this.#flush();
    if (this.isOverfull) this.#owner.onOverfull();
  }

  #flush(): void {
    if (this.#state === COMMITTING) {
      if (this.#freeSlices > 0) this.#flushSlices(this.#freeSlices);
      return;
    }
    if (this.#state !== OPEN) return;
    if (this.#slices !== undefined && !this.#flushSlices(this.#slices.length)) return;
    const writer = this.#writer;
    if (writer === undefined) return;
    const { length } = writer;
    if (length > 0) {
      const written = this.#transport.write(writer.bytes());
      this.#rules.stats.bytesSent += length;
      if (written === Written.TAKEN) writer.reset();
      else {
        writer.detach();
        if (written === Written.BLOCKED) this.#move(OutboxEvent.BLOCK);
      }
    }
    this.#rules.writers.give(writer);
    this.#writer = undefined;
  }

  /** False when the transport wants no more. */
  #flushSlices(count: number): boolean {
    const slices = this.#slices!;
    let sent = 0;
    let isBlocked = false;
    while (sent < count && !isBlocked) {
      const slice = slices[sent++]!;
      this.#sliceBytes -= slice.length;
      this.#rules.stats.bytesSent += slice.length;
      isBlocked = this.#transport.write(slice) === Written.BLOCKED;
    }
    if (sent === slices.length) this.#slices = undefined;
    else slices.splice(0, sent);
    this.#freeSlices = Math.max(0, this.#freeSlices - sent);
    this.#sealedSlices = Math.max(0, this.#sealedSlices - sent);
    if (isBlocked) this.#move(OutboxEvent.BLOCK);
    return !isBlocked;
  }

  #closeWriter(): void {
    const writer = this.#writer;
    if (writer === undefined) return;
    if (writer.length > 0) this.#pushSlice(writer.detach());
    this.#rules.writers.give(writer);
    this.#writer = undefined;
  }

  #pushSlice(slice: Buffer): void {
    (this.#slices ??= []).push(slice);
    this.#sliceBytes += slice.length;
  }

  #clear(): void {
    if (this.#writer !== undefined) this.#rules.writers.give(this.#writer);
    this.#writer = undefined;
    this.#slices = undefined;
    this.#sliceBytes = 0;
    this.#freeSlices = 0;
    this.#sealedSlices = 0;
  }
}
