const NO_PIECES: readonly Uint8Array[] = [];

/** Bytes of a body that wait to be sent, in the pieces in which they came. */
export class BodyQueue {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** The first bytes, at most so many. */
  take(maxBytes: number): readonly Uint8Array[] {
    if (maxBytes <= 0 || this.#bytes === 0) return NO_PIECES;
    let [count, bytes] = [0, 0];
    while (count < this.#pieces.length && bytes + this.#pieces[count]!.length <= maxBytes)
      bytes += this.#pieces[count++]!.length;
    const taken = this.#pieces.splice(0, count);
    const first = this.#pieces[0];
    if (first !== undefined && bytes < maxBytes) {
      taken.push(first.subarray(0, maxBytes - bytes));
      this.#pieces[0] = first.subarray(maxBytes - bytes);
      bytes = maxBytes;
    }
    this.#bytes -= bytes;
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }
}
