import { isUtf8 } from 'node:buffer';

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]+)/i;

/**
 * Bytes of somebody else as text; undefined when they are not in this charset, or nobody knows it: they would be text
 * that nobody has written.
 */
export function readText(bytes: Uint8Array, charset = 'utf-8'): string | undefined {
  if (charset === 'utf-8')
    return isUtf8(bytes)
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
      : undefined;
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The charset that a Content-Type names, in small letters; undefined where it names none. */
export function findCharset(contentType: string | undefined): string | undefined {
  return contentType === undefined ? undefined : CHARSET.exec(contentType)?.[1]?.toLowerCase();
}
