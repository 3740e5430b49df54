import type { Connection } from './connection.ts';
import type { Engine } from './engine.ts';

/** How often what is left is tried to be written when the broker closes. */
const LAST_TRIES = 2;

/**
 * Has the store write once for everything that was noted in a turn, and holds back what connections have to say
 * about it until that is done. A connection that noted nothing waits for nothing.
 */
export class CommitGroup {
  readonly #engine: Engine;
  /** Connections that wait for the next commit. */
  #waiting: Connection[] = [];
  /** The number of the next commit. */
  #epoch = 1;
  #hasNotes = false;
  /** The last commit failed: the store still has to write what was noted for it. */
  #isBehind = false;
  #inProgress: Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Says that something was noted in the store in this turn. */
  note(): void {
    this.#hasNotes = true;
    this.#engine.turnLater();
  }

  /** Has a connection wait for what was noted so far. */
  holdBack(connection: Connection): void {
    if (connection.heldForEpoch === this.#epoch) return;
    connection.heldForEpoch = this.#epoch;
    connection.isHeld = true;
    this.#waiting.push(connection);
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
    let done: Promise<void> | undefined;
    try {
      done = store.commit();
    } catch (error) {
      this.#fail(waiting, error);
      return;
    }
    if (done === undefined) {
      release(waiting, epoch);
      return;
    }
    for (const connection of waiting) connection.seal();
    this.#inProgress = done.then(
      () => this.#finish(() => release(waiting, epoch)),
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

  /**
   * What was not written must not be acknowledged: the clients come back and send it again. The store keeps it, and
   * writes it with the next commit; that one is not hurried, for there may be nothing to write on.
   */
  #fail(waiting: readonly Connection[], error: unknown): void {
    this.#isBehind = true;
    this.#engine.stats.storeFailures++;
    this.#engine.log.error(
      { err: error },
      `sessions could not be stored; ${waiting.length} clients are sent away`,
    );
    for (const connection of waiting)
      connection.abort(new Error('the session store failed', { cause: error }));
  }
}

function release(waiting: readonly Connection[], epoch: number): void {
  for (const connection of waiting) connection.release(epoch);
}
