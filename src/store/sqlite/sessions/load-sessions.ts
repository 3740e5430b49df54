import type { DatabaseSync } from 'node:sqlite';
import { NoteKind } from './note-format.ts';
import { NoteReader } from './note-reader.ts';
import { NoteWriter } from './note-writer.ts';
import { asBuffer, type SessionLog } from './session-log.ts';

/** A piece is sent when it has so many bytes. */
const PIECE_BYTES = 262_144;

type LoadedRow = { readonly row: number; readonly notes: Buffer };
/** Where a body lies; its key is 0 until it was written. */
type Body = LoadedRow & { readonly start: number; readonly end: number; key: number };
/** Where a message lies that a session waits for. */
type Found = { readonly start: number; readonly end: number; readonly body: Body };

/**
 * Reads the log and the rows of sessions and puts the one to the other, piece by piece; a piece is the notes that make
 * its sessions. A body that several wait for is in the first piece that needs it, with a key for the others.
 */
export class SessionLoading {
  readonly #log: SessionLog;
  readonly #found = new Map<number, Map<number, Found>>();
  readonly #sessions: Iterator<Record<string, unknown>>;
  readonly #subscriptions: (number: number) => Record<string, unknown>[];
  #lastKey = 0;

  constructor(db: DatabaseSync, log: SessionLog) {
    this.#log = log;
    const { index } = log;
    for (const { number } of db.prepare('SELECT number FROM session').iterate())
      index.addSession(Number(number));
    const rows: LoadedRow[] = db
      .prepare('SELECT id, notes FROM log ORDER BY id')
      .all()
      .map(({ id, notes }) => ({ row: Number(id), notes: asBuffer(notes) }));
    for (const { row, notes } of rows) index.addRow(row, new NoteReader(notes));
    for (const each of rows) this.#find(each);
    const ofSession = db.prepare('SELECT filter, options FROM subscription WHERE session = ?');
    this.#subscriptions = (number) => ofSession.all(number);
    this.#sessions = db
      .prepare('SELECT number, client_id, record FROM session ORDER BY number')
      .all()
      .values();
  }

  /** The next piece; undefined after the last one. */
  next(): Buffer | undefined {
    const piece = new NoteWriter();
    while (piece.length < PIECE_BYTES) {
      const { value, done } = this.#sessions.next();
      if (done === true) break;
      this.#write(piece, value);
    }
    return piece.take();
  }

  #find({ row, notes }: LoadedRow): void {
    const reader = new NoteReader(notes);
    let body: Body | undefined;
    while (reader.next()) {
      const { kind, number, sequence, start, end } = reader;
      if (kind === NoteKind.BODY) body = { row, notes, start: reader.dataStart, end: reader.dataEnd, key: 0 };
      if (kind !== NoteKind.QUEUED || body === undefined) continue;
      if (this.#log.index.progressOf(row, number, sequence) === undefined) continue;
      const found = this.#found.get(number) ?? new Map<number, Found>();
      if (found.size === 0) this.#found.set(number, found);
      found.set(sequence, { start, end, body });
    }
  }

  #write(piece: NoteWriter, row: Record<string, unknown>): void {
    const number = Number(row['number']);
    piece.session(number, String(row['client_id']), asBuffer(row['record']));
    for (const { filter, options } of this.#subscriptions(number))
      piece.subscription(number, String(filter), Number(options));
    for (const packetId of this.#log.index.receivedOf(number)) piece.received(number, packetId);
    const found = [...(this.#found.get(number) ?? [])];
    this.#found.delete(number);
    for (const [sequence, each] of found.toSorted(([one], [other]) => one - other))
      this.#writeMessage(piece, number, sequence, each);
  }

  #writeMessage(piece: NoteWriter, number: number, sequence: number, { start, end, body }: Found): void {
    if (body.key === 0) {
      body.key = ++this.#lastKey;
      piece.copyBody(body.key, body.notes, body.start, body.end);
    } else {
      piece.copyBody(body.key, body.notes, 0, 0);
    }
    const at = piece.copy(body.notes, start, end);
    const progress = this.#log.index.progressOf(body.row, number, sequence)!;
    piece.overwriteProgress(at, progress.packetId, progress.isReleased);
  }
}
