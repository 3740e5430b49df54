import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Ledger } from '../base/ledger.ts';
import { systemClock } from '../base/clock.ts';
import { Feed } from '../hub/feed.ts';
import { EventStreams } from './event-streams.ts';

test('what happens while streams end is written to none of them', async (t) => {
  const feed = new Feed({ maxKeptEvents: 100, maxKeptBytes: 1_000_000 }, new Ledger());
  const limits = { maxStreams: 10, maxStreamsPerCaller: 10, keepAliveMs: 10_000 };
  const streams = new EventStreams(feed, limits, systemClock);
  const served = Promise.withResolvers<ServerResponse>();
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const interest = { devices: undefined, kinds: undefined };
    streams.serve(response, { caller: 'ann', interest, lastEventId: undefined });
    served.resolve(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const answered = once(asked, 'response') as Promise<[NodeJS.ReadableStream]>;
  const response = await served.promise;
  const failed: Error[] = [];
  response.on('error', (error) => failed.push(error));
  await nextTurn();
  // More than a socket takes at once from one whose reader is slow: the end has to wait behind it.
  response.write(`: ${'x'.repeat(16_000_000)}\n\n`);
  streams.close();
  feed.publish({ kind: 'forgotten', deviceId: 'pump', time: 1 });
  await nextTurn();
  await nextTurn();
  assert.deepEqual(failed, []);
  const [answer] = await answered;
  answer.resume();
  await once(answer, 'end');
});
