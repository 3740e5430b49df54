import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, test, type TestContext } from 'node:test';
import {
  createClient,
  type EventOptions,
  type HubAnswerError,
  type HubEvent,
} from '../../src/client/index.ts';
import { findFreeTcpPort } from '../helpers/free-ports.ts';
import { answerJson, closeServers, serveAnswers, serveBytes } from '../helpers/serve-answers.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

afterEach(closeServers);

/** Reads a stream until the test ends; `seen` has each event in short. */
function follow(t: TestContext, url: string, options: EventOptions = {}) {
  const seen: string[] = [];
  const failed: unknown[] = [];
  const stop = new AbortController();
  t.after(() => stop.abort());
  const read = async (): Promise<void> => {
    for await (const event of createClient({ url }).events({ signal: stop.signal, ...options }))
      seen.push(inShort(event));
  };
  void read().catch((error: unknown) => failed.push(error));
  return { seen, failed, stop };
}

function inShort(event: HubEvent): string {
  switch (event.type) {
    case 'connected':
      return event.isResumed ? 'resumed' : 'connected';
    case 'reading':
      return `${event.metric}=${String(event.value)}`;
    case 'forgotten':
      return event.deviceId;
    case 'reset':
      return event.reason;
    default:
      return event.type;
  }
}

function publish({ server }: TestHub, value: number): void {
  server.hub.feed.publishReading('pump', { metric: 'bar', value, unit: undefined, time: 1 });
}

test('events come typed, and those that are wanted only', async (t) => {
  const hub = await startTestHub(t);
  const { seen } = follow(t, hub.url, { devices: ['pump'], kinds: ['reading'] });
  await until('connected', () => seen.length === 1);
  hub.server.hub.feed.publish({ kind: 'forgotten', deviceId: 'pump', time: 1 });
  publish(hub, 1);
  hub.server.hub.feed.publishReading('valve', { metric: 'bar', value: 2, unit: undefined, time: 1 });
  publish(hub, 3);
  await until('two', () => seen.length === 3);
  assert.deepEqual(seen, ['connected', 'bar=1', 'bar=3']);
});

/** A way to a hub that can be cut. */
async function wayTo(hub: TestHub): Promise<{ url: string; cut(): void }> {
  const open = new Set<Socket>();
  const url = await serveBytes((socket) => {
    const onward = connect(Number(new URL(hub.url).port), '127.0.0.1');
    onward.on('error', () => {});
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
    open.add(socket);
  });
  return {
    url,
    cut() {
      for (const socket of open) socket.destroy();
      open.clear();
    },
  };
}

test('a broken connection is made again, and nothing is lost', async (t) => {
  const hub = await startTestHub(t);
  const way = await wayTo(hub);
  const { seen } = follow(t, way.url);
  await until('connected', () => seen.includes('connected'));
  publish(hub, 1);
  await until('the first', () => seen.includes('bar=1'));
  way.cut();
  publish(hub, 2);
  await until('the second', () => seen.includes('bar=2'));
  assert.deepEqual(seen, ['connected', 'bar=1', 'disconnected', 'resumed', 'bar=2']);
});

test('a hub that was started anew resets', async (t) => {
  const port = await findFreeTcpPort();
  const atThatPort = (config: MutableConfig): void => void (config.http.port = port);
  const first = await startTestHub(t, atThatPort);
  const { seen } = follow(t, first.url);
  await until('connected', () => seen.includes('connected'));
  await first.server.close();
  const second = await startTestHub(t, atThatPort);
  await until('reset', () => seen.includes('hub-restarted'));
  publish(second, 5);
  await until('the next', () => seen.includes('bar=5'));
  assert.equal(seen[0], 'connected');
  assert.deepEqual(seen.slice(-3), ['resumed', 'hub-restarted', 'bar=5']);
});

test('a connection on which nothing comes any more is made again', async (t) => {
  let connections = 0;
  const { url } = await serveAnswers((_request, response) => {
    connections++;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('id: r-1\n\n');
  });
  const { seen } = follow(t, url, { silenceMs: 50 });
  await until('it was made again', () => seen.length >= 3);
  assert.deepEqual(seen.slice(0, 3), ['connected', 'disconnected', 'resumed']);
  assert.ok(connections >= 2);
});

test('who leaves the loop leaves the hub', async (t) => {
  const hub = await startTestHub(t);
  const streams = (): number | undefined =>
    hub.server.hub.ledger.totals().find(({ kind }) => kind === 'event_stream')?.count;
  for await (const event of createClient({ url: hub.url }).events()) {
    assert.equal(event.type, 'connected');
    assert.equal(streams(), 1);
    break;
  }
  await until('it is gone', () => streams() === 0);
  const { failed, stop, seen } = follow(t, hub.url);
  await until('connected', () => seen.length === 1);
  const reason = new Error('enough');
  stop.abort(reason);
  await until('it ended', () => failed.length === 1);
  assert.equal(failed[0], reason);
});

test('what cannot be is told by the first connection', async (t) => {
  const { url: older } = await serveAnswers((_request, response) =>
    answerJson(response, 404, { code: 'ROUTE_UNKNOWN', status: 404, title: 'x', detail: 'x', type: 'x' }),
  );
  const { url: other } = await serveAnswers((_request, response) => answerJson(response, 200, {}));
  const hub = await startTestHub(t);
  const events = (url: string, options: EventOptions = {}) => createClient({ url }).events(options).next();
  await assert.rejects(events(older), { name: 'ProblemError', code: 'ROUTE_UNKNOWN' });
  await assert.rejects(events(other), { name: 'HubAnswerError', detail: 'is no stream of events' });
  await assert.rejects(events('http://127.0.0.1:9'), { name: 'HubUnreachableError', reason: 'blocked-port' });
  const wrong = events(hub.url, { devices: ['a b'] });
  await assert.rejects(wrong, { name: 'ProblemError', code: 'REQUEST_INVALID' });
});

/** A stream of events as parts of HTTP, each of which its reader is given alone. */
function serveParts(parts: Iterable<string>): Promise<string> {
  const chunks = Array.from(parts, (part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
  return serveBytes((socket) => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
    socket.once('data', () => socket.write(head + chunks.join('')));
  });
}

test('an event without an end is given up at its bound, in however small parts it comes', async (t) => {
  const url = await serveParts(Array<string>(4 * 4096 + 1).fill('x'.repeat(256)));
  const { seen, failed } = follow(t, url);
  await until('it was given up', () => failed.length === 1);
  const { name, detail } = failed[0] as HubAnswerError;
  assert.equal(name, 'HubAnswerError');
  assert.equal(detail, 'has an event of more than 4194304 characters');
  assert.deepEqual(seen, ['connected']);
});

test('events come whole whose every character, and the empty line, is a part', async (t) => {
  const eventOf = (value: number): string => {
    const time = new Date(1).toISOString();
    const data = JSON.stringify({ deviceId: 'pump', metric: 'bar', value, unit: null, time });
    return `id: r-${value}\nevent: reading\ndata: ${data}\n\n`;
  };
  const url = await serveParts([
    ...Array.from(`: comes\n\n${eventOf(1)}${eventOf(2).slice(0, -1)}`),
    `\n${eventOf(3)}`,
  ]);
  const { seen, failed } = follow(t, url);
  await until('all came', () => seen.length === 4 || failed.length > 0);
  assert.deepEqual(failed, []);
  assert.deepEqual(seen, ['connected', 'bar=1', 'bar=2', 'bar=3']);
});
