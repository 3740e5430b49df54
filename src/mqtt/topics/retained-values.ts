import type { Party } from '../../base/ledger.ts';

const PAGE_SHIFT = 14;
const PAGE_RECORDS = 1 << PAGE_SHIFT;
const PAGE_MASK = PAGE_RECORDS - 1;

/** Messages with two numbers each. */
type Page<M> = {
  readonly messages: (M | undefined)[];
  readonly parties: (Party | undefined)[];
  /** Of message `n`: its size at `2n`, when it expires at `2n + 1`. */
  readonly numbers: Float64Array;
};

/** What is retained, by node, in pages: nothing is ever copied to make room. */
export class RetainedValues<M> {
  readonly #pages: Page<M>[] = [];

  message(node: number): M | undefined {
    return this.#pages[node >>> PAGE_SHIFT]?.messages[node & PAGE_MASK];
  }

  /** To whom it is booked. */
  party(node: number): Party | undefined {
    return this.#pages[node >>> PAGE_SHIFT]?.parties[node & PAGE_MASK];
  }

  sizeBytes(node: number): number {
    return this.#pages[node >>> PAGE_SHIFT]?.numbers[(node & PAGE_MASK) << 1] ?? 0;
  }

  /** `Infinity` for a message that does not expire. */
  expiresAtMs(node: number): number {
    return this.#pages[node >>> PAGE_SHIFT]?.numbers[((node & PAGE_MASK) << 1) + 1] ?? 0;
  }

  set(
    node: number,
    message: M,
    { sizeBytes, expiresAtMs, party }: { sizeBytes: number; expiresAtMs: number; party: Party | undefined },
  ): void {
    const page = this.#pageFor(node);
    const at = node & PAGE_MASK;
    // Filled in order: an array with holes is slower and larger.
    while (page.messages.length <= at) {
      page.messages.push(undefined);
      page.parties.push(undefined);
    }
    page.messages[at] = message;
    page.parties[at] = party;
    page.numbers[at << 1] = sizeBytes;
    page.numbers[(at << 1) + 1] = expiresAtMs;
  }

  delete(node: number): void {
    const page = this.#pages[node >>> PAGE_SHIFT];
    if (page === undefined) return;
    page.messages[node & PAGE_MASK] = undefined;
    page.parties[node & PAGE_MASK] = undefined;
  }

  #pageFor(node: number): Page<M> {
    const last = node >>> PAGE_SHIFT;
    for (let index = this.#pages.length; index <= last; index++)
      this.#pages.push({ messages: [], parties: [], numbers: new Float64Array(PAGE_RECORDS * 2) });
    return this.#pages[last]!;
  }
}
