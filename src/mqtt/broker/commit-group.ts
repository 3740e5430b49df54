import type { Logger } from '../../base/logger.ts';
import type { SessionStore } from '../session/session-store.ts';
import type { StoredMessage } from '../session/stored-message.ts';
import { NOBODY, type LogBudget } from '../../base/log-budget.ts';
import type { BrokerStats } from './stats.ts';

/** How often what is left is tried to be written when the broker closes. */
const LAST_TRIES = 2;
/** Commits that fail one after the other: so many are no chance, and clients are told to come later. */
const FAILURES_TO_REFUSE = 2;
/**
 * A publisher is paused at `maxUncommittedBytes`, after what it has said; others may say something too. Beyond so many
 * times as much nothing is taken any more that would have to be stored.
 */
const REFUSE_FACTOR = 2;

/** Who has something to say that the store must write first. */
export type CommitWaiter = {
  /** Waits for a commit with all that it has to say; false when it waits for that one already. */
  waitFor(epoch: number): boolean;
  /** A commit begins: what comes from now on waits for none, or for a later one. */
  seal(): void;
  /** A commit is done. */
  release(epoch: number): void;
  /** What it has to say was not written. */
  storeFailed(): void;
  /** Stops reading until `goOn`; false when it has stopped already. */
  pause(): boolean;
  goOn(): void;
  readonly isConnected: boolean;
};

/** What the store was told and has not been asked to write. */
const CommitState = {
  NOTHING: 0,
  /** The last commit failed: the store still has to write what was noted for it. */
  BEHIND: 1,
  /** Something was noted, and goes with the next turn's end. */
  NOTED: 2,
} as const;
type CommitState = (typeof CommitState)[keyof typeof CommitState];

type CommitParts = {
  readonly store: SessionStore | undefined;
  readonly stats: BrokerStats;
  readonly log: Logger;
  readonly logBudget: LogBudget;
  readonly maxUncommittedBytes: number;
  /** Has `commit` called at the end of this turn. */
  turnLater(): void;
};

/**
 * Has the store write once for everything that was noted in a turn, and holds back what connections have to say
 * about it until that is done. A connection that noted nothing waits for nothing.
 */
export class CommitGroup {
  readonly #parts: CommitParts;
  /** Connections that wait for the next commit. */
  #waiting: CommitWaiter[] = [];
  /** The number of the next commit. */
  #epoch = 1;
  #state: CommitState = CommitState.NOTHING;
  #failuresInARow = 0;
  /** Bytes noted for the next commit, and for the one that is in progress, or failed. */
  #notedBytes = 0;
  #committingBytes = 0;
  /** Whose body was counted last: a message that goes to many sessions is noted for one after the other. */
  #lastBody: StoredMessage | undefined;
  /** Publishers that are not read until a commit is done. */
  #paused: CommitWaiter[] = [];
  #inProgress: Promise<void> | undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** What was noted and is not committed, in bytes, about. */
  get uncommittedBytes(): number {
    return this.#notedBytes + this.#committingBytes;
  }

  /** Nothing more is taken that would have to be stored: the store has fallen far behind. */
  get isOverloaded(): boolean {
    return this.uncommittedBytes > this.#parts.maxUncommittedBytes * REFUSE_FACTOR;
  }

  /** The store fails again and again: nobody is promised that anything lasts. */
  get isFailing(): boolean {
    return this.#failuresInARow >= FAILURES_TO_REFUSE;
  }

  /** Says that something was noted in the store in this turn, of about so many bytes. */
  note(bytes: number): void {
    this.#state = CommitState.NOTED;
    this.#notedBytes += bytes;
    this.#parts.turnLater();
  }

  /** Counts the body of a message that was noted, once for all sessions that it goes to. */
  noteBody(message: StoredMessage): void {
    if (message === this.#lastBody) return;
    this.#lastBody = message;
    this.#notedBytes += message.sizeBytes;
  }

  /** After a connection published something that was noted: it is read no further while too much is not committed. */
  paceAfterNote(connection: CommitWaiter): void {
    if (!this.#isFull || !connection.pause()) return;
    this.#parts.stats.publishersPaused++;
    this.#paused.push(connection);
  }

  /** Now and then: what could not be written is tried again, also when nobody notes anything more. */
  retry(): void {
    if (this.#state === CommitState.BEHIND) this.#parts.turnLater();
  }

  /** Has a connection wait for what was noted so far. */
  holdBack(connection: CommitWaiter): void {
    if (this.#parts.store !== undefined && connection.waitFor(this.#epoch)) this.#waiting.push(connection);
  }

  /** Whether what was noted in this turn was written: told when it is, or could not be. */
  written(): Promise<boolean> {
    if (this.#parts.store === undefined || this.#state !== CommitState.NOTED) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.holdBack({
        waitFor: () => true,
        seal() {},
        release: () => resolve(true),
        storeFailed: () => resolve(false),
        pause: () => false,
        goOn() {},
        isConnected: true,
      });
    });
  }

  /** At the end of a turn. One commit at a time: what is noted meanwhile goes into the next. */
  commit(): void {
    const { store } = this.#parts;
    if (store === undefined || this.#inProgress !== undefined || this.#state === CommitState.NOTHING) return;
    const waiting = this.#waiting;
    const epoch = this.#epoch++;
    this.#waiting = [];
    this.#state = CommitState.NOTHING;
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
    for (const connection of waiting) connection.seal();
    this.#inProgress = done.then(
      () => this.#finish(() => this.#succeed(waiting, epoch)),
      (error: unknown) => this.#finish(() => this.#fail(waiting, error)),
    );
  }

  /** Resolves when everything noted so far was written, or could not be. */
  async settle(): Promise<void> {
    const { stats } = this.#parts;
    const lastFailure = stats.storeFailures + LAST_TRIES;
    while (this.#inProgress !== undefined || this.#state !== CommitState.NOTHING) {
      if (stats.storeFailures >= lastFailure) return;
      this.commit();
      await this.#inProgress;
    }
  }

  #finish(conclude: () => void): void {
    this.#inProgress = undefined;
    conclude();
    if (this.#state === CommitState.NOTED) this.#parts.turnLater();
  }

  #succeed(waiting: readonly CommitWaiter[], epoch: number): void {
    this.#committingBytes = 0;
    this.#failuresInARow = 0;
    for (const connection of waiting) connection.release(epoch);
    const paused = this.#paused;
    if (paused.length === 0) return;
    this.#paused = [];
    for (const connection of paused) {
      if (this.#isFull) this.#paused.push(connection);
      else connection.goOn();
    }
  }

  get #isFull(): boolean {
    return this.uncommittedBytes > this.#parts.maxUncommittedBytes;
  }

  /**
   * What was not written must not be acknowledged: the clients come back and send it again. The store keeps it, and
   * writes it with the next commit; that one is not hurried, for there may be nothing to write on. A try for which
   * nobody waited is no news.
   */
  #fail(waiting: readonly CommitWaiter[], error: unknown): void {
    const { stats, log, logBudget } = this.#parts;
    if (this.#state === CommitState.NOTHING) this.#state = CommitState.BEHIND;
    this.#failuresInARow++;
    stats.storeFailures++;
    const isNews = this.#failuresInARow === 1 || waiting.length > 0;
    const text = `sessions could not be stored; ${waiting.length} clients are sent away`;
    if (isNews) logBudget.write('failures of the store', { err: error }, text, NOBODY);
    else log.debug({ err: error }, text);
    for (const connection of waiting) connection.storeFailed();
    // Those who come back are other connections: these would only be held in memory.
    this.#paused = this.#paused.filter(({ isConnected }) => isConnected);
  }
}
