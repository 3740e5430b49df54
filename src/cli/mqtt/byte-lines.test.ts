import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAllBytes, readByteLines } from './byte-lines.ts';

async function* chunksOf(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

async function linesOf(texts: readonly string[], maxLineBytes = 100): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readByteLines(chunksOf(texts), maxLineBytes))
    lines.push(Buffer.from(line).toString());
  return lines;
}

describe('lines of bytes', () => {
  const text = 'one\n\ntwo €\r\nthree';
  const expected = ['one', '', 'two €\r', 'three'];

  it('are the same wherever the stream is cut', async () => {
    for (let at = 0; at <= text.length; at++)
      assert.deepEqual(await linesOf([text.slice(0, at), text.slice(at)]), expected);
    assert.deepEqual(await linesOf(text.split('')), expected);
  });

  it('end with the last one that has something in it', async () => {
    assert.deepEqual(await linesOf(['a\n']), ['a']);
    assert.deepEqual(await linesOf(['a\n\n']), ['a', '']);
    assert.deepEqual(await linesOf([]), []);
  });

  it('have a largest length', async () => {
    assert.deepEqual(await linesOf(['12345\n12345'], 5), ['12345', '12345']);
    await assert.rejects(linesOf(['123', '456'], 5), { code: 'PACKET_TOO_LARGE' });
  });
});

describe('all bytes', () => {
  it('are taken up to a limit', async () => {
    assert.equal(Buffer.from(await readAllBytes(chunksOf(['ab', 'c']), 3)).toString(), 'abc');
    await assert.rejects(readAllBytes(chunksOf(['ab', 'cd']), 3), { code: 'PACKET_TOO_LARGE' });
  });
});
