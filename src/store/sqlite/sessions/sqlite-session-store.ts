import { RecadoError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type {
  QueuedRecord,
  SessionRecord,
  SessionStore,
  StoredSession,
  StoredState,
} from '../../../mqtt/session/session-store.ts';
import { readStoredMessage } from '../../../mqtt/session/stored-message-codec.ts';
import type { StoredMessage } from '../../../mqtt/session/stored-message.ts';
import { formatTopicFilter, type TopicFilter } from '../../../mqtt/topics/topic-filter.ts';
import type { SubscriptionOptions } from '../../../mqtt/topics/subscription-match.ts';
import { StoreError, type StoreHealth } from '../../store-state.ts';
import type { DatabaseThread } from '../database-thread.ts';
import { createStoresThread } from '../stores-thread.ts';
import { WorkerDatabase, type Stored } from '../worker-database.ts';
import { NoteWriter } from './note-writer.ts';
import { SessionReader } from './read-sessions.ts';
import { encodeOptions, encodeSessionRecord } from './session-record.ts';
import type { SessionNotes, SessionOperations } from './serve-sessions.ts';

type StoreParts = { readonly file: string; readonly log: Logger; readonly thread?: DatabaseThread };

/** Sessions and retained messages in an SQLite file, which another thread writes. */
export class SqliteSessionStore implements SessionStore {
  readonly #database: WorkerDatabase<SessionOperations>;
  /** What each session is called in the file. */
  readonly #numbers = new Map<string, number>();
  #lastNumber = 0;
  readonly #rows = new NoteWriter();
  readonly #log = new NoteWriter();
  /** What was noted and is not known to be written, a part for each commit that was tried. */
  #unwritten: SessionNotes[] = [];
  #opening: Promise<void> | undefined;

  constructor({ file, log, thread = createStoresThread(log) }: StoreParts) {
    // The broker tries again what was not written.
    this.#database = new WorkerDatabase({ name: 'sessions', file, thread, isTriedByOthers: true, log });
  }

  get health(): StoreHealth {
    return this.#database.health;
  }

  /**
   * Opens the file. One that is damaged, or that cannot be opened, leaves a store that holds nothing and takes nothing.
   *
   * @throws {RecadoError} `DATA_FILE_FOREIGN`
   */
  open(): Promise<void> {
    this.#opening ??= this.#database.open().then((opened) => {
      if (!opened.ok) throw new RecadoError('DATA_FILE_FOREIGN', opened.failure.message);
    });
    return this.#opening;
  }

  load(): StoredState {
    return { sessions: this.#loadSessions(), retained: this.#loadRetained() };
  }

  saveSession(session: SessionRecord): void {
    const { clientId } = session;
    let number = this.#numbers.get(clientId);
    if (number === undefined) {
      number = ++this.#lastNumber;
      this.#numbers.set(clientId, number);
    }
    this.#rows.session(number, clientId, encodeSessionRecord(session));
  }

  deleteSession(clientId: string): void {
    const number = this.#numbers.get(clientId);
    if (number === undefined) return;
    this.#numbers.delete(clientId);
    this.#rows.sessionEnd(number);
  }

  saveSubscription(clientId: string, filter: TopicFilter, options: SubscriptionOptions): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined)
      this.#rows.subscription(number, formatTopicFilter(filter), encodeOptions(options));
  }

  deleteSubscription(clientId: string, filter: TopicFilter): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#rows.subscriptionEnd(number, formatTopicFilter(filter));
  }

  saveQueued(clientId: string, queued: QueuedRecord): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#log.queued(number, queued);
  }

  updateQueued(clientId: string, sequence: number, packetId: number, isReleased: boolean): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#log.progress(number, sequence, packetId, isReleased);
  }

  deleteQueued(clientId: string, sequence: number): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#log.done(number, sequence);
  }

  saveReceivedPacketId(clientId: string, packetId: number): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#log.received(number, packetId);
  }

  deleteReceivedPacketId(clientId: string, packetId: number): void {
    const number = this.#numbers.get(clientId);
    if (number !== undefined) this.#log.receivedEnd(number, packetId);
  }

  saveRetained(message: StoredMessage): void {
    this.#rows.retained(message);
  }

  deleteRetained(topicName: string): void {
    this.#rows.retainedEnd(topicName);
  }

  commit(): Promise<void> | undefined {
    const notes = { rows: this.#rows.take(), log: this.#log.take() };
    if (notes.rows !== undefined || notes.log !== undefined) this.#unwritten.push(notes);
    if (this.#unwritten.length === 0) return undefined;
    return this.#database.write('save', this.#unwritten).then((saved) => {
      if (!saved.ok) throw new StoreError(saved.failure);
      this.#unwritten = [];
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async *#loadSessions(): AsyncGenerator<readonly StoredSession[]> {
    await this.open();
    const reader = new SessionReader(this.#numbers);
    // The next piece is read while the broker takes this one in.
    let next = this.#database.load('loadSessions', undefined);
    for (;;) {
      const piece = valueOr(await next, undefined);
      if (piece === undefined) break;
      next = this.#database.load('loadSessions', undefined);
      yield this.#understand(() => reader.read(piece));
    }
    const highest = await this.#database.load('highestNumber', undefined);
    this.#lastNumber = valueOr(highest, 0);
  }

  async *#loadRetained(): AsyncGenerator<readonly StoredMessage[]> {
    await this.open();
    let next = this.#database.load('loadRetained', 0);
    for (;;) {
      const piece = valueOr(await next, undefined);
      if (piece === undefined) return;
      next = this.#database.load('loadRetained', piece.last);
      yield this.#understand(() => readRetained(piece.messages));
    }
  }

  /** What a piece of the file says; nothing where it says nothing that makes sense. */
  #understand<Part>(read: () => readonly Part[]): readonly Part[] {
    try {
      return read();
    } catch (error) {
      this.#database.condemn((error as Error).message);
      return [];
    }
  }
}

function valueOr<Output, Else>(stored: Stored<Output>, otherwise: Else): Output | Else {
  return stored.ok ? stored.value : otherwise;
}

/** Messages, each with its length in front. */
function readRetained(bytes: Uint8Array): StoredMessage[] {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: StoredMessage[] = [];
  for (let at = 0; at < source.length;) {
    const end = at + 4 + source.readUInt32LE(at);
    messages.push(readStoredMessage(source, at + 4, end));
    at = end;
  }
  return messages;
}
