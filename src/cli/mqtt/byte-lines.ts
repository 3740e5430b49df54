import { RecadoError } from '../../base/errors.ts';

/**
 * The lines of a stream of bytes, without the `\n` that ends each; what follows the last one is a line as well, unless
 * it is empty.
 *
 * @throws {RecadoError} `PACKET_TOO_LARGE` when a line is longer than `maxLineBytes`
 */
export async function* readByteLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (end: Uint8Array): Uint8Array => {
    const line = heldBytes === 0 ? end : Buffer.concat([...held, end]);
    held = [];
    heldBytes = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, start)) {
      yield take(chunk.subarray(start, at));
      start = at + 1;
    }
    held.push(chunk.subarray(start));
    heldBytes += chunk.length - start;
    if (heldBytes > maxLineBytes) throw tooLarge(`a line is longer than ${maxLineBytes} bytes`);
  }
  if (heldBytes > 0) yield take(new Uint8Array(0));
}

/**
 * All bytes of a stream.
 *
 * @throws {RecadoError} `PACKET_TOO_LARGE` when they are more than `maxBytes`
 */
export async function readAllBytes(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes > maxBytes) throw tooLarge(`there are more than ${maxBytes} bytes`);
  }
  return Buffer.concat(held);
}

/** A payload that no packet can hold is a mistake of the caller, to be told in a line. */
function tooLarge(message: string): RecadoError {
  return new RecadoError('PACKET_TOO_LARGE', `the standard input is too large for a message: ${message}`);
}
