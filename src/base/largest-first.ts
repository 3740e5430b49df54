const NONE = -1;
/** Amounts of one rank are at most twice one another; rank 0 is of nothing, which nobody looks for. */
const RANKS = 33;
const UNIT_BYTES = 64;
const FIRST_LINES = 64;
/** Of those who hold most, how many are looked at for the one that does: what it takes is bounded. */
const MAX_LOOKS = 64;

/**
 * Lines by how much is kept for them, in ranks: one of those that hold most is found, and a change is noted, in the
 * same time however many there are.
 */
export class LargestFirst {
  #next = new Int32Array(FIRST_LINES);
  #previous = new Int32Array(FIRST_LINES);
  #ranks = new Uint8Array(FIRST_LINES);
  readonly #first = new Int32Array(RANKS).fill(NONE);

  /** Of the first `count` lines, as they are now. */
  constructor(count: number, bytesOf: (line: number) => number) {
    for (let line = 0; line < count; line++) this.set(line, bytesOf(line));
  }

  /** Notes what a line has now. */
  set(line: number, bytes: number): void {
    const amount = Math.ceil(bytes / UNIT_BYTES);
    const rank = amount >= 2 ** 31 ? RANKS - 1 : 32 - Math.clz32(amount);
    if (line >= this.#ranks.length) this.#grow(line);
    const before = this.#ranks[line]!;
    if (rank === before) return;
    this.#ranks[line] = rank;
    if (before !== 0) this.#unlink(line, before);
    if (rank !== 0) this.#link(line, rank);
  }

  /**
   * One that holds more than `atLeast`, and at least half as much as any other where few are alike; those that were looked at
   * are looked at again after the others.
   */
  find(bytesOf: (line: number) => number, atLeast: number): number | undefined {
    let most: number | undefined;
    let mostBytes = atLeast;
    let looks = 0;
    for (let rank = RANKS - 1; rank > 0 && most === undefined && looks < MAX_LOOKS; rank--) {
      const first = this.#first[rank]!;
      let line = first;
      while (line !== NONE && looks < MAX_LOOKS) {
        looks++;
        const bytes = bytesOf(line);
        if (bytes > mostBytes) {
          most = line;
          mostBytes = bytes;
        }
        line = this.#next[line]!;
        if (line === first) break;
      }
      if (line !== NONE) this.#first[rank] = line;
    }
    return most;
  }

  /** Rings: what comes new is looked at last. */
  #link(line: number, rank: number): void {
    const first = this.#first[rank]!;
    if (first === NONE) {
      this.#first[rank] = line;
      this.#next[line] = line;
      this.#previous[line] = line;
      return;
    }
    const last = this.#previous[first]!;
    this.#next[last] = line;
    this.#previous[line] = last;
    this.#next[line] = first;
    this.#previous[first] = line;
  }

  #unlink(line: number, rank: number): void {
    const next = this.#next[line]!;
    if (next === line) {
      this.#first[rank] = NONE;
      return;
    }
    const previous = this.#previous[line]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    if (this.#first[rank] === line) this.#first[rank] = next;
  }

  #grow(line: number): void {
    const size = Math.max(line + 1, this.#ranks.length * 2);
    this.#next = enlarged(this.#next, new Int32Array(size));
    this.#previous = enlarged(this.#previous, new Int32Array(size));
    this.#ranks = enlarged(this.#ranks, new Uint8Array(size));
  }
}

function enlarged<A extends Int32Array | Uint8Array>(from: A, into: A): A {
  into.set(from);
  return into;
}
