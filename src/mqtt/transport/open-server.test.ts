import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { openServer } from './open-server.ts';
import { Refusals } from './refusals.ts';

test('what the system reports after it listens is counted and told, and does not end the process', async (t) => {
  const told: unknown[] = [];
  const refusals = new Refusals(
    (reason, address, error) => void told.push([reason, address, error?.message]),
  );
  const server = createServer();
  t.after(() => server.close());
  const port = await openServer(server, { host: '127.0.0.1', port: 0 }, refusals);
  assert.notEqual(port, 0);
  server.emit('error', new Error('accept EMFILE'));
  assert.deepEqual(told, [['accept-failed', '', 'accept EMFILE']]);
  assert.equal(refusals.counts['accept-failed'], 1);
});
