import { deflateRawSync, inflateRawSync } from 'node:zlib';

const VALUE_BYTES = 8;
const MAX_NUMBER_BYTES = 9;
const LEVEL = 4;

/** What so many numbers and values come to at the most. */
function maxBytes({ numbers, values }: ColumnCounts): number {
  return numbers * MAX_NUMBER_BYTES + values * VALUE_BYTES;
}

type ColumnCounts = { readonly numbers: number; readonly values: number };

/**
 * Columns in one blob, deflated: whole numbers in groups of seven bits (LEB128); then values as float64, little-endian,
 * byte by byte: first the lowest bytes of all, at last the highest, which differ little from one to the next.
 */
export class ColumnWriter {
  readonly #out: Buffer;
  #at = 0;

  constructor(counts: ColumnCounts) {
    this.#out = Buffer.allocUnsafe(maxBytes(counts));
  }

  /** From 0 on. */
  addNumber(number: number): void {
    let rest = number;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#out[this.#at++] = (rest % 128) + 128;
    this.#out[this.#at++] = rest;
  }

  /** Zigzag: 0, -1, 1, -2 … */
  addDifference(difference: number): void {
    this.addNumber(difference < 0 ? -2 * difference - 1 : 2 * difference);
  }

  addValues(values: Float64Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let plane = 0; plane < VALUE_BYTES; plane++)
      for (let index = 0; index < values.length; index++)
        this.#out[this.#at++] = bytes[index * VALUE_BYTES + plane]!;
  }

  deflate(): Buffer {
    return deflateRawSync(this.#out.subarray(0, this.#at), { level: LEVEL });
  }
}

/** Reads what a `ColumnWriter` wrote, in its order. */
export class ColumnReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(blob: Uint8Array, counts: ColumnCounts) {
    this.#bytes = inflateRawSync(blob, { maxOutputLength: maxBytes(counts) });
  }

  readNumber(): number {
    let number = 0;
    let scale = 1;
    let byte = this.#bytes[this.#at++]!;
    for (; byte >= 128; byte = this.#bytes[this.#at++]!) {
      number += (byte - 128) * scale;
      scale *= 128;
    }
    return number + byte * scale;
  }

  readDifference(): number {
    const number = this.readNumber();
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
  }

  readValues(count: number): Float64Array {
    const values = new Float64Array(count);
    const out = new Uint8Array(values.buffer);
    for (let plane = 0; plane < VALUE_BYTES; plane++)
      for (let index = 0; index < count; index++) out[index * VALUE_BYTES + plane] = this.#bytes[this.#at++]!;
    return values;
  }
}
