import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { startBridgeServer } from '../../src/api/start-bridge-server.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { BRIDGE_SERVER_CONFIG } from '../../src/bridge/server-config.ts';
import { embedBus } from '../../src/bus/embedded-bus.ts';
import { loadConfigOrThrow } from '../../src/config/load-config.ts';
import { Broker } from '../../src/mqtt/index.ts';
import { listenWebSocket } from '../../src/mqtt/transport/websocket.ts';
import { folderWith } from '../helpers/bridge-programs.ts';
import { RecordingAcceptor } from '../helpers/mqtt-recording-acceptor.ts';
import { talkRaw } from '../helpers/services-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

/** Heads that two programs in a row may read in two ways (RFC 9112 sections 3.2, 6.1 and 11.2). */
const BROKEN: Readonly<Record<string, readonly string[]>> = {
  'two Hosts': ['Host: a', 'Host: b'],
  'no Host': ['X: a'],
  'two Hosts that are the same': ['Host: a', 'host: a'],
  'two Hosts, 2,100 headers apart': ['Host: a', ...Array<string>(2100).fill('a:b'), 'Host: b'],
  'a Host with a path': ['Host: a/b'],
  'a Host with a user': ['Host: x@a'],
  'an empty Host': ['Host: '],
  'a Host that is only a port': ['Host: :80'],
  'a Host with a port that is none': ['Host: 127.0.0.1:99999999'],
  'a Host with the port after the last': ['Host: a:65536'],
  'two Hosts in one line': ['Host: a, b'],
  'a Forwarded without a value': ['Host: a', 'Forwarded: for='],
  'a Forwarded whose quotes do not end': ['Host: a', 'Forwarded: for="1'],
  'a Forwarded that is no list': ['Host: a', 'Forwarded: for=1 for=2'],
  'a second Forwarded that is broken': ['Host: a', 'Forwarded: for=1', 'Forwarded: ="'],
};
/** Those that concern the body. */
const BROKEN_BODIES: Readonly<Record<string, readonly string[]>> = {
  'gzip, chunked': ['Host: a', 'Transfer-Encoding: gzip, chunked'],
  'gzip and chunked in two lines': ['Host: a', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
  'chunked twice': ['Host: a', 'Transfer-Encoding: chunked, chunked'],
  identity: ['Host: a', 'Transfer-Encoding: identity'],
  'a length and chunked': ['Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked'],
  'two lengths': ['Host: a', 'Content-Length: 5', 'Content-Length: 6'],
};
const GOOD: readonly (readonly string[])[] = [
  ['Host: a.b-c_d:80'],
  ['Host: [::1]:80'],
  ['Host: a:65535'],
  ['Host: a:'],
  ['Host: a', 'Forwarded: for=192.0.2.1;proto=http;host="a:1", for="[2001:db8::1]"; by=_x'],
  ['Host: a', 'Forwarded: '],
  ['Host: a', 'Forwarded: for="\\""', 'Forwarded: ,;proto=http'],
];

/** Request lines that are for nothing that HTTP/1.1 has (RFC 9112 sections 2.3 and 3.2). */
const BROKEN_LINES: readonly string[] = [
  'GET * HTTP/1.1',
  'GET http:///healthz HTTP/1.1',
  'GET http://:80/healthz HTTP/1.1',
  'GET ftp://localhost/healthz HTTP/1.1',
  'GET /healthz#a HTTP/1.1',
  'GET http://localhost/healthz#a HTTP/1.1',
  'GET /healthz HTTP/2.0',
  'GET /healthz HTTP/0.9',
  'GET /%',
  'GET /healthz/% HTTP/1.1',
  'GET /%zz HTTP/1.1',
  'GET /%ff HTTP/1.1',
  'GET /healthz?q=%ff HTTP/1.1',
  'GET /healthz?a=1&%=b HTTP/1.1',
  'CONNECT localhost:80 HTTP/1.1',
];

const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** @returns the status lines of what is answered to a request with such headers, and to one behind it */
async function statuses(url: string, requestLine: string, headers: readonly string[]): Promise<string[]> {
  const isChunked = headers.some((line) => /chunked/i.test(line));
  const text = `${requestLine}\r\n${headers.join('\r\n')}\r\n\r\n${isChunked ? '0\r\n\r\n' : ''}${NEXT}`;
  const { received } = await talkRaw(url, text);
  return received.match(/^HTTP\/1\.1 \d+/gm) ?? [];
}

async function refusesBroken(url: string, requestLine: string, broken: typeof BROKEN): Promise<void> {
  for (const [what, headers] of Object.entries(broken))
    assert.deepEqual(await statuses(url, requestLine, headers), ['HTTP/1.1 400'], what);
}

async function refusesAll(url: string, requestLine: string): Promise<void> {
  await refusesBroken(url, requestLine, BROKEN);
  await refusesBroken(url, requestLine.replace('GET', 'POST'), BROKEN_BODIES);
  for (const headers of GOOD) {
    const [first] = await statuses(url, requestLine, headers);
    assert.notEqual(first, 'HTTP/1.1 400', headers.join());
  }
}

async function startBridge(t: TestContext): Promise<string> {
  const routes = 'routes:\n  - { route: GET /ping, request: ping/request, response: ping/response }';
  const folder = folderWith(t, { 'gateway.yaml': `http: { port: 0 }\n${routes}` });
  const sources = { file: 'gateway.yaml', folder, environment: {} };
  const config = loadConfigOrThrow(BRIDGE_SERVER_CONFIG, sources, 'the gateway');
  const broker = new Broker();
  await broker.start();
  const gateway = await startBridgeServer(config, { bus: embedBus(broker), log: silentLogger });
  t.after(async () => {
    await gateway.close();
    await broker.close();
  });
  return gateway.url;
}

describe('a request that could be read in two ways is answered 400, and is the last of its connection', () => {
  it('by the hub, on every route', async (t) => {
    const { url } = await startTestHub(t);
    for (const path of ['/api/v1/devices', '/services/x/', '/no-route'])
      await refusesAll(url, `GET ${path} HTTP/1.1`);
  });

  it('by recado gateway', async (t) => {
    const url = await startBridge(t);
    for (const path of ['/healthz', '/no-route']) await refusesAll(url, `GET ${path} HTTP/1.1`);
  });

  it('also where the line of the request is wrong, in plain words and with a code', async (t) => {
    const hub = await startTestHub(t);
    for (const url of [hub.url, await startBridge(t)]) {
      for (const line of BROKEN_LINES) {
        const { received } = await talkRaw(url, `${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
        assert.match(received, /^HTTP\/1\.1 400 [^]*\r\ncontent-type: application\/problem\+json/i, line);
        assert.match(received, /\r\nx-content-type-options: nosniff\r\n/i, line);
        assert.match(received, /"detail":"[^"]+\."[^]*"code":"REQUEST_INVALID"/, line);
        assert.doesNotMatch(received, /url component|must NOT/, line);
      }
    }
  });

  it('and is answered behind the requests before it, which have their answers', async (t) => {
    const hub = await startTestHub(t);
    const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.11');
    await device.handshake();
    await until('it is there', async () => (await hub.call('GET', '/devices')).text === '["DE11"]');
    const command =
      'POST /api/v1/devices/DE11/commands/ligar HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';
    const chunked = command.replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    assert.match((await talkRaw(hub.url, `${chunked}zz\r\n`)).received, /^HTTP\/1\.1 400 /, 'its own body');
    for (const rest of ['GARBAGE\r\n\r\n', 'GET /dev']) {
      const left = connect(Number(new URL(hub.url).port), '127.0.0.1').end(`${command}${rest}`);
      left.resume().on('error', () => {});
      await once(left, 'close');
      assert.equal(left.bytesRead, 0, 'who has ended its side has left');
    }
    device.serve(() => "{'Resposta': None}");
    const devices = 'GET /devices HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const isLast = devices.replace('localhost', 'localhost\r\nConnection: close');
    for (const [text, statuses] of [
      [`${command}${devices}GARBAGE\r\n\r\n`, [200, 200, 400]],
      [`${command}CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n`, [200, 400]],
      [`${devices}${command.replace('Host: localhost', 'Host: a\r\nHost: b')}`, [200, 400]],
      [`${isLast}GARBAGE\r\n\r\n`, [200]],
    ] as const) {
      const { received } = await talkRaw(hub.url, text);
      assert.deepEqual(
        [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)),
        statuses,
      );
    }
  });

  it('as is an upgrade, which begins no other protocol in the place of an answer', async (t) => {
    const { url } = await startTestHub(t);
    const upgrade = `GET /mqtt HTTP/1.1\r\n${handshake(['Host: localhost']).join('\r\n')}\r\n\r\n`;
    assert.match((await talkRaw(url, upgrade, (text) => text.includes('101'))).received, /^HTTP\/1\.1 101 /);
    const first = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const isEnough = (text: string): boolean => text.includes('ROUTE_UNKNOWN') || text.includes(' 101 ');
    const { received } = await talkRaw(url, `${first}${upgrade}`, isEnough);
    assert.deepEqual(received.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  const handshake = (headers: readonly string[]): string[] => [
    ...headers,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: mqtt',
  ];

  it('also as an upgrade, by each listener of MQTT over WebSocket', async (t) => {
    const hub = await startTestHub(t);
    const listener = await listenWebSocket(new RecordingAcceptor(), { host: '127.0.0.1', port: 0 });
    t.after(() => listener.close());
    const broken = { ...BROKEN, ...BROKEN_BODIES, 'a body': ['Host: a', 'Content-Length: 5'] };
    const upgrades = Object.entries(broken).map(([what, headers]) => [what, handshake(headers)] as const);
    const old = `GET /mqtt HTTP/1.0\r\n${handshake(['Host: a']).join('\r\n')}\r\n\r\n`;
    for (const url of [hub.url, listener.url.replace('ws:', 'http:')]) {
      assert.match((await talkRaw(url, old)).received, /^HTTP\/1\.1 400 /, 'HTTP/1.0');
      await refusesBroken(url, 'GET /mqtt HTTP/1.1', Object.fromEntries(upgrades));
    }
  });

  it('what is no HTTP at all is told so as every other mistake', async (t) => {
    const hub = await startTestHub(t);
    const tooLarge = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`;
    for (const url of [hub.url, await startBridge(t)]) {
      for (const [text, status, code] of [
        ['GARBAGE\r\n\r\n', 400, 'REQUEST_INVALID'],
        [tooLarge, 431, 'HEAD_TOO_LARGE'],
      ] as const) {
        const { received } = await talkRaw(url, text);
        assert.match(received, new RegExp(`^HTTP/1\\.1 ${status} `));
        assert.match(received, /\r\nContent-Type: application\/problem\+json; charset=utf-8\r\n/);
        assert.ok(received.includes(`"code":"${code}"`));
      }
    }
  });
});
