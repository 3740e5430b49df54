import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import { connect, Socket, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { spreadPipelines } from './spread-pipelines.ts';

const REQUESTS = 1000;
const MAX_AT_ONCE = 16;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

/** Serves, and gives a way to connect. */
async function serve(t: TestContext, handle: RequestListener): Promise<() => Socket> {
  const server = createServer(handle);
  spreadPipelines(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  };
}

test('a pipeline is shared out over turns, and answered in order, bodies and all', async (t) => {
  let turn = 0;
  const goOn = (): void => {
    turn++;
    ticking = setImmediate(goOn);
  };
  let ticking = setImmediate(goOn);
  t.after(() => clearImmediate(ticking));
  const begunInTurn = new Map<number, number>();
  const dial = await serve(t, (request, response) => {
    begunInTurn.set(turn, (begunInTurn.get(turn) ?? 0) + 1);
    void bodyOf(request).then((body) => response.end(`${request.url} ${body}\n`));
  });
  const socket = dial();
  const head = 'HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody';
  const last = 'HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const requests = Array.from({ length: REQUESTS - 1 }, (_, index) => `POST /${index} ${head}`);
  socket.write(`${requests.join('')}GET /last ${last}`);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const expected = Array.from({ length: REQUESTS - 1 }, (_, index) => `/${index} body`);
  assert.deepEqual(text.match(/^\/\S* .*$/gm), [...expected, '/last ']);
  // What comes in a turn is begun in it, and so is what the turn before has left.
  assert.ok(Math.max(...begunInTurn.values()) <= 2 * MAX_AT_ONCE);
});

test('a connection that sends thousands of requests in one piece is closed, and others are not', async (t) => {
  let begun = 0;
  const dial = await serve(t, (_request, response) => {
    begun++;
    response.end('ok');
  });
  const other = dial();
  const flooding = dial();
  flooding.on('error', () => {});
  flooding.write('GET / HTTP/1.1\r\nHost:a\r\n\r\n'.repeat(2400));
  flooding.resume();
  await new Promise<void>((resolve) => {
    flooding.once('close', () => resolve());
  });
  assert.ok(begun < REQUESTS);
  other.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of other) text += String(chunk);
  assert.match(text, /^HTTP\/1.1 200/);
});

test('all connections together have no more requests waiting than there may be, and those with a few go on', async (t) => {
  const CONNECTIONS = 40;
  const server = createServer((_request, response) => void response.end('ok'));
  spreadPipelines(server);
  const [take] = server.listeners('request') as RequestListener[];
  const sockets = Array.from({ length: CONNECTIONS + 1 }, () => new Socket());
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const few = sockets.pop()!;
  // As the parser gives them: all of one piece, before anything else has its turn.
  const send = (socket: Socket, count: number): void => {
    for (let left = count; left > 0 && !socket.destroyed; left--) {
      const request = new IncomingMessage(socket);
      take!(request, new ServerResponse(request));
    }
  };
  for (const socket of sockets) send(socket, REQUESTS);
  send(few, 2 * MAX_AT_ONCE);
  assert.equal(few.destroyed, false);
  const closed = sockets.filter(({ destroyed }) => destroyed).length;
  assert.ok(closed > 0 && (CONNECTIONS - closed) * (REQUESTS - MAX_AT_ONCE) <= 16_384, `${closed} closed`);
  // All that waited has begun, and room is for others again.
  await new Promise<void>((resolve) => {
    const look = (): void => void (few.isPaused() ? setImmediate(look) : resolve());
    setImmediate(look);
  });
});
