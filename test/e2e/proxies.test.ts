import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { findFreeTcpPort } from '../helpers/free-ports.ts';
import { EventStreamReader } from '../helpers/event-stream.ts';
import { startTestHub, type MutableConfig } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const TOKEN = 'a-token-of-sixteen-or-more';
const PAGE = readFileSync(new URL('../../docs/proxies.md', import.meta.url), 'utf8');
/** Of two callers, both on this machine: the one that the hub trusts, and a stranger. */
const FRIEND = '127.0.0.9';
const STRANGER = '127.0.0.2';

type Headers = Record<string, string>;
type Proxy = { readonly name: string; readonly url: string };
type Choice = {
  readonly name: 'nginx' | 'haproxy' | 'caddy';
  /** Which of its examples on the page. */
  readonly example?: number;
  readonly change?: (text: string) => string;
};

function whyWithout(name: string): string | false {
  const { error } = spawnSync(name === 'haproxy' ? '/usr/sbin/haproxy' : nameOf(name), ['-v']);
  return error === undefined ? false : `${name} is not installed`;
}

function nameOf(name: string): string {
  return name === 'nginx' ? '/usr/sbin/nginx' : name === 'haproxy' ? '/usr/sbin/haproxy' : name;
}

/** The example of the page, on a free port and before this hub. */
async function startProxy(
  t: TestContext,
  hubUrl: string,
  { name, example = 0, change }: Choice,
): Promise<Proxy> {
  const language = name === 'caddy' ? 'caddyfile' : name;
  const examples = [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))];
  const text = examples[example]?.[1] ?? assert.fail(`no example for ${name}`);
  const port = await findFreeTcpPort();
  const placed = text
    .replaceAll('127.0.0.1:5070', new URL(hubUrl).host)
    .replace('listen 80', `listen 127.0.0.1:${port}`)
    .replace(/bind :\d+/, `bind 127.0.0.1:${port}`)
    .replace('hub.example.org {', `http://:${port} {\n  bind 127.0.0.1`);
  const folder = new TestFolder(t);
  const words = wordsOf(name, folder, change?.(placed) ?? placed);
  const child = spawn(nameOf(name), words, { stdio: 'ignore', env: { ...process.env, HOME: folder.path } });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await until(`${name} listens`, async () => {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isOpen;
  });
  return { name, url: `http://127.0.0.1:${port}` };
}

function wordsOf(name: Choice['name'], folder: TestFolder, text: string): string[] {
  if (name === 'haproxy') return ['-db', '-f', folder.write('haproxy.cfg', `${text}\n`)];
  if (name === 'caddy') {
    const file = folder.write('Caddyfile', `{\n  admin off\n  auto_https off\n}\n${text}`);
    return ['run', '--config', file, '--adapter', 'caddyfile'];
  }
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${folder.file(what)};`,
  );
  const main = `daemon off; master_process off; pid ${folder.file('pid')}; error_log ${folder.file('log')};`;
  const http = `http { access_log off; ${paths.join(' ')}\n${text} }`;
  return ['-c', folder.write('nginx.conf', `${main} events {}\n${http}\n`), '-p', folder.path];
}

async function ask(url: string, localAddress: string, headers: Headers = {}): Promise<number | undefined> {
  const asked = request(`${url}/api/v1/devices`, {
    localAddress,
    agent: false,
    headers: { host: 'hub.example.org', ...headers },
  });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer.resume().statusCode;
}

/** @returns the return code of a CONNECT of MQTT 3.1.1 over WebSocket, without a user name */
async function connectMqtt(url: string, localAddress: string): Promise<number | undefined> {
  const asked = request(`${url}/mqtt`, {
    localAddress,
    headers: {
      host: 'hub.example.org',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'mqtt',
    },
  });
  asked.end();
  const [, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, NodeJS.ReadWriteStream];
  const packet = Buffer.from('100d00044d5154540402003c000161', 'hex');
  socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | packet.length, 0, 0, 0, 0]), packet]));
  const [frame] = (await once(socket, 'data')) as [Buffer];
  socket.end();
  return frame[5];
}

function behind({ http, mqtt }: MutableConfig): void {
  http.tokens = [TOKEN];
  http.hostNames = ['hub.example.org'];
  http.trustedProxies = ['127.0.0.1'];
  http.trustedNetworks = [FRIEND];
  mqtt.webSocket.trustedNetworks = [FRIEND];
}

/** Who somebody is cannot be said by himself, whatever header he tries. */
async function tellsApart({ url, name }: Proxy): Promise<void> {
  assert.equal(await ask(url, FRIEND), 200, `${name}: a friend`);
  assert.equal(await ask(url, STRANGER), 401, `${name}: a stranger`);
  assert.equal(await ask(url, STRANGER, { authorization: `Bearer ${TOKEN}` }), 200, `${name}: with a token`);
  for (const header of ['X-Forwarded-For', 'X-Real-IP', 'CF-Connecting-IP', 'X-Client-IP', 'Via'])
    assert.equal(await ask(url, STRANGER, { [header]: FRIEND }), 401, `${name}: ${header}`);
  assert.equal(await ask(url, STRANGER, { forwarded: `for=${FRIEND}` }), 401, `${name}: Forwarded`);
  assert.equal(await connectMqtt(url, FRIEND), 0, `${name}: a friend over MQTT`);
  assert.equal(await connectMqtt(url, STRANGER), 5, `${name}: a stranger over MQTT`);
}

for (const name of ['nginx', 'caddy', 'haproxy'] as const) {
  describe(`the example for ${name}`, { skip: whyWithout(name) }, () => {
    it('says where requests and WebSockets come from', async (t) => {
      const hub = await startTestHub(t, behind);
      await tellsApart(await startProxy(t, hub.url, { name }));
    });

    it('passes events on as they happen', async (t) => {
      const hub = await startTestHub(t, behind);
      const proxy = await startProxy(t, hub.url, { name });
      const headers = { host: 'hub.example.org', authorization: `Bearer ${TOKEN}` };
      const stream = await EventStreamReader.open(t, proxy.url, { headers });
      const { feed } = hub.server.hub;
      for (const deviceId of ['a', 'b']) {
        feed.publish({ kind: 'forgotten', deviceId, time: 0 });
        await until('it has come', () => stream.blocks.at(-1)?.data.deviceId === deviceId);
      }
    });

    it('opens nothing while the hub was not told of it', async (t) => {
      const hub = await startTestHub(t, (config) => {
        behind(config);
        config.http.trustedProxies = [];
        config.http.trustedNetworks = ['127.0.0.0/8'];
        config.mqtt.webSocket.trustedNetworks = ['127.0.0.0/8'];
      });
      const { url } = await startProxy(t, hub.url, { name });
      assert.equal(await ask(url, FRIEND), 401);
      assert.equal(await connectMqtt(url, FRIEND), 5);
    });
  });
}

describe('nginx, as many write it', { skip: whyWithout('nginx') }, () => {
  const page: Headers = { origin: 'https://hub.example.org:8443', 'sec-fetch-site': 'same-origin' };

  it('knows pages of the hub with `Host $host` on an unusual port', async (t) => {
    const hub = await startTestHub(t, behind);
    const change = (text: string): string => text.replace('Host $http_host', 'Host $host');
    const { url } = await startProxy(t, hub.url, { name: 'nginx', change });
    assert.equal(await ask(url, FRIEND, { host: 'hub.example.org:8443', ...page }), 200);
    assert.equal(await ask(url, FRIEND, { ...page, 'sec-fetch-site': 'cross-site' }), 403);
  });

  it('and without a line for Host', async (t) => {
    const hub = await startTestHub(t, behind);
    const withoutHost = (text: string): string =>
      text.replace('Host $http_host', 'Host ""').replace('proxy_http_version 1.1;', '');
    const dropped = await startProxy(t, hub.url, { name: 'nginx', change: withoutHost });
    assert.equal(await ask(dropped.url, FRIEND, page), 200);
    const usual = (text: string): string => text.replace('proxy_set_header Host $http_host;', '');
    const own = await startProxy(t, hub.url, { name: 'nginx', change: usual });
    assert.equal(await ask(own.url, FRIEND, page), 200);
  });

  it('opens nothing when it says nothing of who asks, as it comes', async (t) => {
    const hub = await startTestHub(t, (config) => {
      behind(config);
      config.http.trustedNetworks = [];
      config.mqtt.webSocket.trustedNetworks = [];
    });
    const bare = (text: string): string => text.replaceAll(/ *proxy_set_header (?!Upgrade|Conn).*\n/g, '');
    const { url } = await startProxy(t, hub.url, { name: 'nginx', change: bare });
    assert.equal(await ask(url, FRIEND), 401);
    assert.equal(await connectMqtt(url, FRIEND), 5);
  });
});

describe('HAProxy with the PROXY protocol', { skip: whyWithout('haproxy') }, () => {
  it('says where connections come from', async (t) => {
    const hub = await startTestHub(t, (config) => {
      behind(config);
      config.http.proxyProtocol = true;
    });
    const proxy = await startProxy(t, hub.url, { name: 'haproxy', example: 1 });
    assert.equal(await ask(proxy.url, FRIEND), 200);
    assert.equal(await ask(proxy.url, STRANGER), 401);
    assert.equal(await ask(proxy.url, STRANGER, { 'x-forwarded-for': FRIEND }), 401);
    assert.equal(await connectMqtt(proxy.url, FRIEND), 0);
    assert.equal(await connectMqtt(proxy.url, STRANGER), 5);
  });
});
