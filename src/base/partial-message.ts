import { costOf, KeptKind } from './kept-kinds.ts';
import type { Party } from './ledger.ts';

const FIRST_BYTES = 256;
const NOTHING = Buffer.alloc(0);

/** What has come of a message that is not whole: one buffer, at most twice as large, booked to its sender. */
export class PartialMessage {
  readonly #party: Party | undefined;
  #buffer: Buffer = NOTHING;
  #length = 0;

  constructor(party: Party | undefined) {
    this.#party = party;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies what is only borrowed; false, and nothing is kept any more, when there is no room. */
  append(bytes: Buffer): boolean {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length && !this.#grow(length)) return false;
    bytes.copy(this.#buffer, this.#length);
    this.#length = length;
    return true;
  }

  /** Gives what has come, and keeps nothing. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.clear();
    return bytes;
  }

  clear(): void {
    if (this.#buffer.length > 0)
      this.#party?.release(KeptKind.PARTIAL, costOf(KeptKind.PARTIAL, this.#buffer.length));
    this.#buffer = NOTHING;
    this.#length = 0;
  }

  #grow(needed: number): boolean {
    let size = Math.max(FIRST_BYTES, this.#buffer.length);
    while (size < needed) size *= 2;
    if (this.#party?.admit(KeptKind.PARTIAL, costOf(KeptKind.PARTIAL, size)) === false) {
      this.clear();
      return false;
    }
    const grown = Buffer.allocUnsafeSlow(size);
    const length = this.#length;
    this.#buffer.copy(grown, 0, 0, length);
    this.clear();
    this.#buffer = grown;
    this.#length = length;
    return true;
  }
}
