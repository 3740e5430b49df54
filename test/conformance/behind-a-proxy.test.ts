import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { startServer } from '../../src/api/start-server.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { loadConfigOrThrow } from '../../src/config/load-config.ts';
import { HUB_CONFIG } from '../../src/hub/config/hub-config.ts';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { folderWith } from '../helpers/bridge-programs.ts';
import { talkRaw } from '../helpers/services-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const TOKEN = 'a-token-of-sixteen-or-more';
type Headers = Record<string, string>;

async function statusOf(
  url: string,
  headers: Headers,
  path = '/api/v1/devices',
): Promise<number | undefined> {
  const asked = request(`${url}${path}`, { headers, agent: false });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer.resume().statusCode;
}

/** @returns the status of an upgrade to MQTT, and the return code of a CONNECT without a user name */
async function connectMqtt(url: string, headers: Headers): Promise<readonly [number, number | undefined]> {
  const asked = request(`${url}/mqtt`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'mqtt',
      ...headers,
    },
  });
  asked.end();
  const [answer, socket] = (await Promise.race([once(asked, 'upgrade'), once(asked, 'response')])) as [
    IncomingMessage,
    NodeJS.ReadWriteStream?,
  ];
  if (socket === undefined) return [answer.resume().statusCode ?? 0, undefined];
  // CONNECT of MQTT 3.1.1 with client id "a", in a frame whose mask is zero.
  const connect = Buffer.from('100d00044d5154540402003c000161', 'hex');
  socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | connect.length, 0, 0, 0, 0]), connect]));
  const [frame] = (await once(socket, 'data')) as [Buffer];
  socket.end();
  return [101, frame[5]];
}

async function startHub(t: TestContext, yaml: string): Promise<string> {
  const ports = 'inMemory: true\nmqtt: { port: 0 MORE }\ngateways: { socket: { tcpPort: 0, udpPort: 0 } }\n';
  const [http = '', more = ''] = yaml.split('|');
  const folder = folderWith(t, {
    'c.yaml': `http: { port: 0, ${http} }\n${ports.replace('MORE', more)}`,
    'users.txt': '',
  });
  const sources = { file: 'c.yaml', folder, environment: {} };
  const server = await startServer(loadConfigOrThrow(HUB_CONFIG, sources, 'the hub'), { log: silentLogger });
  t.after(() => server.close());
  return server.listening.find(({ name }) => name === 'http')?.address ?? '';
}

describe('a place is no proof', () => {
  it('on this machine either, as soon as there are tokens of HTTP, or passwords', async (t) => {
    const url = await startHub(t, `tokens: [${TOKEN}]`);
    assert.equal(await statusOf(url, {}), 401);
    assert.equal(await statusOf(url, { authorization: `Bearer ${TOKEN}` }), 200);
    assert.deepEqual(await connectMqtt(url, {}), [101, 5]);
    const withPasswords = await startHub(t, '|, passwordFile: users.txt');
    assert.equal(await statusOf(withPasswords, {}), 401);
    assert.deepEqual(await connectMqtt(withPasswords, {}), [101, 5]);
  });

  it('unless somebody wrote that it is', async (t) => {
    const url = await startHub(t, `tokens: [${TOKEN}], trustedNetworks: [127.0.0.1]`);
    assert.equal(await statusOf(url, {}), 200);
    assert.deepEqual(await connectMqtt(url, {}), [101, 5], 'for HTTP that is');
    for (const written of ['trustedNetworks: [127.0.0.1]', 'webSocket: { trustedNetworks: [127.0.0.1] }']) {
      for (const more of ['', ', passwordFile: users.txt']) {
        const mqtt = await startHub(t, `tokens: [${TOKEN}]|, ${written}${more}`);
        assert.equal(await statusOf(mqtt, {}), 401);
        assert.deepEqual(await connectMqtt(mqtt, {}), [101, 0], written);
        assert.deepEqual(
          await connectMqtt(mqtt, { via: '1.1 a' }),
          [101, 5],
          'but for nobody whom a proxy passed on',
        );
      }
    }
    const none = 'trustedNetworks: [127.0.0.1], webSocket: { trustedNetworks: [] }';
    assert.deepEqual(
      await connectMqtt(await startHub(t, `|, ${none}`), {}),
      [101, 5],
      'nor where it is taken away',
    );
  });

  it('for who is behind a proxy that nobody named', async (t) => {
    const { url } = await startTestHub(t);
    assert.equal(await statusOf(url, {}), 200);
    for (const name of ['Forwarded', 'X-Forwarded-Host', 'X-Real-IP', 'Via', 'CF-Connecting-IP']) {
      const headers = { [name]: name === 'Forwarded' ? 'for=127.0.0.1' : '127.0.0.1' };
      assert.equal(await statusOf(url, headers), 401, name);
      assert.deepEqual(await connectMqtt(url, headers), [101, 5], name);
    }
    const padding = Array.from({ length: 2100 }, () => 'a:b').join('\r\n');

    const text = `GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${padding}\r\nVia: 1.1 a\r\n\r\n`;
    assert.match((await talkRaw(url, text)).received, /^HTTP\/1\.1 401 /, 'behind 2,100 other headers');
  });
});

describe('a proxy of http.trustedProxies', () => {
  const behind = (t: TestContext): Promise<TestHub> =>
    startTestHub(t, ({ http, mqtt }) => {
      http.trustedProxies = ['127.0.0.1'];
      http.trustedNetworks = ['192.0.2.0/24'];
      mqtt.webSocket.trustedNetworks = ['192.0.2.0/24'];
    });

  it('says where a request comes from, for HTTP and MQTT', async (t) => {
    const { url } = await behind(t);
    for (const [address, status, code] of [
      ['192.0.2.1', 200, 0],
      ['198.51.100.1', 401, 5],
      ['192.0.2.1, 198.51.100.1', 401, 5],
    ] as const) {
      const headers = { 'x-forwarded-for': address };
      assert.equal(await statusOf(url, headers), status, address);
      assert.deepEqual(await connectMqtt(url, headers), [101, code], address);
    }
  });

  it('says it in the parameter for of Forwarded, and nowhere else in it', async (t) => {
    const { url } = await behind(t);
    const spoofed = 'host="a;for=192.0.2.1;b";for=198.51.100.1';
    for (const forwarded of [spoofed, 'for=192.0.2.1;for=198.51.100.1', 'host="for=192.0.2.1"']) {
      assert.equal(await statusOf(url, { forwarded }), 401, forwarded);
      assert.deepEqual(await connectMqtt(url, { forwarded }), [101, 5], forwarded);
    }
    const forwarded = 'host="a;for=198.51.100.1;b";for=192.0.2.1';
    assert.equal(await statusOf(url, { forwarded }), 200);
    assert.deepEqual(await connectMqtt(url, { forwarded }), [101, 0]);
  });

  it('has its connections put down to those who use them', async (t) => {
    const hub = await behind(t);
    const held = request(`${hub.url}/api/v1/devices/x/commands/y`, {
      method: 'POST',
      headers: { 'x-forwarded-for': '192.0.2.7', 'content-length': 5 },
    });
    t.after(() => held.destroy());
    held.on('error', () => {});
    held.write('{');
    const { ledger } = hub.server.hub;
    const heldBy = (key: string): number => {
      const party = ledger.open(key);
      const { bytes } = party;
      party.close();
      return bytes;
    };
    await until('it is in the books of who asked', () => heldBy('192.0.2.7') > 0);
    assert.equal(heldBy('127.0.0.1'), 0);
    held.destroy();
    await until('it is given back', () => ledger.totals()[KeptKind.HTTP_CONNECTION]?.bytes === 0);
  });
});

describe('a page of the hub behind a proxy', () => {
  const fromPage: Headers = { 'sec-fetch-site': 'same-origin', origin: 'https://panel.example:8443' };

  it('is known by what the browser says, whatever became of Host', async (t) => {
    const { url } = await startTestHub(t, ({ http }) => (http.hostNames = ['panel.example']));
    const { host } = new URL(url);
    for (const name of ['panel.example', 'PANEL.example.', 'localhost', host]) {
      assert.equal(await statusOf(url, { ...fromPage, host: name }), 200, name);
      assert.deepEqual(await connectMqtt(url, { ...fromPage, host: name }), [101, 0], name);
    }
  });

  it('is none by a name that is not the hub’s, nor without that word', async (t) => {
    const { url } = await startTestHub(t, ({ http }) => (http.hostNames = ['panel.example']));
    const refused: readonly IncomingHttpHeaders[] = [
      { ...fromPage, host: 'rebound.example' },
      { ...fromPage, host: 'panel.example', 'sec-fetch-site': 'same-site' },
      { host: 'panel.example', origin: 'https://panel.example:8443' },
    ];
    for (const headers of refused) {
      assert.equal(await statusOf(url, headers as Headers), 403);
      assert.deepEqual(await connectMqtt(url, headers as Headers), [403, undefined]);
    }
  });

  it('comes with no Host at all from a proxy that speaks HTTP/1.0', async (t) => {
    const { url } = await startTestHub(t);

    const head = 'GET /api/v1/devices HTTP/1.0\r\nOrigin: https://panel.example\r\n';
    assert.match(
      (await talkRaw(url, `${head}Sec-Fetch-Site: same-origin\r\n\r\n`)).received,
      /^HTTP\/1\.1 200 /,
    );
    assert.match((await talkRaw(url, `${head}\r\n`)).received, /^HTTP\/1\.1 403 /);
  });
});
