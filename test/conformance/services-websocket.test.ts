import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, it, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws';
import { offerThroughHub } from '../helpers/hub-agent.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { makeAuthority } from '../helpers/mqtt-certificates.ts';
import {
  openServicesRig,
  SERVICE,
  talkRaw,
  type RigOptions,
  type ServicesRig,
} from '../helpers/services-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

type Target = {
  readonly url: string;
  /** In the order in which they came. */
  readonly sockets: WebSocket[];
  readonly requests: IncomingMessage[];
};

/** A service with a WebSocket that sends back what it gets, and answers all else with 404. */
async function openTarget(t: TestContext): Promise<Target> {
  const server = createServer((_request, response) => response.writeHead(404).end('no page'));
  const webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('chat') ? 'chat' : false),
  });
  const target = { url: '', sockets: [] as WebSocket[], requests: [] as IncomingMessage[] };
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head) => {
    target.requests.push(request);
    if (request.url === '/no') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nX-Why: because\r\n\r\nno\r\n');
    } else if (request.url === '/other') {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    } else {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        target.sockets.push(webSocket);
        webSocket.on('message', (data: Buffer, isBinary) => webSocket.send(data, { binary: isBinary }));
        webSocket.on('error', () => {});
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const webSocket of target.sockets) webSocket.terminate();
    server.closeAllConnections();
    server.close();
  });
  target.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return target;
}

async function openRig(
  t: TestContext,
  { rules = [], ...options }: RigOptions & { rules?: readonly string[] } = {},
) {
  const rig = await openServicesRig(t, options);
  const target = await openTarget(t);
  const agent = await rig.startAgent(target.url, { rules, ...options.limits });
  return { rig, target, agent };
}

/** A caller that has not been let in yet. */
function dial(t: TestContext, url: string, options: ClientOptions = {}, protocols: string[] = []): WebSocket {
  const webSocket = new WebSocket(url.replace('http', 'ws'), protocols, options);
  t.after(() => webSocket.terminate());
  return webSocket;
}

async function dialIn(t: TestContext, rig: ServicesRig, path = '/socket', protocols: string[] = []) {
  const caller = dial(t, `${rig.serviceUrl}${path}`, {}, protocols);
  await once(caller, 'open');
  return caller;
}

/** Waits until all are closed. */
async function closed(...webSockets: readonly (WebSocket | undefined)[]): Promise<void> {
  await until('all are closed', () => webSockets.every((each) => each?.readyState === WebSocket.CLOSED));
}

async function echoOf(caller: WebSocket, data: string | Buffer): Promise<Buffer> {
  caller.send(data);
  const [answer] = (await once(caller, 'message')) as [Buffer];
  return answer;
}

/** The answer to an upgrade that was refused. */
async function refusalOf(t: TestContext, url: string, options: ClientOptions = {}) {
  const caller = dial(t, url, options);
  caller.on('error', () => {});
  const [, response] = (await once(caller, 'unexpected-response')) as [unknown, IncomingMessage];
  let text = '';
  for await (const part of response) text += String(part);
  return { status: response.statusCode, headers: response.headers, text };
}

describe('a WebSocket through a service', () => {
  it('is one connection to both ends: subprotocol, path, headers, texts and bytes', async (t) => {
    const { rig, target } = await openRig(t);
    const caller = dial(t, `${rig.serviceUrl}/socket?x=1`, { headers: { 'x-one': '1' } }, ['other', 'chat']);
    await once(caller, 'open');
    assert.equal(caller.protocol, 'chat');
    const [request] = target.requests;
    assert.deepEqual(
      [request?.url, request?.headers['x-one'], request?.headers['x-forwarded-prefix']],
      ['/socket?x=1', '1', `/services/${SERVICE}`],
    );
    assert.equal((await echoOf(caller, 'héllo')).toString(), 'héllo');
    caller.close(4001, 'bye');
    const [code, reason] = (await once(target.sockets[0]!, 'close')) as [number, Buffer];
    assert.deepEqual([code, reason.toString()], [4001, 'bye']);
    await until('it is over', () => rig.hub.inFlightCount === 0);
  });

  it('carries messages of every size around the borders of pieces and windows', async (t) => {
    const limits = { chunkBytes: 1024, initialCreditBytes: 4096 };
    const { rig } = await openRig(t, { limits });
    const caller = await dialIn(t, rig);
    for (const size of [0, 1, 1023, 1024, 1025, 4096, 4097, 100_000, 1_000_000]) {
      const data = randomBytes(size);
      assert.deepEqual(await echoOf(caller, data), data, `${size} bytes`);
    }
  });

  it('loses nothing that came right behind the handshake', async (t) => {
    const { rig } = await openRig(t);
    const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]).toString('latin1');
    const head =
      `GET /services/${SERVICE}/socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
    const { received, socket } = await talkRaw(rig.url, head + frame, (text) => text.endsWith('\x81\x02hi'));
    assert.match(received, /^HTTP\/1\.1 101 [^]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
    socket.destroy();
  });

  it('may say of its handshake that it has no body', async (t) => {
    const { rig } = await openRig(t);
    const { received, socket } = await talkRaw(
      rig.url,
      `GET /services/${SERVICE}/socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Content-Length: 0\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      (text) => text.includes('\r\n\r\n'),
    );
    assert.match(received, /^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  it('ends at the one end when it ends at the other', async (t) => {
    const { rig, target } = await openRig(t);
    const first = await dialIn(t, rig);
    first.terminate();
    await closed(target.sockets[0]);
    const second = await dialIn(t, rig);
    target.sockets[1]!.terminate();
    await closed(second);
    await until('both are over', () => rig.hub.inFlightCount === 0);
  });

  it('is no faster than its reader, either way, while others go on', async (t) => {
    const { rig, target } = await openRig(t);
    const caller = await dialIn(t, rig);
    const other = await dialIn(t, rig);
    const piece = Buffer.alloc(1024 * 1024);
    for (const [reader, writer] of [
      [target.sockets[0]!, caller],
      [caller, target.sockets[0]!],
    ] as const) {
      reader.pause();
      for (let count = 0; count < 64; count++) writer.send(piece);
      let before = -1;
      await until('nothing moves', async () => {
        const isStill = writer.bufferedAmount === before;
        before = writer.bufferedAmount;
        for (let turn = 0; turn < 20; turn++) await echoOf(other, 'quick');
        return isStill && before > 0;
      });
      reader.removeAllListeners('message');
      reader.resume();
      await until('all is read', () => writer.bufferedAmount === 0);
    }
  });

  it('is cut when nothing moves for long', async (t) => {
    const clock = new ManualClock();
    const { rig, target } = await openRig(t, { clock, limits: { idleTimeoutMs: 200 } });
    const caller = await dialIn(t, rig);
    clock.advance(400);
    await closed(caller, target.sockets[0]);
  });

  it('ends with its agent, and at once when hub or agent stop', async (t) => {
    const { rig, agent } = await openRig(t);
    const killed = await dialIn(t, rig);
    await agent.kill();
    await closed(killed);
    const next = await openRig(t);
    const left = await dialIn(t, next.rig);
    void next.agent.stop();
    await closed(left);
    const last = await openRig(t);
    const stopped = await dialIn(t, last.rig);
    await Promise.all([closed(stopped), last.rig.hub.stop(600_000)]);
  });

  it('has a place of its service for as long as it is open', async (t) => {
    const { rig } = await openRig(t, { limits: { maxInFlightPerService: 1 } });
    const caller = await dialIn(t, rig);
    const { headers } = await refusalOf(t, `${rig.serviceUrl}/socket`);
    assert.equal(headers['x-code'], 'TOO_MANY_REQUESTS');
    caller.close();
    await until('it is over', () => rig.hub.inFlightCount === 0);
    await dialIn(t, rig);
  });
});

describe('an upgrade', () => {
  it('that the target refuses gets its answer', async (t) => {
    const { rig } = await openRig(t);
    const { status, headers, text } = await refusalOf(t, `${rig.serviceUrl}/no`);
    assert.deepEqual([status, headers['x-why'], text], [403, 'because', 'no\r\n']);
    await until('it is over', () => rig.hub.inFlightCount === 0);
  });

  it('that the rules of the agent do not name is refused', async (t) => {
    const { rig, target } = await openRig(t, { rules: ['GET /socket'] });
    await dialIn(t, rig);
    const { headers } = await refusalOf(t, `${rig.serviceUrl}/secret`);
    assert.equal(headers['x-code'], 'SERVICE_FORBIDDEN');
    assert.equal(target.requests.length, 1);
  });

  it('to a target that is away, or speaks another protocol, is 502', async (t) => {
    const { rig } = await openRig(t);
    assert.equal((await refusalOf(t, `${rig.serviceUrl}/other`)).headers['x-code'], 'BAD_ANSWER');
    await until('it is over', () => rig.hub.inFlightCount === 0);
  });

  it('that nobody asked for is 502 at once', async (t) => {
    const rig = await openServicesRig(t);
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
        ),
      );
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    await rig.startAgent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const method of ['GET', 'POST']) {
      const answer = await fetch(`${rig.serviceUrl}/`, { method });
      assert.equal(answer.headers.get('x-code'), 'BAD_ANSWER', method);
    }
  });
});

describe('on the port of the hub, a WebSocket for a service', () => {
  async function startHub(t: TestContext) {
    const hub = await startTestHub(t, ({ services }) => {
      services.hosts = { 'billing.example': 'billing' };
    });
    const target = await openTarget(t);
    await offerThroughHub(t, hub, 'billing', target.url);
    return { hub, target, url: `${hub.url}/services/billing/socket` };
  }

  it('is let in as every request is: no page of another origin, no broken head', async (t) => {
    const { hub, url } = await startHub(t);
    const foreign = await refusalOf(t, url, { origin: 'http://evil.example' });
    assert.deepEqual(
      [foreign.status, foreign.headers['content-type']],
      [403, 'application/problem+json; charset=utf-8'],
    );
    assert.equal((await refusalOf(t, url, { headers: { 'content-length': '5' } })).status, 400);
    assert.equal((await refusalOf(t, url.replace('billing', 'nobody'))).status, 404);
    const own = dial(t, url, { origin: hub.url });
    await once(own, 'open');
    assert.equal((await echoOf(own, 'hi')).toString(), 'hi');
  });

  it('at a host of its own has every path, that of MQTT too', async (t) => {
    const { hub, target } = await startHub(t);
    const caller = dial(t, `${hub.url}/mqtt`, { headers: { host: 'billing.example' } }, ['chat']);
    await once(caller, 'open');
    assert.equal(target.requests[0]?.url, '/mqtt');
    const client = dial(t, `${hub.url}/mqtt`, {}, ['mqtt']);
    await once(client, 'open');
    assert.equal(client.protocol, 'mqtt');
  });

  it('gives back what was booked for it', async (t) => {
    const { hub, url } = await startHub(t);
    const callers = [dial(t, url), dial(t, url)];
    await Promise.all(callers.map((caller) => once(caller, 'open')));
    const kept = async () =>
      /kept_things\{kind="frame"\} (\d+)/.exec((await hub.call('GET', '/metrics')).text)?.[1];
    assert.equal(await kept(), '2');
    callers[0]!.close();
    callers[1]!.terminate();
    await until('nothing is kept', async () => (await kept()) === '0');
  });

  it('does not keep the hub from stopping', async (t) => {
    const { hub, url } = await startHub(t);
    const caller = dial(t, url);
    await once(caller, 'open');
    const [isClosed] = await Promise.all([hub.server.close(), closed(caller)]);
    assert.equal(isClosed, true);
  });

  it('may come by wss, through a proxy that speaks TLS', async (t) => {
    const { hub, url } = await startHub(t);
    const authority = await makeAuthority();
    const proxy = createTlsServer(await authority.issueServer('localhost', '127.0.0.1'), (socket) => {
      const inner = connect(Number(new URL(hub.url).port), '127.0.0.1');
      socket.pipe(inner).pipe(socket);
      inner.on('error', () => socket.destroy());
      socket.on('error', () => inner.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.after(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const caller = dial(t, `https://localhost:${port}${new URL(url).pathname}`, { ca: authority.ca });
    await once(caller, 'open');
    assert.equal((await echoOf(caller, 'hi')).toString(), 'hi');
  });
});
