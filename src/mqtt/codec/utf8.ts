import { isUtf8 } from 'node:buffer';

/** What the bytes of a UTF-8 Encoded String are (section 1.5.4). */
export const Utf8Kind = {
  /** Every character is one byte. */
  ASCII: 0,
  /** Well-formed, and some characters take more than one byte. */
  MULTI_BYTE: 1,
  /** U+0000 is in it [MQTT-1.5.4-2]. */
  HAS_NULL: 2,
  /** Not UTF-8, or a surrogate U+D800 to U+DFFF is in it [MQTT-1.5.4-1]. */
  ILL_FORMED: 3,
} as const;
export type Utf8Kind = (typeof Utf8Kind)[keyof typeof Utf8Kind];

/** Judges the bytes of a UTF-8 Encoded String from `start` up to `end`. */
export function judgeUtf8(bytes: Buffer, start: number, end: number): Utf8Kind {
  let allBits = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0) return Utf8Kind.HAS_NULL; // in UTF-8, 0 is part of no other character
    allBits |= byte;
  }
  if (allBits < 0x80) return Utf8Kind.ASCII;
  return isUtf8(bytes.subarray(start, end)) ? Utf8Kind.MULTI_BYTE : Utf8Kind.ILL_FORMED;
}

/** Whether a string can be a UTF-8 Encoded String: no lone surrogate and no U+0000. Its length is not looked at. */
export function isEncodableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
