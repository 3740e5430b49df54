import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Ledger } from '../../src/base/ledger.ts';
import { makeAuthority, type TestIdentity } from '../helpers/mqtt-certificates.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const COUNT = 300;
const HOST = '127.0.0.1';
/** A record of TLS that says that more of it follows. */
const HALF_HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), Buffer.alloc(200)]);
const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

let identity: TestIdentity;

before(async () => {
  identity = await (await makeAuthority()).issueServer(HOST);
});

const v1 = (address: string): Buffer =>
  Buffer.from(`PROXY ${address.includes(':') ? 'TCP6' : 'TCP4'} ${address} ${address} 1 443\r\n`);

function v2(index: number, { version = 0x21, family = 0x11, extra = 0 } = {}): Buffer {
  const header = Buffer.alloc(28 + extra);
  Buffer.from('\r\n\r\n\0\r\nQUIT\n').copy(header);
  header.set([version, family, 0, 12 + extra, 10, 2, index >> 8, index & 0xff], 12);
  return header;
}

/** What each connection says, and nothing more. */
const FLOODS: Readonly<Record<string, (index: number) => Buffer>> = {
  'a header and silence, for one address': () => v1('10.0.7.7'),
  'a header and silence, for ever new addresses': (index) => v1(`10.1.${index >> 8}.${index & 0xff}`),
  'half a handshake, for ever new hosts of IPv6': (index) =>
    Buffer.concat([v1(`2001:db8:0:${index.toString(16)}::1`), HALF_HELLO]),
  'half a handshake, for the balancer itself': (index) =>
    Buffer.concat([v2(index, { version: 0x20 }), HALF_HELLO]),
  'half a header': () => v1('10.0.7.7').subarray(0, 20),
  'a header of garbage': (index) => Buffer.from(`PROXY TCP4 ${'x'.repeat(index % 200)}\r\n`),
  'a binary header of garbage': (index) =>
    v2(index, { version: index & 0xff, family: (index >> 1) & 0xff, extra: index % 200 }),
  'HTTP without TLS': () => Buffer.concat([v1('10.0.7.7'), Buffer.from(GET)]),
};

async function start(t: TestContext, trustedProxies: string[]): Promise<{ hub: TestHub; ledger: Ledger }> {
  const folder = new TestFolder(t);
  const hub = await startTestHub(t, ({ http, services }) => {
    services.enabled = false;
    http.proxyProtocol = true;
    http.trustedProxies = trustedProxies;
    Object.assign(http.tls, {
      enabled: true,
      certFile: folder.write('crt', identity.cert),
      keyFile: folder.write('key', identity.key),
    });
  });
  return { hub, ledger: hub.server.hub.ledger };
}

/** What a caller gets that the balancer brings. */
async function ask(port: number): Promise<string> {
  const socket = connect({ port, host: HOST });
  socket.write(v1('10.200.0.1'));
  const secure = connectTls({ socket, rejectUnauthorized: false });
  try {
    await once(secure, 'secureConnect');
    secure.write(GET);
    const [answer] = (await once(secure, 'data')) as [Buffer];
    return answer.toString('latin1', 0, 12);
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    socket.destroy();
  }
}

describe('HTTPS behind a balancer that speaks the PROXY protocol', () => {
  for (const [isTrusted, proxies] of [
    [true, [HOST]],
    [false, ['10.9.9.9']],
  ] as const) {
    it(`${isTrusted ? 'answers' : 'refuses'} callers whatever else comes, and keeps nothing of it`, async (t) => {
      const { hub, ledger } = await start(t, [...proxies]);
      const port = Number(new URL(hub.url).port);
      const before = ledger.totals().map(({ bytes }) => bytes);
      for (const [name, said] of Object.entries(FLOODS)) {
        const sockets: Socket[] = [];
        for (let index = 0; index < COUNT; index++) {
          const socket = connect({ port, host: HOST }).on('error', () => {});
          sockets.push(socket.resume());
          socket.write(said(index));
        }
        await until('all have come', () => sockets.every(({ connecting }) => !connecting));
        const answer = await ask(port);
        if (isTrusted) assert.equal(answer, 'HTTP/1.1 200', name);
        else assert.match(answer, /^(ECONNRESET|EPIPE)$/, name);
        for (const socket of sockets) socket.destroy();
        const isAsBefore = (): boolean => ledger.totals().every(({ bytes }, kind) => bytes === before[kind]);
        await until(`nothing is kept of ${name}`, isAsBefore);
      }
      const told = hub.logged.filter(({ text }) => text.includes('was refused'));
      assert.ok(told.length < COUNT, `${told.length} lines`);
    });
  }
});
