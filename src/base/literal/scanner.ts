/** Which limit a value broke; `shape` is a first byte other than `{`, or a bracket closed by another kind. */
type ScanBreak = 'bytes' | 'depth' | 'shape';

const NEEDS_MORE = -1;
const BROKEN = -2;

const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const OPEN_PARENTHESIS = 0x28;
const CLOSE_PARENTHESIS = 0x29;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Finds where one dictionary ends in a stream without framing, in JSON or in Python's notation, each byte looked
 * at once however the stream is split. It knows strings, escapes and brackets; whether what stands between them
 * makes sense is for `readLiteral` to say. Multi-byte characters need no care: none of their bytes is ASCII.
 */
export class LiteralScanner {
  readonly #maxBytes: number;
  /** The closing byte that each open bracket waits for. */
  readonly #closers: Uint8Array;
  #depth = 0;
  /** The quote that ends the string we are in; 0 outside strings. */
  #quote = 0;
  #escaped = false;
  #ended = false;
  #bytes = 0;
  #broken: ScanBreak | undefined = undefined;

  constructor(limits: { maxBytes: number; maxDepth: number }) {
    this.#maxBytes = limits.maxBytes;
    this.#closers = new Uint8Array(limits.maxDepth);
  }

  /** Bytes of the current value seen so far; after its end, its length. */
  get bytes(): number {
    return this.#bytes;
  }

  get broken(): ScanBreak | undefined {
    return this.#broken;
  }

  /**
   * Looks at `chunk` from `offset` on. The first byte of a value must be `{`.
   *
   * @returns the index just past the end of the value; -1 when it goes on (the whole chunk was taken); -2 when a
   *   limit is broken, which stays so until `reset`. The call after an end begins the next value.
   */
  scan(chunk: Uint8Array, offset: number): number {
    if (this.#broken !== undefined) return BROKEN;
    if (this.#ended) this.reset();
    if (this.#depth === 0 && offset < chunk.length && chunk[offset] !== OPEN_BRACE)
      return this.#break('shape');
    const stop = Math.min(chunk.length, offset + this.#maxBytes - this.#bytes);
    let index = offset;
    while (index < stop) {
      if (this.#quote !== 0) {
        index = this.#skipString(chunk, index, stop);
        continue;
      }
      const byte = chunk[index]!;
      index++;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) this.#quote = byte;
      else if (byte >= OPEN_PARENTHESIS && this.#bracket(byte)) break;
    }
    this.#bytes += index - offset;
    if (this.#ended) return index;
    if (this.#broken !== undefined) return BROKEN;
    // A value that has not ended here needs at least one byte more than it may have.
    return this.#bytes >= this.#maxBytes ? this.#break('bytes') : NEEDS_MORE;
  }

  /** Forgets the current value. */
  reset(): void {
    this.#depth = 0;
    this.#quote = 0;
    this.#escaped = false;
    this.#ended = false;
    this.#bytes = 0;
    this.#broken = undefined;
  }

  #skipString(chunk: Uint8Array, from: number, stop: number): number {
    const quote = this.#quote;
    let index = from;
    if (this.#escaped) {
      this.#escaped = false;
      index++;
    }
    while (index < stop) {
      const byte = chunk[index]!;
      index++;
      if (byte === quote) {
        this.#quote = 0;
        return index;
      }
      if (byte !== BACKSLASH) continue;
      if (index === stop) this.#escaped = true;
      index++;
    }
    return stop;
  }

  /** True when the scan is over: the value has ended, or a limit is broken. */
  #bracket(byte: number): boolean {
    if (byte === OPEN_BRACE) return this.#open(CLOSE_BRACE);
    if (byte === OPEN_BRACKET) return this.#open(CLOSE_BRACKET);
    if (byte === OPEN_PARENTHESIS) return this.#open(CLOSE_PARENTHESIS);
    if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte === CLOSE_PARENTHESIS)
      return this.#close(byte);
    return false;
  }

  #open(closer: number): boolean {
    if (this.#depth === this.#closers.length) {
      this.#break('depth');
      return true;
    }
    this.#closers[this.#depth++] = closer;
    return false;
  }

  #close(closer: number): boolean {
    if (this.#closers[this.#depth - 1] !== closer) {
      this.#break('shape');
      return true;
    }
    this.#depth--;
    this.#ended = this.#depth === 0;
    return this.#ended;
  }

  #break(why: ScanBreak): typeof BROKEN {
    this.#broken = why;
    return BROKEN;
  }
}

/** What may stand between two values. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
