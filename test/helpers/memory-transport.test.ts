import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTransport } from './memory-transport.ts';
import { turnEnd } from './mqtt-wire-client.ts';

test('what is sent right after resume does not overtake what came while the transport was paused', async () => {
  const transport = new MemoryTransport();
  const received: string[] = [];
  transport.connect({
    accept: () => ({
      onBytes: (bytes) => void received.push(bytes.toString()),
      room: () => undefined,
      onDrained: () => {},
      onClosed: () => {},
    }),
  });
  transport.pause();
  transport.send(Buffer.from('first'));
  transport.resume();
  transport.send(Buffer.from('second'));
  await turnEnd();
  transport.send(Buffer.from('third'));
  assert.deepEqual(received, ['first', 'second', 'third']);
});
