import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LogIndex } from './log-index.ts';
import { NoteKind } from './note-format.ts';
import { NoteReader } from './note-reader.ts';
import { NoteWriter } from './note-writer.ts';

/** A log of so many bytes is left as it is, whatever is in it. */
const SMALL_LOG_BYTES = 4_194_304;
/** Beyond it, of so many notes one must be of a message that somebody waits for; each message has three in its life. */
const NOTES_FOR_ONE_MESSAGE = 6;
/** What is copied from old rows with one commit, at least. */
const COPY_BYTES = 131_072;

/** What a commit did to the log, until it is known that it lasts. */
type LogChange = {
  readonly removed: number[];
  readonly added: { readonly row: number; readonly notes: Buffer }[];
};

/**
 * Messages and Packet Identifiers of all sessions: a row for each commit, in the order in which they were noted. A row
 * goes when nobody waits for its messages and all before it are gone. Where a few messages keep a long log alive, they
 * are copied to its end.
 */
export class SessionLog {
  readonly index = new LogIndex();
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #read: StatementSync;
  readonly #copies = new NoteWriter();
  #change: LogChange = { removed: [], added: [] };

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO log (notes) VALUES (?)');
    this.#remove = db.prepare('DELETE FROM log WHERE id <= ?');
    this.#read = db.prepare('SELECT notes FROM log WHERE id = ?');
  }

  /** Within a transaction: what was noted goes to the end of the log, and what is not needed leaves it. */
  append(notes: Buffer): void {
    this.#insertRow(notes);
  }

  /** Within a transaction, before `append`: lets rows go that nobody needs. */
  clean(): void {
    const { removed } = this.#change;
    const { index } = this;
    let copied = 0;
    for (const { id: row, live } of index.rows()) {
      if (live > 0) {
        if (copied >= COPY_BYTES || !this.#isSparse) break;
        copied += this.#copyNeeded(row);
      }
      removed.push(row);
    }
    const last = removed.at(-1);
    if (last === undefined) return;
    const copies = this.#copies.take();
    if (copies !== undefined) this.#insertRow(copies);
    this.#remove.run(last);
  }

  /** What was done lasts. */
  committed(): void {
    const { removed, added } = this.#change;
    this.#change = { removed: [], added: [] };
    for (const row of removed) this.index.removeRow(row);
    for (const { row, notes } of added) this.index.addRow(row, new NoteReader(notes));
  }

  rolledBack(): void {
    this.#change = { removed: [], added: [] };
    this.#copies.reset();
  }

  get #isSparse(): boolean {
    const { bytes, notes, live } = this.index;
    return bytes > SMALL_LOG_BYTES && notes > live * NOTES_FOR_ONE_MESSAGE;
  }

  #insertRow(notes: Buffer): void {
    const { lastInsertRowid } = this.#insert.run(notes);
    this.#change.added.push({ row: Number(lastInsertRowid), notes });
  }

  /** Copies what somebody waits for out of a row; how many bytes. */
  #copyNeeded(row: number): number {
    const { index } = this;
    const copies = this.#copies;
    const before = copies.length;
    const notes = new NoteReader(asBuffer(this.#read.get(row)?.['notes']));
    let bodyCopied = -1;
    let body = { start: 0, end: 0 };
    while (notes.next()) {
      const { kind, number, start, end } = notes;
      if (kind === NoteKind.BODY) body = { start, end };
      if (kind === NoteKind.RECEIVED && index.hasReceived(row, number, notes.packetId))
        copies.copy(notes.bytes, start, end);
      if (kind !== NoteKind.QUEUED) continue;
      const progress = index.progressOf(row, number, notes.sequence);
      if (progress === undefined) continue;
      if (bodyCopied !== body.start) copies.copy(notes.bytes, body.start, body.end);
      bodyCopied = body.start;
      const at = copies.copy(notes.bytes, start, end);
      copies.overwriteProgress(at, progress.packetId, progress.isReleased);
    }
    return copies.length - before;
  }
}

/** A blob of a row, without a copy. */
export function asBuffer(blob: unknown): Buffer {
  if (!(blob instanceof Uint8Array)) return Buffer.alloc(0);
  return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
}
