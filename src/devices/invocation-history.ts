import { costOf, KeptKind } from '../base/kept-kinds.ts';
import type { Party } from '../base/ledger.ts';
import { recordCharacters, type InvocationRecord } from './invocation-record.ts';

/**
 * The invocations that ended last, of those whose callers waited for the answer: a ring, because one is added for every
 * command. Who waited has the output and what the device sent beside a failure; here they are not kept.
 */
export class InvocationHistory {
  readonly #ring: InvocationRecord[] = [];
  readonly #maxItems: number;
  readonly #party: Party;
  /** Of the oldest, once the ring is full. */
  #first = 0;

  /** @param party - to whom it is booked */
  constructor(maxItems: number, party: Party) {
    this.#maxItems = maxItems;
    this.#party = party;
  }

  add(record: InvocationRecord): void {
    const bytes = historyCost(record);
    if (this.#ring.length < this.#maxItems) {
      this.#ring.push(record);
      this.#party.charge(KeptKind.HISTORY, bytes);
      return;
    }
    this.#put(this.#first, record, bytes);
    this.#first = (this.#first + 1) % this.#maxItems;
  }

  /** In place of the record with its id, if that is still there, and there is room for what is new. */
  replace(record: InvocationRecord): void {
    const index = this.#ring.findIndex(({ id }) => id === record.id);
    const bytes = historyCost(record);
    if (index >= 0 && this.#party.hasRoomFor(KeptKind.HISTORY, bytes)) this.#put(index, record, bytes);
  }

  get(id: string): InvocationRecord | undefined {
    return this.#ring.find((record) => record.id === id);
  }

  all(): readonly InvocationRecord[] {
    return this.#ring;
  }

  /** One like the others nearly always takes the place of one like the others: nothing is booked then. */
  #put(index: number, record: InvocationRecord, bytes: number): void {
    this.#party.rebook(KeptKind.HISTORY, historyCost(this.#ring[index]!), bytes);
    this.#ring[index] = record;
  }
}

export function historyCost(record: InvocationRecord): number {
  return costOf(KeptKind.HISTORY, recordCharacters(record));
}
