import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from './logger.ts';
import { Shutdown } from './shutdown.ts';

test('parts close in the opposite order of their opening', async () => {
  const shutdown = new Shutdown(silentLogger);
  const closed: string[] = [];
  for (const name of ['gateways', 'http']) shutdown.add(name, () => void closed.push(name));
  assert.equal(await shutdown.close(1000), true);
  assert.deepEqual(closed, ['http', 'gateways']);
});

test('a part that hangs or fails is told, and does not keep the others from closing', async () => {
  const told: string[] = [];
  const shutdown = new Shutdown({
    ...silentLogger,
    warn: (_, text) => told.push(text),
    error: (_, text) => told.push(text),
  });
  let closed = false;
  shutdown.add('first', () => void (closed = true));
  shutdown.add('failing', () => Promise.reject(new Error('no')));
  shutdown.add('hanging', () => new Promise(() => {}));
  assert.equal(await shutdown.close(50), false);
  assert.equal(closed, true);
  assert.deepEqual(told, ['hanging did not close in time', 'failing failed to close']);
});

test('closing twice closes once', async () => {
  const shutdown = new Shutdown(silentLogger);
  let times = 0;
  shutdown.add('part', () => void times++);
  assert.deepEqual(await Promise.all([shutdown.close(100), shutdown.close(100)]), [true, true]);
  assert.equal(times, 1);
});
