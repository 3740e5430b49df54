import type { StoredMessage } from '../session/stored-message.ts';
import { ConnectionState, type Connection } from './connection/connection.ts';
import { end } from './connection/end-connection.ts';
import { InboxState } from './connection/inbox.ts';
import type { Engine } from './engine.ts';

/** How often what is left is tried to be written when the broker closes. */
const LAST_TRIES = 2;
/** Commits that fail one after the other: so many are no chance, and clients are told to come later. */
const FAILURES_TO_REFUSE = 2;
/**
 * A publisher is paused at `maxUncommittedBytes`, after what it has said; others may say something too. Beyond so many
 * times as much nothing is taken any more that would have to be stored.
 */
const REFUSE_FACTOR = 2;

/**
 * Has the store write once for everything that was noted in a turn, and holds back what connections have to say
 * about it until that is done. A connection that noted nothing waits for nothing.
 */
export class CommitGroup {
  readonly #engine: Engine;
  readonly #maxBytes: number;
  /** Connections that wait for the next commit. */
  #waiting: Connection[] = [];
  /** The number of the next commit. */
  #epoch = 1;
  #hasNotes = false;
  /** The last commit failed: the store still has to write what was noted for it. */
  #isBehind = false;
  #failuresInARow = 0;
  /** Bytes noted for the next commit, and for the one that is in progress, or failed. */
  #notedBytes = 0;
  #committingBytes = 0;
  /** Whose body was counted last: a message that goes to many sessions is noted for one after the other. */
  #lastBody: StoredMessage | undefined;
  /** Publishers that are not read until a commit is done. */
  #paused: Connection[] = [];
  #inProgress: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#maxBytes = engine.options.maxUncommittedBytes;
  }

  /** What was noted and is not committed, in bytes, about. */
  get uncommittedBytes(): number {
    return this.#notedBytes + this.#committingBytes;
  }

  /** Nothing more is taken that would have to be stored: the store has fallen far behind. */
  get isOverloaded(): boolean {
    return this.uncommittedBytes > this.#maxBytes * REFUSE_FACTOR;
  }

  /** The store fails again and again: nobody is promised that anything lasts. */
  get isFailing(): boolean {
    return this.#failuresInARow >= FAILURES_TO_REFUSE;
  }

  /** Says that something was noted in the store in this turn, of about so many bytes. */
  note(bytes: number): void {
    this.#hasNotes = true;
    this.#notedBytes += bytes;
    this.#engine.turnLater();
  }

  /** Counts the body of a message that was noted, once for all sessions that it goes to. */
  noteBody(message: StoredMessage): void {
    if (message === this.#lastBody) return;
    this.#lastBody = message;
    this.#notedBytes += message.sizeBytes;
  }

  /** After a connection published something that was noted: it is read no further while too much is not committed. */
  paceAfterNote(connection: Connection): void {
    if (!this.#isFull || connection.inbox.state !== InboxState.READING) return;
    this.#engine.stats.publishersPaused++;
    connection.inbox.decide();
    this.#paused.push(connection);
  }

  /** Now and then: what could not be written is tried again, also when nobody notes anything more. */
  retry(): void {
    if (this.#isBehind) this.#engine.turnLater();
  }

  /** Has a connection wait for what was noted so far. */
  holdBack(connection: Connection): void {
    if (connection.outbox.waitFor(this.#epoch)) this.#waiting.push(connection);
  }

  /** At the end of a turn. One commit at a time: what is noted meanwhile goes into the next. */
  commit(): void {
    const { store } = this.#engine;
    if (store === undefined || this.#inProgress !== undefined) return;
    if (!this.#hasNotes && !this.#isBehind) return;
    const waiting = this.#waiting;
    const epoch = this.#epoch++;
    this.#waiting = [];
    this.#hasNotes = false;
    this.#isBehind = false;
    this.#committingBytes += this.#notedBytes;
    this.#notedBytes = 0;
    this.#lastBody = undefined;
    let done: Promise<void> | undefined;
    try {
      done = store.commit();
    } catch (error) {
      this.#fail(waiting, error);
      return;
    }
    if (done === undefined) {
      this.#succeed(waiting, epoch);
      return;
    }
    for (const connection of waiting) connection.outbox.seal();
    this.#inProgress = done.then(
      () => this.#finish(() => this.#succeed(waiting, epoch)),
      (error: unknown) => this.#finish(() => this.#fail(waiting, error)),
    );
  }

  /** Resolves when everything noted so far was written, or could not be. */
  async settle(): Promise<void> {
    const { stats } = this.#engine;
    const lastFailure = stats.storeFailures + LAST_TRIES;
    while (this.#inProgress !== undefined || this.#hasNotes || this.#isBehind) {
      if (stats.storeFailures >= lastFailure) return;
      this.commit();
      await this.#inProgress;
    }
  }

  #finish(conclude: () => void): void {
    this.#inProgress = undefined;
    conclude();
    if (this.#hasNotes) this.#engine.turnLater();
  }

  #succeed(waiting: readonly Connection[], epoch: number): void {
    this.#committingBytes = 0;
    this.#failuresInARow = 0;
    release(waiting, epoch);
    const paused = this.#paused;
    if (paused.length === 0) return;
    this.#paused = [];
    for (const connection of paused) {
      if (this.#isFull) this.#paused.push(connection);
      else connection.goOn();
    }
  }

  get #isFull(): boolean {
    return this.uncommittedBytes > this.#maxBytes;
  }

  /**
   * What was not written must not be acknowledged: the clients come back and send it again. The store keeps it, and
   * writes it with the next commit; that one is not hurried, for there may be nothing to write on. A try for which
   * nobody waited is no news.
   */
  #fail(waiting: readonly Connection[], error: unknown): void {
    this.#isBehind = true;
    this.#failuresInARow++;
    this.#engine.stats.storeFailures++;
    const isNews = this.#failuresInARow === 1 || waiting.length > 0;
    const text = `sessions could not be stored; ${waiting.length} clients are sent away`;
    if (isNews) this.#engine.logBudget.write('failures of the store', { err: error }, text);
    else this.#engine.log.debug({ err: error }, text);
    for (const connection of waiting) end(connection, 'store-failed');
    // Those who come back are other connections: these would only be held in memory.
    this.#paused = this.#paused.filter(({ state }) => state === ConnectionState.CONNECTED);
  }
}

function release(waiting: readonly Connection[], epoch: number): void {
  for (const connection of waiting) connection.outbox.release(epoch);
}
