const NO_PIECES: readonly Uint8Array[] = [];
/** Memory of less is left to the collector. */
const MIN_FREED_BYTES = 8192;

/** Bytes of a body that wait to be sent, in the pieces in which they came. */
export class BodyQueue {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** So many of the first pieces are still somebody else's, too. */
  #lentCount = 0;
  /** The same, of the pieces that were taken last. */
  #takenLentCount = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that stay as they are until they are sent, and are somebody else's, too. */
  lend(piece: Uint8Array): void {
    this.#push(piece);
    this.#lentCount = this.#pieces.length;
  }

  /** Bytes that nobody else needs: `free` gives their memory back. */
  give(piece: Uint8Array): void {
    const isWhole = piece.byteLength === piece.buffer.byteLength && piece.byteLength >= MIN_FREED_BYTES;
    if (isWhole) this.#push(piece);
    else this.lend(piece);
  }

  /** The first bytes, at most so many. */
  take(maxBytes: number): readonly Uint8Array[] {
    if (maxBytes <= 0 || this.#bytes === 0) return NO_PIECES;
    let [count, bytes] = [0, 0];
    while (count < this.#pieces.length && bytes + this.#pieces[count]!.length <= maxBytes)
      bytes += this.#pieces[count++]!.length;
    const taken = this.#pieces.splice(0, count);
    this.#takenLentCount = this.#lentCount;
    this.#lentCount = Math.max(0, this.#lentCount - count);
    const first = this.#pieces[0];
    if (first !== undefined && bytes < maxBytes) {
      taken.push(first.subarray(0, maxBytes - bytes));
      this.#pieces[0] = first.subarray(maxBytes - bytes);
      bytes = maxBytes;
    }
    this.#bytes -= bytes;
    return taken;
  }

  /**
   * What was taken last has been copied, and its memory may be used again at once. V8 does not see it grow: while
   * bodies pass, it looks through the whole heap again and again, and lets 64 MiB of them lie meanwhile.
   */
  free(taken: readonly Uint8Array[]): void {
    for (let index = this.#takenLentCount; index < taken.length; index++) {
      const { buffer, byteOffset, byteLength } = taken[index]!;
      const isItsEnd = byteOffset + byteLength === buffer.byteLength;
      if (isItsEnd && buffer instanceof ArrayBuffer) buffer.transfer(0);
    }
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#lentCount = 0;
  }

  #push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }
}
