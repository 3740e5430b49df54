/** Something that has work to do when the turn of the event loop ends. */
export type TurnWork = { endTurn(): void };

/**
 * Collects work of one turn of the event loop and does it at once, right after everything that was readable has
 * been read. Writes that follow each other closely wake their receiver once instead of once each, which halves
 * what a small message costs the system.
 */
export class Turn {
  #work: TurnWork[] = [];
  #spare: TurnWork[] = [];

  /**
   * Calls `endTurn` once at the end of this turn. The same work must not be added twice in one turn. One that throws
   * costs nobody else the turn; its error comes uncaught.
   */
  add(work: TurnWork): void {
    if (this.#work.length === 0) setImmediate(this.#run);
    this.#work.push(work);
  }

  readonly #run = (): void => {
    const work = this.#work;
    this.#work = this.#spare;
    for (const item of work) {
      try {
        item.endTurn();
      } catch (error) {
        // As loud as it would have been here, and the others have had their turn.
        setImmediate(() => {
          throw error;
        });
      }
    }
    work.length = 0;
    this.#spare = work;
  };
}
