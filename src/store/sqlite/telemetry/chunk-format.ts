import { deflateRawSync, inflateRawSync } from 'node:zlib';

/*
 * The readings of one series in one blob, deflated: the times as differences, zigzag and in groups of seven bits
 * (LEB128), the first one to the chunk's `t0`; then the values as float64, little-endian, byte by byte: first the lowest
 * bytes of all, at last the highest, which differ little from one reading to the next.
 */

const VALUE_BYTES = 8;
const MAX_TIME_BYTES = 9;
const LEVEL = 4;

/** What a blob inflates to at the most. */
function maxBytes(count: number): number {
  return count * (VALUE_BYTES + MAX_TIME_BYTES);
}

export function encodeChunk(t0: number, times: Float64Array, values: Float64Array): Buffer {
  const count = times.length;
  const out = Buffer.allocUnsafe(maxBytes(count));
  let at = 0;
  let before = t0;
  for (const time of times) {
    const difference = time - before;
    let rest = difference < 0 ? -2 * difference - 1 : 2 * difference;
    for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) + 128;
    out[at++] = rest;
    before = time;
  }
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (let plane = 0; plane < VALUE_BYTES; plane++)
    for (let index = 0; index < count; index++) out[at++] = bytes[index * VALUE_BYTES + plane]!;
  return deflateRawSync(out.subarray(0, at), { level: LEVEL });
}

export function decodeChunk(
  blob: Uint8Array,
  { t0, count }: { readonly t0: number; readonly count: number },
): { readonly times: Float64Array; readonly values: Float64Array } {
  const bytes = inflateRawSync(blob, { maxOutputLength: maxBytes(count) });
  const times = new Float64Array(count);
  let at = 0;
  let before = t0;
  for (let index = 0; index < count; index++) {
    let rest = 0;
    let scale = 1;
    let byte = bytes[at++]!;
    for (; byte >= 128; byte = bytes[at++]!) {
      rest += (byte - 128) * scale;
      scale *= 128;
    }
    rest += byte * scale;
    before += rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
    times[index] = before;
  }
  const values = new Float64Array(count);
  const out = new Uint8Array(values.buffer);
  for (let plane = 0; plane < VALUE_BYTES; plane++)
    for (let index = 0; index < count; index++) out[index * VALUE_BYTES + plane] = bytes[at++]!;
  return { times, values };
}
