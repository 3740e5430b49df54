import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { RecordingAcceptor } from '../../helpers/mqtt-recording-acceptor.ts';
import { until } from '../../helpers/until.ts';
import { MAX_V1_BYTES, MAX_V2_BYTES, parseProxyHeader } from '../../../src/mqtt/transport/proxy-protocol.ts';
import { listenTcp, type TcpListener, type TcpOptions } from '../../../src/mqtt/transport/tcp.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V1 = 'PROXY TCP4 203.0.113.7 10.0.0.1 40000 1883\r\n';

/** @param length - what the header says; what it has unless told */
function v2(verCmd: number, family: number, body: Buffer | string, length?: number): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'hex') : body;
  const fixed = Buffer.from([verCmd, family, 0, 0]);
  fixed.writeUInt16BE(length ?? bytes.length, 2);
  return Buffer.concat([SIGNATURE, fixed, bytes]);
}

/** Source and destination address, source and destination port. */
const hex = (...parts: readonly string[]): string => parts.join('');
const LOOPBACK_IPV6 = '00000000000000000000000000000001';
const IPV4_BODY = hex('cb007107', '0a000001', '9c40', '075b');
const IPV6_BODY = hex('20010db8000000000000000000000001', LOOPBACK_IPV6, '9c40', '075b');
const MAPPED_BODY = hex('00000000000000000000ffffcb007107', LOOPBACK_IPV6, '9c40', '075b');

const GOOD: readonly [name: string, header: Buffer, source: { address: string; port: number } | undefined][] =
  [
    ['v1 TCP4', Buffer.from(V1), { address: '203.0.113.7', port: 40_000 }],
    [
      'v1 TCP6',
      Buffer.from('PROXY TCP6 2001:DB8:0:0::7 ::1 65535 0\r\n'),
      { address: '2001:db8::7', port: 65_535 },
    ],
    [
      'v1 TCP6 with a mapped IPv4',
      Buffer.from('PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n'),
      { address: '203.0.113.7', port: 1 },
    ],
    ['v1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), { address: '', port: 0 }],
    ['v1 UNKNOWN with more', Buffer.from('PROXY UNKNOWN ff:: x y z\r\n'), { address: '', port: 0 }],
    ['v2 TCP over IPv4', v2(0x21, 0x11, IPV4_BODY), { address: '203.0.113.7', port: 40_000 }],
    ['v2 TCP over IPv6', v2(0x21, 0x21, IPV6_BODY), { address: '2001:db8::1', port: 40_000 }],
    ['v2 with a mapped IPv4', v2(0x21, 0x21, MAPPED_BODY), { address: '203.0.113.7', port: 40_000 }],
    ['v2 with TLVs', v2(0x21, 0x11, `${IPV4_BODY}0300041234abcd`), { address: '203.0.113.7', port: 40_000 }],
    ['v2 Unix stream', v2(0x21, 0x31, Buffer.alloc(216, 'a')), { address: '', port: 0 }],
    ['v2 UNSPEC', v2(0x21, 0x00, ''), { address: '', port: 0 }],
    ['v2 LOCAL', v2(0x20, 0x00, ''), undefined],
    ['v2 LOCAL with an address, which is skipped', v2(0x20, 0x11, IPV4_BODY), undefined],
    [
      'v2 as long as it may be',
      v2(0x21, 0x11, Buffer.concat([Buffer.from(IPV4_BODY, 'hex'), Buffer.alloc(MAX_V2_BYTES - 16 - 12)])),
      { address: '203.0.113.7', port: 40_000 },
    ],
  ];

const BAD: readonly [name: string, bytes: Buffer][] = [
  ['an MQTT CONNECT', Buffer.from('100c00044d5154540402003c0000', 'hex')],
  ['a TLS hello', Buffer.from('1603010200', 'hex')],
  ['lower case', Buffer.from('proxy TCP4')],
  ['v1 without a family', Buffer.from('PROXY \r\n')],
  ['v1 with another family', Buffer.from('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 with an address of the other family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['v1 with a leading zero in the address', Buffer.from('PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 with a zone', Buffer.from('PROXY TCP6 fe80::1%lo ::1 1 2\r\n')],
  ['v1 with a port too large', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')],
  ['v1 with a port with a sign', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n')],
  ['v1 with a leading zero in the port', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n')],
  ['v1 with too few parts', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n')],
  ['v1 with too many parts', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n')],
  ['v1 with two spaces', Buffer.from('PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['v1 without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(MAX_V1_BYTES)}`)],
  ['v1 with an end one byte too late', Buffer.from(`${'PROXY UNKNOWN '.padEnd(MAX_V1_BYTES - 1, 'x')}\r\n`)],
  ['v2 with version 1', v2(0x11, 0x11, IPV4_BODY)],
  ['v2 with an unknown command', v2(0x22, 0x11, IPV4_BODY)],
  ['v2 over UDP', v2(0x21, 0x12, IPV4_BODY)],
  ['v2 with an unknown family', v2(0x21, 0x41, IPV4_BODY)],
  ['v2 with half an address', v2(0x21, 0x11, IPV4_BODY.slice(0, 16))],
  ['v2 that promises too many bytes', v2(0x21, 0x11, IPV4_BODY, MAX_V2_BYTES - 15)],
  ['v2 that promises 65,535 bytes', v2(0x20, 0x00, '', 65_535)],
];

describe('a PROXY header', () => {
  for (const [name, header, source] of GOOD) {
    it(`is read: ${name}`, () => {
      const followed = Buffer.concat([header, Buffer.from('PROXY ')]);
      assert.deepEqual(parseProxyHeader(followed), { kind: 'header', bytes: header.length, source });
      for (let length = 0; length < header.length; length++)
        assert.equal(parseProxyHeader(header.subarray(0, length)).kind, 'incomplete', `${length} bytes`);
    });
  }

  for (const [name, bytes] of BAD) {
    it(`is refused: ${name}`, () => {
      assert.equal(parseProxyHeader(bytes).kind, 'invalid');
    });
  }

  it('in version 1 has at most 107 bytes', () => {
    const longest = Buffer.from(`${'PROXY UNKNOWN '.padEnd(MAX_V1_BYTES - 2, 'x')}\r\n`);
    assert.equal(longest.length, MAX_V1_BYTES);
    assert.equal(parseProxyHeader(longest).kind, 'header');
  });
});

type Opened = {
  acceptor: RecordingAcceptor;
  listener: TcpListener;
  told: string[];
  dial: () => Promise<Socket>;
};

async function open(t: TestContext, options: Partial<TcpOptions> = {}): Promise<Opened> {
  const acceptor = new RecordingAcceptor();
  const told: string[] = [];
  const listener = await listenTcp(acceptor, {
    host: '127.0.0.1',
    port: 0,
    proxyProtocol: { trustedNetworks: ['127.0.0.0/8'] },
    onRefused: (reason, address) => void told.push(`${reason} ${address}`),
    ...options,
  });
  const clients: Socket[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    acceptor.destroyAll();
    await listener.close();
  });
  const dial = async (): Promise<Socket> => {
    const client = connect(listener.port, '127.0.0.1');
    client.on('error', () => {});
    client.setNoDelay(true);
    clients.push(client);
    await once(client, 'connect');
    return client;
  };
  return { acceptor, listener, told, dial };
}

/** Errors of the client do not matter here: only that the server let it go. */
async function closed(client: Socket): Promise<void> {
  client.resume();
  await until('the client is closed', () => client.closed);
}

describe('a TCP listener with the PROXY protocol', () => {
  for (const [name, header, source] of GOOD) {
    it(`knows the real address, and loses no byte: ${name}`, async (t) => {
      const { acceptor, dial } = await open(t);
      const client = await dial();
      client.write(Buffer.concat([header, Buffer.from('CONNECT')]));
      const server = await acceptor.connection();
      const own = { address: '127.0.0.1', port: client.localPort };
      assert.deepEqual(server.peer, { transport: 'tcp', certificate: undefined, ...(source ?? own) });
      await server.untilText('CONNECT');
      client.write('+more');
      await server.untilText('CONNECT+more');
      let answer = '';
      client.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
      server.write(Buffer.from('CONNACK'));
      await until('the answer came', () => answer === 'CONNACK');
    });
  }

  it('reads a header that comes byte by byte', async (t) => {
    const { acceptor, dial } = await open(t);
    const client = await dial();
    for (const byte of Buffer.concat([v2(0x21, 0x11, IPV4_BODY), Buffer.from('CONNECT')])) {
      await new Promise((resolve) => void client.write(Buffer.from([byte]), resolve));
    }
    const server = await acceptor.connection();
    assert.equal(server.peer.address, '203.0.113.7');
    await server.untilText('CONNECT');
  });

  it('hands on what came with the header before what comes later, also when it is paused at first', async (t) => {
    const { acceptor, dial } = await open(t);
    const client = await dial();
    client.write(V1);
    const server = await acceptor.connection();
    server.pause();
    client.write('later');
    server.resume();
    await server.untilText('later');
  });

  it('refuses connections whose header is not one', async (t) => {
    const { acceptor, listener, told, dial } = await open(t);
    for (const [name, bytes] of BAD) {
      const client = await dial();
      client.write(bytes);
      await closed(client);
      assert.equal(told.pop(), 'proxy-header-invalid 127.0.0.1', name);
    }
    assert.equal(listener.refusals['proxy-header-invalid'], BAD.length);
    assert.equal(acceptor.connections.length, 0);
  });

  it('refuses addresses that are not trusted before it reads anything', async (t) => {
    const { acceptor, told, dial } = await open(t, { proxyProtocol: { trustedNetworks: ['10.0.0.0/8'] } });
    const client = await dial();
    await closed(client);
    assert.deepEqual(told, ['proxy-untrusted 127.0.0.1']);
    assert.equal(acceptor.connections.length, 0);
  });

  it('does not wait longer than handshakeTimeoutMs for the rest of a header', async (t) => {
    const { told, dial } = await open(t, { handshakeTimeoutMs: 20 });
    const client = await dial();
    client.write('PROXY TCP4');
    await closed(client);
    assert.deepEqual(told, ['handshake-timeout 127.0.0.1']);
  });

  it('tells of connections that end in the middle of a header', async (t) => {
    const { told, dial } = await open(t);
    (await dial()).end('PROXY');
    await until('the end was seen', () => told.length > 0);
    const resetting = await dial();
    resetting.write('PROXY');
    resetting.resetAndDestroy();
    await until('the reset was seen', () => told.length > 1);
    assert.deepEqual(told, ['handshake-unfinished 127.0.0.1', 'handshake-unfinished 127.0.0.1']);
  });

  it('lets at most maxHandshakes headers be under way, and any number of connections after that', async (t) => {
    const { acceptor, told, dial } = await open(t, { maxHandshakes: 1 });
    const first = await dial();
    const second = await dial();
    await closed(first);
    assert.deepEqual(told, ['too-many-handshakes 127.0.0.1']);
    second.write(V1);
    await acceptor.connection();
    (await dial()).write(V1);
    await acceptor.connection(1);
    assert.equal(told.length, 1);
  });

  it('drops what is under way when it closes', async (t) => {
    const { listener, told, dial } = await open(t);
    const client = await dial();
    client.write('PROXY');
    // What is accepted after it proves that it was accepted itself.
    (await dial()).write('GET /');
    await until('the second was refused', () => told.length === 1);
    await listener.close();
    await closed(client);
    assert.deepEqual(told, ['proxy-header-invalid 127.0.0.1']);
  });
});
