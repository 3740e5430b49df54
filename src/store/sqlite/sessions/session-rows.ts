import type { DatabaseSync } from 'node:sqlite';
import { NoteKind } from './note-format.ts';
import type { NoteReader } from './note-reader.ts';
import { asBuffer } from './session-log.ts';

/** A piece of retained messages is sent when it has so many bytes. */
const PIECE_BYTES = 262_144;

/** The rows of sessions, subscriptions and retained messages. */
export class SessionRows {
  readonly #saveSession;
  readonly #deleteSession;
  readonly #saveSubscription;
  readonly #deleteSubscription;
  readonly #deleteSubscriptions;
  readonly #saveRetained;
  readonly #deleteRetained;
  readonly #readRetained;

  constructor(db: DatabaseSync) {
    this.#saveSession = db.prepare(
      'INSERT INTO session (number, client_id, record) VALUES (?, ?, ?) ' +
        'ON CONFLICT (number) DO UPDATE SET record = excluded.record',
    );
    this.#deleteSession = db.prepare('DELETE FROM session WHERE number = ?');
    this.#saveSubscription = db.prepare('INSERT OR REPLACE INTO subscription VALUES (?, ?, ?)');
    this.#deleteSubscription = db.prepare('DELETE FROM subscription WHERE session = ? AND filter = ?');
    this.#deleteSubscriptions = db.prepare('DELETE FROM subscription WHERE session = ?');
    this.#saveRetained = db.prepare(
      'INSERT INTO retained (topic, message) VALUES (?, ?) ' +
        'ON CONFLICT (topic) DO UPDATE SET message = excluded.message',
    );
    this.#deleteRetained = db.prepare('DELETE FROM retained WHERE topic = ?');
    this.#readRetained = db.prepare('SELECT id, message FROM retained WHERE id > ? ORDER BY id');
  }

  /** Within a transaction: does what was noted. */
  apply(notes: NoteReader): void {
    while (notes.next()) this.#apply(notes);
  }

  /** Retained messages after a row, each with its length in front; and the last row. */
  retainedAfter(id: number): { readonly last: number; readonly messages: Uint8Array } | undefined {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    let last = id;
    for (const row of this.#readRetained.iterate(id)) {
      const message = asBuffer(row['message']);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(message.length);
      parts.push(length, message);
      bytes += 4 + message.length;
      last = Number(row['id']);
      if (bytes >= PIECE_BYTES) break;
    }
    return parts.length === 0 ? undefined : { last, messages: Buffer.concat(parts, bytes) };
  }

  #apply(notes: NoteReader): void {
    const { kind, number, bytes, dataStart, dataEnd } = notes;
    switch (kind) {
      case NoteKind.SESSION:
        this.#saveSession.run(number, notes.text, bytes.subarray(dataStart, dataEnd));
        return;
      case NoteKind.SESSION_END:
        this.#deleteSession.run(number);
        this.#deleteSubscriptions.run(number);
        return;
      case NoteKind.SUBSCRIPTION:
        this.#saveSubscription.run(number, notes.text, notes.options);
        return;
      case NoteKind.SUBSCRIPTION_END:
        this.#deleteSubscription.run(number, notes.text);
        return;
      case NoteKind.RETAINED:
        this.#saveRetained.run(notes.text, bytes.subarray(dataStart, dataEnd));
        return;
      case NoteKind.RETAINED_END:
        this.#deleteRetained.run(notes.text);
    }
  }
}
