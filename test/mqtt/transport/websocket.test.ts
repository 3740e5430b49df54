import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createWebSocketStream, WebSocket, WebSocketServer, type ClientOptions } from 'ws';
import { makeAuthority } from '../../helpers/mqtt-certificates.ts';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { describeTransport } from '../../helpers/mqtt-transport-contract.ts';
import { until } from '../../helpers/until.ts';
import { HALF_CLOSED_LINGER_MS } from '../../../src/mqtt/transport/duplex-transport.ts';
import { Written } from '../../../src/mqtt/transport/transport.ts';
import { attachWebSocket, listenWebSocket } from '../../../src/mqtt/transport/websocket.ts';
import type {
  AttachOptions,
  AttachedWebSocket,
  WebSocketListenOptions,
  WebSocketListener,
} from '../../../src/mqtt/transport/websocket.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };
const authority = await makeAuthority();
const identity = await authority.issueServer('localhost', '127.0.0.1');

for (const [name, tls] of [
  ['websocket', undefined],
  ['websocket-tls', identity],
] as const) {
  describeTransport({
    name,
    canReset: true,
    async open(acceptor) {
      const listener = await listenWebSocket(acceptor, { ...LOCAL, ...(tls && { tls }) });
      return {
        close: () => listener.close(),
        connect: async () => {
          const client = new WebSocket(listener.url, 'mqtt', { ca: authority.ca });
          const stream = createWebSocketStream(client);
          await once(client, 'open');
          return stream;
        },
      };
    },
  });
}

type Opened = {
  acceptor: RecordingAcceptor;
  listener: WebSocketListener;
  told: string[];
  dial: (protocols?: string | string[], options?: ClientOptions) => WebSocket;
};

async function open(t: TestContext, options: Partial<WebSocketListenOptions> = {}): Promise<Opened> {
  const acceptor = new RecordingAcceptor();
  const told: string[] = [];
  const onRefused = (reason: string, address: string): void => void told.push(`${reason} ${address}`);
  const listener = await listenWebSocket(acceptor, { ...LOCAL, onRefused, ...options });
  const clients: WebSocket[] = [];
  t.after(async () => {
    for (const client of clients) client.terminate();
    acceptor.destroyAll();
    await listener.close();
  });
  const dial = (protocols: string | string[] = 'mqtt', options: ClientOptions = {}): WebSocket => {
    const client = new WebSocket(listener.url, protocols, { ca: authority.ca, ...options });
    client.on('error', () => {});
    clients.push(client);
    return client;
  };
  return { acceptor, listener, told, dial };
}

/** Asks for an upgrade by hand, with the headers that a test wants, and gives the status of the answer. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const asking = get(url.replace('ws:', 'http:'), {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': 'mqtt',
      ...headers,
    },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    asking.on('response', (response) => resolve(response.resume().statusCode));
    asking.on('upgrade', (response: IncomingMessage, socket: Socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    asking.on('error', reject);
  });
  return status;
}

/** Waits for the end, whatever error comes before it. */
function closeCode(client: WebSocket): Promise<number> {
  return new Promise((resolve) => void client.once('close', resolve));
}

describe('the WebSocket handshake', () => {
  it('answers the subprotocol that was offered, and prefers mqtt [MQTT-6.0.0-4]', async (t) => {
    const { dial, acceptor, listener } = await open(t);
    assert.equal(listener.url, `ws://127.0.0.1:${listener.port}/mqtt`);
    for (const [offered, chosen] of [
      ['mqtt', 'mqtt'],
      ['mqttv3.1', 'mqttv3.1'],
      [['other', 'mqttv3.1', 'mqtt'], 'mqtt'],
    ] as const) {
      const client = dial(typeof offered === 'string' ? offered : [...offered]);
      await once(client, 'open');
      assert.equal(client.protocol, chosen);
    }
    const { peer } = await acceptor.connection(2);
    assert.deepEqual([peer.transport, peer.address], ['websocket', '127.0.0.1']);
  });

  it('is refused without the subprotocol [MQTT-6.0.0-3]', async (t) => {
    const { acceptor, listener, told } = await open(t);
    for (const offered of ['other', 'MQTT', 'mqtt5', 'xmqtt, other'])
      assert.equal(await statusOf(listener.url, { 'Sec-WebSocket-Protocol': offered }), 400, offered);
    const plain = new WebSocket(listener.url);
    const [error] = (await once(plain, 'error')) as [Error];
    assert.match(error.message, /400/);
    assert.deepEqual(
      told,
      Array.from({ length: 5 }, () => 'subprotocol-unsupported 127.0.0.1'),
    );
    assert.equal(listener.refusals['subprotocol-unsupported'], 5);
    assert.equal(acceptor.connections.length, 0);
  });

  it('is refused when it is not one', async (t) => {
    const { acceptor, listener, told } = await open(t);
    assert.equal(await statusOf(listener.url, { 'Sec-WebSocket-Key': 'short' }), 400);
    assert.equal(await statusOf(listener.url, { 'Sec-WebSocket-Version': '12' }), 400);
    assert.equal(await statusOf(listener.url, { Upgrade: 'h2c' }), 400);
    assert.deepEqual(
      told,
      Array.from({ length: 3 }, () => 'upgrade-invalid 127.0.0.1'),
    );
    assert.equal(acceptor.connections.length, 0);
  });

  it('lets pages of the same host and programs in, and other pages only when they are listed', async (t) => {
    const { listener, told } = await open(t, { allowedOrigins: ['https://panel.example.org'] });
    const hostHeader = { Host: 'hub.example.org:80' };
    for (const [origin, status] of [
      ['http://hub.example.org', 101],
      ['http://HUB.example.org:80', 101],
      ['https://panel.example.org', 101],
      ['http://panel.example.org', 403],
      ['https://evil.example.org', 403],
      ['https://hub.example.org.evil.example', 403],
      ['http://hub.example.org:8080', 403],
      ['null', 403],
      ['file://', 403],
      ['file://hub.example.org', 403],
      ['http://', 403],
    ] as const)
      assert.equal(await statusOf(listener.url, { ...hostHeader, Origin: origin }), status, origin);
    assert.equal(await statusOf(listener.url, hostHeader), 101);
    assert.equal(told.filter((line) => line === 'origin-forbidden 127.0.0.1').length, 8);
    const { listener: openListener } = await open(t, { allowedOrigins: '*' });
    assert.equal(await statusOf(openListener.url, { Origin: 'https://evil.example.org' }), 101);
  });

  it('says of which origin a page was refused, and what lets it in', async (t) => {
    const told: string[] = [];
    const onRefused = (_reason: string, _address: string, error?: Error): void =>
      void told.push(error?.message ?? '');
    const { listener } = await open(t, { onRefused });
    assert.equal(await statusOf(listener.url, { Origin: 'https://evil.example.org' }), 403);
    assert.deepEqual(told, [
      'pages of "https://evil.example.org" may not connect: allowedOrigins (mqtt.webSocket in a hub) has those that may',
    ]);
  });

  it('is for one path, with or without a query', async (t) => {
    const { listener } = await open(t, { path: '/things' });
    const base = `ws://127.0.0.1:${listener.port}`;
    assert.equal(listener.url, `${base}/things`);
    assert.equal(await statusOf(`${base}/things?token=1`, {}), 101);
    for (const path of ['/mqtt', '/', '/things/', '/thing'])
      assert.equal(await statusOf(base + path, {}), 404, path);
  });

  it('has to come in time, and requests that are no upgrade are told so', async (t) => {
    const { listener: hasty, told } = await open(t, { handshakeTimeoutMs: 100 });
    const silent = connect(hasty.port, '127.0.0.1');
    silent.resume();
    await until('the silent one is gone', () => silent.closed);
    assert.deepEqual(told, ['handshake-timeout 127.0.0.1']);
    const { listener } = await open(t);
    const asking = get(listener.url.replace('ws:', 'http:'), { agent: false });
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    assert.equal(response.statusCode, 426);
    response.resume();
    const client = new WebSocket(listener.url, 'mqtt');
    await once(client, 'open');
    client.terminate();
  });

  it('leaves no more than maxHandshakes under way', async (t) => {
    const { listener, told, dial, acceptor } = await open(t, { maxHandshakes: 1 });
    const silent = connect(listener.port, '127.0.0.1');
    await once(silent, 'connect');
    await once(dial(), 'open');
    assert.deepEqual(told, ['too-many-handshakes 127.0.0.1']);
    await until('the silent one is closed', () => silent.closed);
    await once(dial(), 'open');
    await acceptor.connection(1);
  });
});

describe('messages of a WebSocket', () => {
  it('may cut MQTT packets anywhere [MQTT-6.0.0-2]', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    await once(client, 'open');
    const packet = Buffer.from('100c00044d5154540402003c0000', 'hex');
    client.send(packet.subarray(0, 3));
    client.send(packet.subarray(3, 4), { fin: false });
    client.send(packet.subarray(4, 9), { fin: false });
    client.send(Buffer.alloc(0), { fin: false });
    client.send(packet.subarray(9, 13), { fin: true });
    client.send(Buffer.concat([packet.subarray(13), packet]));
    const server = await acceptor.connection();
    await until('all came', () => server.received.length === 2 * packet.length);
    assert.ok(server.received.equals(Buffer.concat([packet, packet])));
  });

  it('that came with the upgrade are not lost', async (t) => {
    const { listener, acceptor } = await open(t);
    const socket = connect(listener.port, '127.0.0.1');
    t.after(() => socket.destroy());
    const request = [
      'GET /mqtt HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: mqtt',
    ].join('\r\n');
    const emptyMask = Buffer.from('82850000000068656c6c6f', 'hex');
    socket.write(Buffer.concat([Buffer.from(`${request}\r\n\r\n`), emptyMask]));
    await (await acceptor.connection()).untilText('hello');
  });

  it('are binary, in both directions; a text closes with 1003 [MQTT-6.0.0-1]', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    await once(client, 'open');
    const server = await acceptor.connection();
    const answered = once(client, 'message');
    server.write(Buffer.from('answer'));
    const [data, isBinary] = (await answered) as [Buffer, boolean];
    assert.deepEqual([data.toString(), isBinary], ['answer', true]);
    client.send(Buffer.from('binary'));
    client.send('text');
    client.send(Buffer.from('too late'));
    assert.equal(await closeCode(client), 1003);
    await server.untilClosed();
    assert.equal(server.text, 'binary');
  });

  it('may be of any size, since none is put together', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    await once(client, 'open');
    const server = await acceptor.connection();
    const sent = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => index >> 4));
    client.send(sent);
    await until('it came', () => server.chunks.reduce((sum, { length }) => sum + length, 0) === sent.length);
    assert.ok(server.received.equals(sent));
  });

  it('that break the protocol close with 1002', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    const [response] = (await once(client, 'upgrade')) as [IncomingMessage];
    response.socket.write(Buffer.from('ffff', 'hex'));
    assert.equal(await closeCode(client), 1002);
    const server = await acceptor.connection();
    await server.untilClosed();
    assert.notEqual(server.closeError, undefined);
  });

  it('end with the connection when the client ends its side without a close frame', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    const [response] = (await once(client, 'upgrade')) as [IncomingMessage];
    const server = await acceptor.connection();
    response.socket.end();
    await server.untilClosed();
    assert.equal(server.closeError, undefined);
  });

  it('do not wait for ever for a client that ended its side and does not read', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial('mqtt', { allowHalfOpen: true } as ClientOptions);
    const [response] = (await once(client, 'upgrade')) as [IncomingMessage];
    const server = await acceptor.connection();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    client.pause();
    while (server.write(Buffer.alloc(1_048_576)) !== Written.BLOCKED);
    response.socket.end();
    while (server.write(Buffer.alloc(1)) !== Written.TAKEN) await nextTurn();
    assert.ok(server.bufferedBytes > 0);
    // Its timer begins when the end is seen, which is in the same turn at the latest.
    await nextTurn();
    assert.equal(server.closedCount, 0);
    t.mock.timers.tick(HALF_CLOSED_LINGER_MS);
    while (server.closedCount === 0) await nextTurn();
  });

  it('are not compressed', async (t) => {
    const { dial } = await open(t);
    const client = dial('mqtt', { perMessageDeflate: true });
    await once(client, 'open');
    assert.equal(client.extensions, '');
  });

  it('come in many turns when they are many: others are read meanwhile', async (t) => {
    let turn = 0;
    const goOn = (): void => {
      turn++;
      ticking = setImmediate(goOn);
    };
    let ticking = setImmediate(goOn);
    t.after(() => clearImmediate(ticking));
    const { dial, acceptor } = await open(t);
    const client = dial();
    const [response] = (await once(client, 'upgrade')) as [IncomingMessage];
    const server = await acceptor.connection();
    // A MiB of PINGs, and then a byte.
    const pings = Buffer.from('898000000000', 'hex');
    response.socket.write(Buffer.concat(Array.from({ length: 175_000 }, () => pings)));
    const begun = turn;
    response.socket.write(Buffer.from('82810000000021', 'hex'));
    await server.untilText('!');
    assert.ok(turn - begun >= 14, `${turn - begun} turns`);
  });

  it('and pings are answered, and a normal end has code 1000', async (t) => {
    const { dial, acceptor } = await open(t);
    const client = dial();
    await once(client, 'open');
    const pong = once(client, 'pong');
    client.ping('there?');
    assert.equal(String((await pong)[0]), 'there?');
    (await acceptor.connection()).end(10_000);
    assert.equal(await closeCode(client), 1000);
  });
});

describe('a WebSocket listener with TLS and PROXY headers', () => {
  it('tells certificate and real address', async (t) => {
    const { listener, acceptor, told } = await open(t, {
      tls: { ...identity, ca: authority.ca, requestClientCertificate: 'optional' },
      proxyProtocol: { trustedNetworks: ['127.0.0.1'] },
    });
    assert.equal(listener.url, `wss://127.0.0.1:${listener.port}/mqtt`);
    const raw = connect(listener.port, '127.0.0.1');
    await once(raw, 'connect');
    raw.write('PROXY TCP4 203.0.113.7 10.0.0.1 40000 443\r\n');
    const sensor = await authority.issueClient('sensor-7');
    const { connect: connectTls } = await import('node:tls');
    const client = new WebSocket(listener.url, 'mqtt', {
      createConnection: () => connectTls({ socket: raw, ca: authority.ca, host: '127.0.0.1', ...sensor }),
    });
    await once(client, 'open');
    client.send(Buffer.from('hello'));
    const server = await acceptor.connection();
    await server.untilText('hello');
    const { certificate, ...rest } = server.peer;
    assert.deepEqual(rest, { transport: 'websocket-tls', address: '203.0.113.7', port: 40_000 });
    assert.equal(certificate?.commonName, 'sensor-7');
    client.terminate();
    assert.deepEqual(told, []);
  });

  it('reads a PROXY header and the request in one piece without TLS', async (t) => {
    const { listener, acceptor } = await open(t, { proxyProtocol: { trustedNetworks: ['127.0.0.1'] } });
    const raw = connect(listener.port, '127.0.0.1');
    await once(raw, 'connect');
    raw.cork();
    raw.write('PROXY TCP4 203.0.113.7 10.0.0.1 40000 80\r\n');
    setImmediate(() => raw.uncork());
    const client = new WebSocket(listener.url, 'mqtt', { createConnection: () => raw });
    await once(client, 'open');
    client.send(Buffer.from('hello'));
    const server = await acceptor.connection();
    assert.equal(server.peer.address, '203.0.113.7');
    await server.untilText('hello');
    client.terminate();
  });

  it('takes other certificates while it is open', async (t) => {
    const { listener, dial, acceptor } = await open(t, { tls: identity });
    const other = await makeAuthority('Other CA');
    listener.reload?.(await other.issueServer('127.0.0.1'));
    await closeCode(dial());
    await once(dial('mqtt', { ca: other.ca }), 'open');
    await acceptor.connection();
    assert.equal((await open(t)).listener.reload, undefined);
  });
});

describe('MQTT attached to an HTTP server', () => {
  async function attach(
    t: TestContext,
    server: Server,
    options: AttachOptions = {},
  ): Promise<{ acceptor: RecordingAcceptor; attached: AttachedWebSocket; base: string }> {
    const acceptor = new RecordingAcceptor();
    const attached = attachWebSocket(acceptor, server, options);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      acceptor.destroyAll();
      server.close();
      server.closeAllConnections();
    });
    const base = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { acceptor, attached, base };
  }

  it('leaves requests and upgrades of other paths alone', async (t) => {
    const server = createServer((_request, response) => void response.end('page'));
    const others = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== '/live') return;
      others.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.send('live');
        webSocket.close();
      });
    });
    const { acceptor, attached, base } = await attach(t, server);
    const page = await fetch(`${base.replace('ws:', 'http:')}/mqtt`);
    assert.equal(await page.text(), 'page');
    const live = new WebSocket(`${base}/live`);
    const [message] = (await once(live, 'message')) as [Buffer];
    assert.equal(message.toString(), 'live');
    const client = new WebSocket(`${base}/mqtt`, 'mqtt');
    client.on('open', () => client.send(Buffer.from('hello')));
    const connection = await acceptor.connection();
    await connection.untilText('hello');
    assert.equal(connection.peer.transport, 'websocket');
    assert.equal(connection.peer.address, '127.0.0.1');
    assert.notEqual(connection.peer.port, 0);
    client.terminate();
    await connection.untilClosed();
    assert.equal(attached.refusals['subprotocol-unsupported'], 0);
  });

  it('answers 404 to upgrades that nobody else would answer', async (t) => {
    const { base } = await attach(t, createServer());
    assert.equal(await statusOf(`${base}/live`, {}), 404);
  });

  it('takes nothing any more after close, and keeps what is there', async (t) => {
    const server = createServer((_request, response) => void response.writeHead(404).end());
    const { acceptor, attached, base } = await attach(t, server);
    const client = new WebSocket(`${base}/mqtt`, 'mqtt');
    await once(client, 'open');
    attached.close();
    assert.equal(await statusOf(`${base}/mqtt`, {}), 404);
    client.send(Buffer.from('still here'));
    await (await acceptor.connection()).untilText('still here');
    client.terminate();
  });

  it('counts what it refuses', async (t) => {
    const told: string[] = [];
    const onRefused = (reason: string, address: string): void => void told.push(`${reason} ${address}`);
    const { attached, base } = await attach(t, createServer(), { onRefused });
    assert.equal(await statusOf(`${base}/mqtt`, { Origin: 'https://evil.example.org' }), 403);
    assert.equal(await statusOf(`${base}/mqtt`, { 'Sec-WebSocket-Protocol': 'x' }), 400);
    assert.deepEqual(told, ['origin-forbidden 127.0.0.1', 'subprotocol-unsupported 127.0.0.1']);
    assert.equal(attached.refusals['origin-forbidden'], 1);
  });

  it('knows the client certificate of an HTTPS server', async (t) => {
    const server = createHttpsServer({
      ...identity,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const { acceptor, base } = await attach(t, server);
    const sensor = await authority.issueClient('sensor-7');
    const client = new WebSocket(`${base.replace('ws:', 'wss:')}/mqtt`, 'mqtt', {
      ca: authority.ca,
      ...sensor,
    });
    await once(client, 'open');
    const { peer } = await acceptor.connection();
    assert.deepEqual([peer.transport, peer.certificate?.commonName], ['websocket-tls', 'sensor-7']);
    client.terminate();
  });
});
