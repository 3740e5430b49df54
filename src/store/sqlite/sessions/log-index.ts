import { NoteKind } from './note-format.ts';
import type { NoteReader } from './note-reader.ts';

/** One row of the log, as far as somebody still needs it. */
type LogRow = { readonly id: number; readonly bytes: number; notes: number; live: number };

/** What a session has in the log: by sequence or Packet Identifier, in which row, and for messages how far they are. */
type LogSession = { readonly queued: Map<number, number>; readonly received: Map<number, number> };

/** Of a place, for the Packet Identifier and whether it was released; the rest says which row. */
const PROGRESS_VALUES = 2 ** 17;
/**
 * Rows are told apart by the end of their number: a log that has been written for months has numbers that a place has
 * no room for, and never as many rows at a time.
 */
const ROW_KEYS = 2 ** 36;

function keyOf(row: number): number {
  return row % ROW_KEYS;
}

/** A queued message's row, Packet Identifier and release, as one number. */
function placeOf(row: number, packetId: number, isReleased: boolean): number {
  return keyOf(row) * PROGRESS_VALUES + packetId * 2 + (isReleased ? 1 : 0);
}

/**
 * Which messages of the log somebody still waits for. Rows are used up from the oldest on: what a row says of rows
 * that are gone is of no use, so the oldest can go when none of its messages is waited for any more.
 */
export class LogIndex {
  /** By the key of its number. */
  readonly #rows = new Map<number, LogRow>();
  readonly #sessions = new Map<number, LogSession>();
  /** The highest number that any session had, also one that is gone. */
  highestNumber = 0;
  bytes = 0;
  /** In all rows: what was noted, and of it what somebody still waits for. */
  notes = 0;
  live = 0;

  /** The oldest first. */
  rows(): IterableIterator<Readonly<LogRow>> {
    return this.#rows.values();
  }

  addSession(number: number): void {
    this.highestNumber = Math.max(this.highestNumber, number);
    if (!this.#sessions.has(number)) this.#sessions.set(number, { queued: new Map(), received: new Map() });
  }

  endSession(number: number): void {
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    this.#sessions.delete(number);
    for (const place of session.queued.values()) this.#lose(Math.floor(place / PROGRESS_VALUES));
    for (const key of session.received.values()) this.#lose(key);
  }

  /** A row is in the log. */
  addRow(row: number, notes: NoteReader): void {
    const added = { id: row, bytes: notes.bytes.length, notes: 0, live: 0 };
    this.#rows.set(keyOf(row), added);
    this.bytes += added.bytes;
    while (notes.next()) this.#take(row, added, notes);
    this.notes += added.notes;
  }

  removeRow(row: number): void {
    const removed = this.#rows.get(keyOf(row));
    if (removed === undefined) return;
    this.#rows.delete(keyOf(row));
    this.bytes -= removed.bytes;
    this.notes -= removed.notes;
    this.live -= removed.live;
  }

  /** How far a message of a row is; undefined when nobody waits for it there. */
  progressOf(
    row: number,
    number: number,
    sequence: number,
  ): { packetId: number; isReleased: boolean } | undefined {
    const place = this.#sessions.get(number)?.queued.get(sequence);
    if (place === undefined || Math.floor(place / PROGRESS_VALUES) !== keyOf(row)) return undefined;
    const progress = place % PROGRESS_VALUES;
    return { packetId: progress >> 1, isReleased: (progress & 1) === 1 };
  }

  hasReceived(row: number, number: number, packetId: number): boolean {
    return this.#sessions.get(number)?.received.get(packetId) === keyOf(row);
  }

  receivedOf(number: number): IterableIterator<number> {
    return this.#sessions.get(number)?.received.keys() ?? [].values();
  }

  #take(row: number, added: LogRow, notes: NoteReader): void {
    const { kind, number } = notes;
    if (kind === NoteKind.BODY) return;
    added.notes++;
    this.highestNumber = Math.max(this.highestNumber, number);
    const session = this.#sessions.get(number);
    if (session === undefined) return;
    const { queued, received } = session;
    const { sequence, packetId } = notes;
    switch (kind) {
      case NoteKind.QUEUED:
        this.#loseQueued(queued.get(sequence));
        queued.set(sequence, placeOf(row, packetId, notes.isReleased));
        this.#win(added);
        return;
      case NoteKind.PROGRESS: {
        const place = queued.get(sequence);
        if (place === undefined) return;
        queued.set(sequence, placeOf(Math.floor(place / PROGRESS_VALUES), packetId, notes.isReleased));
        return;
      }
      case NoteKind.DONE:
        this.#loseQueued(queued.get(sequence));
        queued.delete(sequence);
        return;
      case NoteKind.RECEIVED:
        this.#lose(received.get(packetId));
        received.set(packetId, keyOf(row));
        this.#win(added);
        return;
      case NoteKind.RECEIVED_END:
        this.#lose(received.get(packetId));
        received.delete(packetId);
    }
  }

  #loseQueued(place: number | undefined): void {
    if (place !== undefined) this.#lose(Math.floor(place / PROGRESS_VALUES));
  }

  #lose(key: number | undefined): void {
    const found = key === undefined ? undefined : this.#rows.get(key);
    if (found === undefined) return;
    found.live--;
    this.live--;
  }

  #win(row: LogRow): void {
    row.live++;
    this.live++;
  }
}
