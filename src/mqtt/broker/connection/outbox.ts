import { KEPT_KINDS, KeptKind } from '../../../base/kept-kinds.ts';
import type { Party } from '../../../base/ledger.ts';
import type { PacketWriter } from '../../codec/writer.ts';
import { Slice } from '../../transport/slice.ts';
import { Written, type Transport } from '../../transport/transport.ts';
import type { BrokerStats } from '../stats.ts';
import { nextOutboxState, OutboxEvent, OutboxState } from './outbox-state.ts';
import type { WriterPool } from './writer-pool.ts';

/** A turn that collects more for one connection sends it before it ends. */
const FLUSH_BYTES = 65_536;
/** Slices are given to the system in calls of about so much: as much as one read of large messages brings. */
const WRITE_BYTES = 262_144;
/** A slice that keeps more than so many times its own bytes alive is copied when it has to wait. */
const MAX_KEPT_RATIO = 2;
/** Acknowledgements beyond `maxBytes` that a client does not read: then it is not read any more either. */
const PAUSE_MARGIN_BYTES = 65_536;

const { fixedBytes: FIXED_COST, perByte: COST_PER_BYTE } = KEPT_KINDS[KeptKind.OUTBOX]!;

const { OPEN, COMMITTING, ENDING, ENDED } = OutboxState;

/** What an outbox tells its connection. */
export type OutboxOwner = {
  /** To whom what waits is booked. */
  readonly party: Party;
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
  readonly lingerMs: () => number;
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
  /** What acknowledges the client's own messages, and goes before all else that is collected; or `#writer` itself. */
  #answers: PacketWriter | undefined = undefined;
  /** How much went in the turn before. */
  #lastBytes = 0;
  #hasSent = false;
  #slices: Slice[] | undefined = undefined;
  #sliceBytes = 0;
  /** How many of the slices wait for the commit that is being done; the others wait for a later one. */
  #sealedSlices = 0;
  /** How many of the slices may go although the others wait. */
  #freeSlices = 0;
  /** The transport has had some of it for longer than a turn. */
  #isKept = false;
  /** TLS keeps what it was given, and what it has made of it, until the latter has gone. */
  readonly #keptTimes: 1 | 2;
  /** Booked of what waits, here and in the transport. */
  #bookedCost = 0;

  constructor(owner: OutboxOwner, transport: Transport, rules: OutboxRules) {
    this.#owner = owner;
    this.#transport = transport;
    this.#keptTimes = transport.peer.transport.endsWith('tls') ? 2 : 1;
    this.#rules = rules;
  }

  /** Bytes that wait here, and not yet in the transport. */
  get pendingBytes(): number {
    const written = this.#writer === undefined ? 0 : this.#writer.length;
    const answers = this.#answers;
    return (
      this.#sliceBytes + written + (answers === undefined || answers === this.#writer ? 0 : answers.length)
    );
  }

  /** Whether more should be given: the client reads, or there is room for what waits; or little waits for the store. */
  get takesMore(): boolean {
    if (this.#state === OPEN)
      return this.#bookedCost === 0 || this.#owner.party.hasRoomFor(KeptKind.OUTBOX, 0);
    return this.#state === COMMITTING && this.pendingBytes < this.#rules.maxBytes;
  }

  /** Whether so many bytes may be added to what waits, which are booked then; where nothing has to wait, always. */
  reserve(bytes: number): boolean {
    if (this.#state !== OPEN) {
      if (this.pendingBytes + bytes > this.#rules.maxBytes) return false;
    } else if (this.#bookedCost === 0) return true;
    const cost = COST_PER_BYTE * bytes;
    if (!this.#owner.party.makeRoomFor(KeptKind.OUTBOX, cost)) return false;
    if (this.#state >= ENDING) return false; // among those that were closed to make room
    this.#book(this.#bookedCost + cost);
    return true;
  }

  /** What was reserved is not added after all. */
  unreserve(): void {
    this.#bookWaiting();
  }

  /** Something waits for a client that does not read. */
  get isBooked(): boolean {
    return this.#bookedCost > 0;
  }

  /** So much waits that the client should not be read any more. */
  get isOverfull(): boolean {
    return this.pendingBytes >= this.#rules.maxBytes + PAUSE_MARGIN_BYTES;
  }

  /** Where to encode a packet that is to be sent. Call `written` afterwards. */
  writer(): PacketWriter {
    return this.#writer ?? this.#open();
  }

  /**
   * Where to encode what acknowledges the client's own messages; call `written` afterwards. It goes before the other
   * packets of the turn: a client that delays small segments (Nagle's algorithm) sends its next message when it reads
   * the acknowledgement, and everything else that it says waits until that one is answered. Only a CONNACK is never
   * overtaken [MQTT-3.2.0-1].
   */
  answers(): PacketWriter {
    if (this.#state >= ENDING) return this.#rules.writers.nowhere;
    return (this.#answers ??= this.#hasSent ? this.#take() : this.writer());
  }

  /** After something was encoded into `writer` or `answers`. */
  written(): void {
    const bytes = this.pendingBytes - this.#sliceBytes;
    if (bytes >= FLUSH_BYTES || bytes >= this.#rules.maxBytes) this.#overflow();
  }

  /** Sends bytes from where they lie, after what was encoded. */
  append(slice: Slice): void {
    if (this.#state >= ENDING) return;
    if (!this.#isInTurn) this.#enterTurn();
    this.#closeWriters();
    this.#join(slice);
    if (this.#state !== OPEN) this.#settle(this.#slices!.length - 1);
    if (this.#sliceBytes >= WRITE_BYTES || this.#sliceBytes >= this.#rules.maxBytes) this.#overflow();
  }

  /** At the end of a turn. */
  endTurn(): void {
    this.#isInTurn = false;
    this.#flush();
    this.#bookWaiting();
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
    this.#closeWriters();
    this.#sealedSlices = this.#slices?.length ?? 0;
  }

  /** A commit that was waited for is done. What came since may wait for the next one already. */
  release(epoch: number): void {
    if (this.#epoch === epoch) this.#move(OutboxEvent.COMMITTED);
    else this.#freeSlices = this.#sealedSlices;
    this.#sealedSlices = 0;
    this.#goOn();
  }

  /** What the transport took has not all gone. */
  kept(): void {
    this.#isKept = true;
    this.#bookWaiting();
  }

  /** All that the transport kept has gone. */
  drained(): void {
    this.#isKept = false;
    this.#move(OutboxEvent.DRAIN);
    this.#goOn();
  }

  /** Gives everything to the transport and has it close, when nothing waits any more. Nothing is sent after this. */
  end(): void {
    this.#closeWriters();
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
    const slices = this.#slices ?? [];
    stats.bytesSent += this.#sliceBytes;
    this.#transport.writeSlices(slices, 0, slices.length);
    this.#clear();
    this.#transport.end(lingerMs());
  }

  #goOn(): void {
    if (this.#state >= ENDING) return;
    this.#flush();
    this.#bookWaiting();
    if (this.takesMore) this.#owner.onRoom();
  }

  #open(): PacketWriter {
    if (this.#state >= ENDING) return this.#rules.writers.nowhere;
    return (this.#writer = this.#take());
  }

  #take(): PacketWriter {
    if (!this.#isInTurn) this.#enterTurn();
    return this.#rules.writers.take(this.#lastBytes);
  }

  #enterTurn(): void {
    this.#isInTurn = true;
    this.#owner.flushLater();
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
    if (this.#slices !== undefined) {
      this.#closeWriters();
      this.#flushSlices(this.#slices.length);
      return;
    }
    const answers = this.#answers;
    if (answers === undefined) {
      if (this.#writer !== undefined) this.#send(this.#writer);
    } else if (this.#writer === undefined || this.#writer === answers) {
      this.#send(answers);
    } else {
      // Most of what goes both ways is small: one call of the system costs more than a copy.
      answers.appendPackets(this.#writer.buffer, 0, this.#writer.length);
      this.#rules.writers.give(this.#writer);
      this.#send(answers);
    }
    this.#answers = undefined;
    this.#writer = undefined;
  }

  #send(writer: PacketWriter): void {
    const { length } = writer;
    this.#lastBytes = length;
    if (length > 0) {
      this.#hasSent = true;
      this.#rules.stats.bytesSent += length;
      const written = this.#transport.write(writer.bytes());
      if (written !== Written.TAKEN) writer.detach();
      if (written === Written.BLOCKED) this.#block();
    }
    this.#rules.writers.give(writer);
  }

  /** As many as the transport wants. */
  #flushSlices(count: number): void {
    const slices = this.#slices!;
    let sent = 0;
    let written: Written = Written.TAKEN;
    this.#hasSent = true;
    while (sent < count && written !== Written.BLOCKED) {
      const start = sent;
      let bytes = 0;
      while (sent < count && bytes < WRITE_BYTES) bytes += slices[sent++]!.length;
      written = this.#transport.writeSlices(slices, start, sent);
      for (let index = start; index < sent; index++) slices[index]!.block?.release();
      this.#sliceBytes -= bytes;
      this.#rules.stats.bytesSent += bytes;
    }
    if (sent === slices.length) this.#slices = undefined;
    else slices.splice(0, sent);
    this.#freeSlices = Math.max(0, this.#freeSlices - sent);
    this.#sealedSlices = Math.max(0, this.#sealedSlices - sent);
    if (written !== Written.BLOCKED) return;
    this.#block();
    this.#settle(0);
  }

  #block(): void {
    this.#isKept = true;
    this.#move(OutboxEvent.BLOCK);
  }

  #closeWriters(): void {
    if (this.#answers !== this.#writer) this.#close(this.#answers);
    this.#close(this.#writer);
    this.#answers = undefined;
    this.#writer = undefined;
  }

  #close(writer: PacketWriter | undefined): void {
    if (writer === undefined) return;
    if (writer.length > 0) {
      const bytes = writer.detach();
      this.#pushSlice(new Slice(bytes, 0, bytes.length, undefined));
    }
    this.#rules.writers.give(writer);
  }

  /** Messages that came one after the other go as one slice. */
  #join(slice: Slice): void {
    const last = this.#slices?.at(-1);
    const isFollowing = last !== undefined && last.block === slice.block && last.end === slice.start;
    if (isFollowing && slice.block !== undefined && this.#sealedSlices === 0 && this.#freeSlices === 0) {
      last.end = slice.end;
      this.#sliceBytes += slice.length;
      return;
    }
    slice.block?.hold();
    this.#pushSlice(slice);
  }

  #pushSlice(slice: Slice): void {
    (this.#slices ??= []).push(slice);
    this.#sliceBytes += slice.length;
  }

  /** Copies the slices that have to wait and would keep much more alive than themselves. */
  #settle(from: number): void {
    const slices = this.#slices;
    if (slices === undefined) return;
    for (let index = from; index < slices.length; index++) {
      const { block, length, bytes } = slices[index]!;
      if (block === undefined || length * MAX_KEPT_RATIO >= block.buffer.length) continue;
      const copy = Buffer.allocUnsafeSlow(length);
      bytes.copy(copy);
      slices[index] = new Slice(copy, 0, length, undefined);
      block.release();
    }
  }

  #clear(): void {
    if (this.#answers !== undefined && this.#answers !== this.#writer)
      this.#rules.writers.give(this.#answers);
    if (this.#writer !== undefined) this.#rules.writers.give(this.#writer);
    for (const slice of this.#slices ?? []) slice.block?.release();
    this.#answers = undefined;
    this.#writer = undefined;
    this.#slices = undefined;
    this.#sliceBytes = 0;
    this.#freeSlices = 0;
    this.#sealedSlices = 0;
    this.#book(0);
  }

  /**
   * What waits has become more or less: nothing is booked where all of it has gone in this turn. While it ends, what
   * was booked stays: its party may be closed already.
   */
  #bookWaiting(): void {
    if (this.#state === ENDING) return;
    if (this.#state === ENDED || (this.#state === OPEN && !this.#isKept)) this.#book(0);
    else {
      const bytes = this.pendingBytes + (this.#isKept ? this.#keptTimes * this.#transport.bufferedBytes : 0);
      this.#book(bytes === 0 ? 0 : FIXED_COST + COST_PER_BYTE * bytes);
    }
  }

  #book(cost: number): void {
    this.#owner.party.rebook(KeptKind.OUTBOX, this.#bookedCost, cost);
    this.#bookedCost = cost;
  }
}
