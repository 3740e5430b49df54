import type { KeptKind } from './kept-kinds.ts';

/** A connection, as far as closing it gives back what is kept for somebody. */
export type Holder = {
  /** Closes, where that gives back something of the kind; undefined is any. */
  yieldRoom(kind: KeptKind | undefined): void;
};

/** The place of a connection among those of a party, the newest first: it comes and goes without looking at others. */
export class Holding {
  readonly holder: Holder;
  /** The one that came before it. */
  before: Holding | undefined;
  #after: Holding | undefined = undefined;
  #party: { holding: Holding | undefined } | undefined;

  constructor(party: { holding: Holding | undefined }, holder: Holder) {
    this.holder = holder;
    this.#party = party;
    this.before = party.holding;
    if (this.before !== undefined) this.before.#after = this;
    party.holding = this;
  }

  /** It is closed, or another party's. */
  leave(): void {
    if (this.#party === undefined) return;
    if (this.#after === undefined) this.#party.holding = this.before;
    else this.#after.before = this.before;
    if (this.before !== undefined) this.before.#after = this.#after;
    this.#party = undefined;
  }
}
