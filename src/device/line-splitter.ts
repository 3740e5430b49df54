const NEWLINE = 0x0a;

/** Cuts a byte stream into lines, each byte looked at once, with a bound on what is kept. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #partsBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Calls `onLine` for each line that is complete now, without its end; it returns false to stop.
   *
   * @returns false when a line is longer than `maxBytes`: what follows cannot be told apart
   */
  push(chunk: Buffer, onLine: (line: Buffer) => boolean): boolean {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(start, end);
      start = end + 1;
      if (this.#partsBytes + part.length > this.#maxBytes) return false;
      const line = this.#parts.length === 0 ? part : Buffer.concat([...this.#parts, part]);
      this.#parts = [];
      this.#partsBytes = 0;
      if (!onLine(line)) return true;
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start));
      this.#partsBytes += chunk.length - start;
    }
    return this.#partsBytes <= this.#maxBytes;
  }
}
