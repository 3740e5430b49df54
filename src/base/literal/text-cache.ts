import { isUtf8 } from 'node:buffer';

const SLOTS = 1024;
/** Longer texts repeat less, and their conversion costs less for each byte. */
const MAX_KEPT_BYTES = 24;

/**
 * Turns bytes into strings, and remembers the short ones: devices send the same names and values again and again,
 * and comparing a few bytes is several times cheaper than making a string of them. One slot for each hash, so its
 * size is fixed (about 50 KB) and texts that share a slot only push each other out.
 */
export class TextCache {
  readonly #texts: string[] = Array.from({ length: SLOTS }, () => '');
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #bytes = new Uint8Array(SLOTS * MAX_KEPT_BYTES);

  /**
   * The text of `bytes[start, end)`; undefined when that is not UTF-8.
   *
   * @param hash - any number made of these bytes
   * @param isAscii - whether all of them are below 0x80
   */
  read(bytes: Buffer, start: number, end: number, hash: number, isAscii: boolean): string | undefined {
    const length = end - start;
    if (length === 0) return '';
    if (length > MAX_KEPT_BYTES) return decodeText(bytes, start, end, isAscii);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    if (this.#holds(slot, bytes, start, length)) return this.#texts[slot];
    const text = decodeText(bytes, start, end, isAscii);
    if (text === undefined) return undefined;
    this.#texts[slot] = text;
    this.#lengths[slot] = length;
    for (let from = start, at = slot * MAX_KEPT_BYTES; from < end; from++, at++)
      this.#bytes[at] = bytes[from]!;
    return text;
  }

  #holds(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.#lengths[slot] !== length) return false;
    const kept = this.#bytes;
    const first = slot * MAX_KEPT_BYTES;
    for (let index = 0; index < length; index++) {
      if (bytes[start + index] !== kept[first + index]) return false;
    }
    return true;
  }
}

/** The text of `bytes[start, end)`, straight from the bytes; undefined when that is not UTF-8. */
export function decodeText(bytes: Buffer, start: number, end: number, isAscii: boolean): string | undefined {
  if (isAscii) return bytes.toString('latin1', start, end);
  // toString alone would put U+FFFD where the bytes are wrong.
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : undefined;
}
