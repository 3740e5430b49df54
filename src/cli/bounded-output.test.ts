import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { BoundedOutput, written } from './bounded-output.ts';

const KIBIBYTE = 'x'.repeat(1024);
const MEBIBYTE = 1024 * 1024;
/** Twice of what waits at most. */
const LINES = 2048;

describe('lines that nobody reads', () => {
  it('wait up to a mebibyte; the others are dropped, and counted for whoever reads again', async () => {
    const reader = Promise.withResolvers<void>();
    let arrived = 0;
    const stream = new Writable({
      write(chunk: Buffer, _encoding, taken) {
        arrived += chunk.length;
        void reader.promise.then(() => taken());
      },
    });
    const told: number[] = [];
    const output = new BoundedOutput(stream, (dropped) => told.push(dropped));
    for (let line = 0; line < LINES; line++) output.write(KIBIBYTE);
    const waiting = stream.writableLength;
    assert.ok(waiting > MEBIBYTE - 2 * KIBIBYTE.length && waiting <= MEBIBYTE, String(waiting));

    reader.resolve();
    await once(stream, 'drain');
    assert.deepEqual(told, [LINES - arrived / KIBIBYTE.length]);
    output.write('again');
    await written(stream);
    assert.equal(arrived % KIBIBYTE.length, 'again'.length);
  });

  it('and that nobody ever will, end nothing, and are counted', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, taken) => taken(new Error('EPIPE')) });
    const output = new BoundedOutput(stream, () => assert.fail('nobody is there to be told'));
    output.write('a line');
    await new Promise((resolve) => stream.once('close', resolve));
    output.write('another');
    await new Promise(setImmediate);
    assert.equal(output.lost, 2);
  });
});
