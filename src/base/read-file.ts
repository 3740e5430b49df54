import { closeSync, openSync, readSync } from 'node:fs';
import { readFaultOf } from './file-fault.ts';
import { fail, succeed, type Result } from './result.ts';

const PIECE_BYTES = 262_144;

/**
 * All of a file, or of a pipe, which `/dev/fd/3` and `/dev/stdin` are, and no more than it may have: `/dev/zero` has no
 * end.
 *
 * @returns or what is wrong: the end of a sentence that begins with its name
 */
export function readFileUpTo(file: string, maxBytes: number): Result<Buffer, string> {
  try {
    const handle = openSync(file, 'r');
    try {
      const pieces: Buffer[] = [];
      let held = 0;
      for (let length = 1; length > 0 && held <= maxBytes; held += length) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES);
        length = readSync(handle, piece, 0, PIECE_BYTES, null);
        pieces.push(piece.subarray(0, length));
      }
      return held > maxBytes ? fail(`is larger than ${maxBytes} bytes`) : succeed(Buffer.concat(pieces));
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    return fail(readFaultOf(error));
  }
}

/** The same of a text. */
export function readTextUpTo(file: string, maxBytes: number): Result<string, string> {
  const bytes = readFileUpTo(file, maxBytes);
  if (!bytes.ok) return bytes;
  try {
    return succeed(new TextDecoder('utf-8', { fatal: true }).decode(bytes.value));
  } catch {
    return fail('is not UTF-8 text');
  }
}
