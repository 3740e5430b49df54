import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { before, describe, it, type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createDevice, defineDevice, type ConnectionOptions } from '../../src/device/index.ts';
import { connectMqtt } from '../../src/mqtt/index.ts';
import { makeAuthority, type TestAuthority } from '../helpers/mqtt-certificates.ts';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { runProgram, type ProgramEnd } from '../helpers/run-program.ts';
import { talkRaw } from '../helpers/services-rig.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

let authority: TestAuthority;
before(async () => (authority = await makeAuthority()));

async function identityFiles(t: TestContext): Promise<{ certFile: string; keyFile: string }> {
  const folder = new TestFolder(t);
  const identity = await authority.issueServer('127.0.0.1', 'localhost');
  return { certFile: folder.write('hub.crt', identity.cert), keyFile: folder.write('hub.key', identity.key) };
}

async function startHttps(
  t: TestContext,
  change: (config: MutableConfig) => void = () => {},
): Promise<TestHub> {
  const files = await identityFiles(t);
  return startTestHub(t, (config) => {
    config.http.tls = { enabled: true, ...files };
    change(config);
  });
}

const addressOf = (hub: TestHub, name: string): string =>
  hub.server.listening.find((each) => each.name === name)?.address ?? '';

async function ask(
  url: string,
  options: RequestOptions = {},
): Promise<{ status: number | undefined; socket: TLSSocket }> {
  const asked = request(`${url}/api/v1/devices`, { ca: authority.ca, agent: false, ...options });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return { status: answer.statusCode, socket: answer.socket as TLSSocket };
}

describe('http.tls', () => {
  it('makes the port speak HTTPS, and MQTT over WebSocket with it', async (t) => {
    const hub = await startHttps(t);
    const url = addressOf(hub, 'http');
    assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await ask(url)).status, 200);
    const page = { origin: url, 'sec-fetch-site': 'same-origin' };
    assert.equal((await ask(url, { headers: page })).status, 200);
    const client = await connectMqtt(addressOf(hub, 'mqtt-websocket'), { tls: { ca: authority.ca } });
    await client.close();
    const { received } = await talkRaw(url, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal(received.startsWith('HTTP/'), false, 'plain HTTP is not answered');
    const metrics = await ask(url, { path: '/metrics' });
    assert.equal(metrics.status, 200);
    assert.match(
      hub.logged.map(({ text }) => text).join('\n'),
      /connection to http from 127\.0\.0\.1 was refused: tls-failed \(plain HTTP came, where TLS is spoken\)$/m,
    );
  });

  it('closes at once who is let in and asks nothing, when the hub stops', async (t) => {
    const hub = await startHttps(t, (config) => (config.shutdownTimeoutMs = 3_600_000));
    const url = addressOf(hub, 'http');
    const silent = connectTls({ port: Number(new URL(url).port), ca: authority.ca });
    await once(silent, 'secureConnect');
    assert.equal((await ask(url)).status, 200);
    assert.equal(await hub.server.close(), true);
    if (!silent.destroyed) await once(silent, 'close');
  });

  for (const proxyProtocol of [false, true]) {
    const before = proxyProtocol ? 'its PROXY header' : 'TLS is up';
    it(`gives a place back as soon as its peer leaves before ${before}`, async (t) => {
      const hub = await startHttps(t, ({ http }) => {
        http.proxyProtocol = proxyProtocol;
        http.trustedProxies = ['127.0.0.1'];
      });
      const { hostname, port } = new URL(addressOf(hub, 'http'));
      for (const bytes of ['', proxyProtocol ? 'PROXY ' : '\x16\x03\x01\0']) {
        const socket = connectTcp(Number(port), hostname);
        socket.end(bytes, 'latin1');
        await once(socket.resume(), 'close');
      }
      await until('it is told', () => hub.logged.some(({ text }) => /http from .* was refused/.test(text)));
      assert.equal(hub.logged.filter(({ text }) => text.includes('handshake-timeout')).length, 0);
    });
  }

  it('takes new certificates while it runs, and keeps the old while the new are wrong', async (t) => {
    const files = await identityFiles(t);
    const hub = await startTestHub(t, ({ http }) => (http.tls = { enabled: true, ...files }));
    const url = addressOf(hub, 'http');
    const fingerprint = async () => (await ask(url)).socket.getPeerCertificate().fingerprint256;
    const before = await fingerprint();
    writeFileSync(files.certFile, 'nothing');
    await until('it is told', () =>
      hub.logged.some(({ text }) => text.startsWith('the old certificates of http stay')),
    );
    assert.equal(await fingerprint(), before);
    const other = await authority.issueServer('127.0.0.1');
    writeFileSync(files.keyFile, other.key);
    writeFileSync(files.certFile, other.cert);
    await until('it is shown', async () => (await fingerprint()) !== before);
  });

  it('says what is wrong with its files before it listens', async (t) => {
    const folder = new TestFolder(t);
    const start = startTestHub(t, ({ http }) => {
      http.tls = {
        enabled: true,
        certFile: folder.write('none.crt', ''),
        keyFile: folder.write('none.key', ''),
      };
    });
    await assert.rejects(start, { code: 'CONFIG_INVALID', message: /none\.crt: has no certificate in PEM/ });
  });

  it('holds the connections of one address, as without it', async (t) => {
    const hub = await startHttps(t, ({ http }) => (http.maxConnections = 20));
    const url = addressOf(hub, 'http');
    const port = Number(new URL(url).port);
    const silent = Array.from({ length: 30 }, () => {
      const socket = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
      t.after(() => socket.destroy());
      return socket.on('error', () => {}).resume();
    });
    await until('most of them are closed', () => silent.filter(({ closed }) => !closed).length === 10);
    assert.equal((await ask(url)).status, 200);
  });
});

describe('http.proxyProtocol', () => {
  const header = (address: string): string => `PROXY TCP4 ${address} 127.0.0.1 4711 80\r\n`;
  const get = 'GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const told = (config: MutableConfig): void => {
    config.http.proxyProtocol = true;
    config.http.trustedProxies = ['127.0.0.1'];
    config.http.trustedNetworks = ['192.0.2.0/24'];
  };

  it('says where each connection comes from', async (t) => {
    const hub = await startTestHub(t, told);
    assert.match((await talkRaw(hub.url, header('192.0.2.1') + get)).received, /^HTTP\/1\.1 200 /);
    assert.match((await talkRaw(hub.url, header('198.51.100.1') + get)).received, /^HTTP\/1\.1 401 /);
    assert.equal((await talkRaw(hub.url, get)).received, '', 'without a header nothing is answered');
  });

  it('stands before TLS', async (t) => {
    const hub = await startHttps(t, told);
    const url = addressOf(hub, 'http');
    for (const [address, status] of [
      ['192.0.2.1', 200],
      ['198.51.100.1', 401],
    ] as const) {
      const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
      socket.write(header(address));
      const secure = connectTls({ socket, ca: authority.ca, host: '127.0.0.1' });
      secure.write(get);
      const [answer] = (await once(secure, 'data')) as [Buffer];
      assert.match(answer.toString(), new RegExp(`^HTTP/1\\.1 ${status} `));
      secure.destroy();
    }
  });

  it('who comes through a balancer and begins no TLS takes no places of the others there', async (t) => {
    const hub = await startHttps(t, (config) => {
      told(config);
      config.http.maxConnections = 20;
    });
    const port = Number(new URL(addressOf(hub, 'http')).port);
    const come = async (address: string): Promise<Socket> => {
      const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      socket.write(header(address));
      return socket;
    };
    for (let left = 30; left > 0; left--) {
      await come('198.51.100.1');
      const socket = await come('192.0.2.1');
      const asked = request({
        createConnection: () => connectTls({ socket, ca: authority.ca, servername: 'localhost' }),
        path: '/api/v1/devices',
        headers: { host: 'localhost', connection: 'close' },
      }).end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      assert.equal(answer.resume().statusCode, 200);
    }
  });
});

describe('gateways.socket.tls', () => {
  const definition = defineDevice({
    id: 'lamp',
    title: 'A lamp',
    commands: { ping: { title: 'Ping', run: () => 'pong' } },
  });

  async function startHub(t: TestContext): Promise<TestHub> {
    const files = await identityFiles(t);
    return startTestHub(t, ({ gateways }) => {
      gateways.socket.tls = { enabled: true, host: '127.0.0.1', port: 0, ...files };
    });
  }

  async function join(
    t: TestContext,
    hub: TestHub,
    options: ConnectionOptions,
  ): Promise<ReturnType<typeof createDevice>> {
    const address = new URL(addressOf(hub, 'socket-tls')).host;
    const device = createDevice({ ...definition, hub: address, minBackoffMs: 10, ...options });
    t.after(() => device.stop());
    void device.start();
    return device;
  }

  it('takes devices of the library, of both protocols, and their commands', async (t) => {
    for (const protocol of [2, 1] as const) {
      const hub = await startHub(t);
      const device = await join(t, hub, { protocol, tls: { ca: authority.ca } });
      await until('it is online', () => device.state.status === 'online');
      await until('it is listed', async () => (await hub.call('GET', '/api/v1/devices')).body.total === 1);
      const called = await hub.call('POST', `/api/v1/devices/${device.id}/commands/ping`);
      assert.deepEqual([called.status, called.body.output], [200, 'pong']);
    }
  });

  it('is a hub that the device must be able to believe', async (t) => {
    const hub = await startHub(t);
    for (const [options, why] of [
      [{ tls: true }, /certificate is not one that is trusted here; name the certificate of its CA/],
      [
        { tls: { ca: authority.ca, serverName: 'other.example' } },
        /certificate is for another host; use the name in the certificate/,
      ],
      [{ tls: true, hub: `127.0.0.1:${hub.tcpPort}` }, /does not speak TLS there; correct the port/],
    ] as const) {
      const device = await join(t, hub, options);
      await until('it is told', () => why.test(device.state.message));
      await device.stop();
    }
    assert.match(
      hub.logged.map(({ text }) => text).join('\n'),
      /a connection to socket from 127\.0\.0\.1 was refused/,
    );
  });
});

describe('commands that ask a hub by https', () => {
  const run = (
    url: string,
    words: readonly string[],
    env: Record<string, string> = {},
  ): Promise<ProgramEnd> =>
    runProgram(recadoWords(...words), { env: { RECADO_URL: url, LC_ALL: 'C', ...env }, timeoutMs: 120_000 });

  it('say why the certificate is not taken, and what to do', async (t) => {
    const hub = await startHttps(t);
    const url = addressOf(hub, 'http');
    const asked = await run(url, ['devices']);
    assert.equal(asked.end, 3);
    assert.match(
      asked.errors,
      /certificate is not one that is trusted here: .*NODE_EXTRA_CA_CERTS; or with --cafile/,
    );
    const managed = await run(url, ['manage', '--plain']);
    assert.equal(managed.end, 1);
    assert.match(managed.output, /is not one that is trusted here\. Start again with --cafile/);
    const file = new TestFolder(t).write('ca.crt', authority.ca);
    const otherName = url.replace('127.0.0.1', '127.1.2.3');
    const server = createServer((socket) => socket.pipe(connectTcp(Number(new URL(url).port))).pipe(socket));
    server.listen(Number(new URL(url).port), '127.1.2.3');
    t.after(() => server.close());
    assert.match(
      (await run(otherName, ['devices', '--cafile', file])).errors,
      /is for another host: use the name/,
    );
    const plain = await startTestHub(t);
    const noTls = await run(plain.url.replace('http:', 'https:'), ['devices']);
    assert.match(noTls.errors, /It does not speak TLS there: write http:/);
    assert.match(
      (await run(url.replace('https:', 'http:'), ['devices'])).errors,
      /begins with http or https/,
    );
  });

  it('take the certificates of --cafile, and those of NODE_EXTRA_CA_CERTS', async (t) => {
    const url = addressOf(await startHttps(t), 'http');
    const folder = new TestFolder(t);
    const file = folder.write('ca.crt', authority.ca);
    const { end, errors } = await run(url, ['devices', '--cafile', file]);
    assert.deepEqual([end, errors], [0, 'recado: there is none; `recado simulate sensor` starts one\n']);
    assert.equal((await run(url, ['devices'], { NODE_EXTRA_CA_CERTS: file })).end, 0);
    const managed = await run(url, ['manage', '--plain', '--cafile', file]);
    assert.deepEqual([managed.end, /Connected to https/.test(managed.output)], [0, true]);
    for (const [name, why] of [
      [folder.write('none.pem', 'nothing'), /--cafile: there is no certificate \(PEM\) in/],
      ['/nowhere.pem', /--cafile: \/nowhere\.pem does not exist/],
    ] as const) {
      const wrong = await run(url, ['devices', '--cafile', name]);
      assert.deepEqual([wrong.end, why.test(wrong.errors)], [2, true], wrong.errors);
    }
  });
});
