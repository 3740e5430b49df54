import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { describe, it, type TestContext } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { Browser, HAS_CHROMIUM, type BrowserPage } from '../helpers/chromium.ts';
import { serveThroughHub } from '../helpers/hub-agent.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

const APPLICATION = fileURLToPath(new URL('../helpers/web-application.ts', import.meta.url));
const TOKEN = 'a-token-that-is-long-enough';
const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };

/** The application as a process of its own, behind an agent of its own. */
async function startApplication(t: TestContext): Promise<TestHub> {
  const hub = await startTestHub(t, ({ services }) => {
    services.hosts = { 'app.example': 'app' };
  });
  const application = new ChildProgram([process.execPath, APPLICATION], { name: 'the application' });
  t.after(() => application.stop());
  const port = (await application.waitForLine(/^port \d+$/)).slice(5);
  const broker = `mqtt://127.0.0.1:${hub.mqttPort}`;
  const words = recadoWords('agent', '--broker', broker, '--service', `app=http://127.0.0.1:${port}`);
  const agent = new ChildProgram(words, { name: 'the agent' });
  t.after(() => agent.stop());
  const isThere = async () =>
    (await hub.call('GET', '/api/v1/services')).body.services[0]?.status === 'available';
  await until('the agent', isThere, 30_000);
  return hub;
}

describe('a web application behind an agent, in a browser', options, () => {
  const places: readonly [name: string, url: (hub: TestHub) => string][] = [
    ['below /services/app/', (hub) => `${hub.url}/services/app`],
    ['at a host name of its own', (hub) => `http://app.example:${new URL(hub.url).port}`],
  ];
  for (const [name, urlIn] of places) {
    it(`${name}: signs in, redirects, uploads, gets events and talks`, async (t) => {
      const hub = await startApplication(t);
      const url = urlIn(hub);
      const page = await (await Browser.open(t)).openPage(url);
      await page.waitFor('document.querySelector("#login")');
      assert.equal(await page.evaluate('location.href'), `${url}/login`);
      await page.evaluate('document.querySelector("#login").submit()');
      await page.waitFor(
        'window.results?.events?.length === 3 && window.results.upload && window.results.closed',
      );
      assert.equal(await page.evaluate('location.href'), `${url}/`);
      const sha256 = createHash('sha256').update(Buffer.alloc(3_000_000, 7)).digest('hex');
      assert.deepEqual(await page.evaluate('window.results'), {
        color: 'rgb(1, 2, 3)',
        upload: { sha256 },
        events: ['1', '2', '3'],
        protocol: 'chat',
        echo: 'echo hello',
        closed: [4001, 'bye'],
      });
    });
  }
});

/** What the device hears of `ligar`; the hub also asks it now and then whether it is there. */
const COMMAND = '{"Comando":"1"}';

/** Tries what a page may do that a person trusts by mistake. */
const HOSTILE = `<!doctype html><title>Hostile</title><script>
const results = {};
const tries = {
  read: () => fetch('/api/v1/devices').then((answer) => answer.json()).then(({ total }) => total),
  act: () => fetch('/api/v1/devices/DE2/commands/ligar', { method: 'POST' }).then((answer) => answer.status),
  cookie: async () => { document.cookie = 'mine=1'; return document.cookie; },
  storage: async () => { localStorage.mine = 1; return 'stored'; },
  socket: () => new Promise((resolve, reject) => {
    const socket = new WebSocket(new URL('/mqtt', location.href), 'mqtt');
    socket.onopen = () => resolve('open');
    socket.onerror = () => reject(new Error('closed'));
  }),
};
Promise.all(Object.entries(tries).map(async ([name, attempt]) => {
  try { results[name] = await attempt(); } catch (error) { results[name] = 'refused'; }
})).then(() => { window.results = results; });
</script><form method="post" action="/api/v1/devices/DE2/commands/ligar"></form>`;

/** Shows all pages of its own making. */
const WORKER = `onfetch = (event) => {
  if (event.request.mode !== 'navigate') return;
  const page = ${JSON.stringify(HOSTILE.replace('Hostile', 'worker')).replaceAll('</', '<\\/')};
  event.respondWith(new Response(page, { headers: { 'content-type': 'text/html' } }));
};`;

async function signInAsAdmin(hub: TestHub, page: BrowserPage, origin = hub.url): Promise<void> {
  const { accounts } = hub.server.hub;
  const password = 'correct horse battery';
  await accounts.users.create({ name: 'ann', password, roles: ['admin'], scopes: [] });
  await page.goto(`${origin}/healthz`);
  await page.waitFor('document.body.innerText.includes("ok")');
  const body = JSON.stringify(JSON.stringify({ name: 'ann', password }));
  const headers = '{ "content-type": "application/json" }';
  const signIn = `fetch('/api/v1/session', { method: 'POST', headers: ${headers}, body: ${body} })`;
  assert.equal(await page.evaluate(`${signIn}.then(({ status }) => status)`), 200);
  assert.equal(await page.evaluate('document.cookie'), '');
  assert.equal(await page.evaluate("fetch('/api/v1/users').then(({ status }) => status)"), 200);
}

describe('a hostile page of a service', options, () => {
  async function openHostile(t: TestContext, change: (config: MutableConfig) => void) {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = [TOKEN];
      change(config);
    });
    const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.2');
    await device.handshake(RADIO_DESCRIPTION);
    await serveThroughHub(t, hub, 'evil', (_request, response) => {
      response.setHeader('content-type', 'text/html').end(HOSTILE);
    });
    const page = await (await Browser.open(t)).openPage(`${hub.url}/services/evil/`);
    return { hub, device, page };
  }

  it('may not act as whoever looks at it', async (t) => {
    const { page, device } = await openHostile(t, () => {});
    const refused = 'refused';
    assert.deepEqual(await page.waitFor('window.results'), {
      read: refused,
      act: refused,
      cookie: refused,
      storage: refused,
      socket: refused,
    });
    // A form is a navigation: what comes of it is for the person to see, and the device hears nothing.
    await page.evaluate('document.querySelector("form").submit()');
    assert.match(
      String(await page.waitFor('document.body.innerText.includes("FORBIDDEN") && document.body.innerText')),
      /403/,
    );
    assert.ok(!device.text.includes(COMMAND), device.text);
  });

  it('may not act as a person who is signed in', async (t) => {
    const { hub, page } = await openHostile(t, ({ http, mqtt }) => {
      http.tokens = [];
      mqtt.trustedNetworks = ['127.0.0.1'];
    });
    await signInAsAdmin(hub, page);
    const { accounts } = hub.server.hub;

    await page.goto(`${hub.url}/services/evil/`);
    const refused = 'refused';
    assert.deepEqual(await page.waitFor('window.results'), {
      read: refused,
      act: refused,
      cookie: refused,
      storage: refused,
      socket: refused,
    });
    await page.evaluate('document.querySelector("form").submit()');
    await page.waitFor('/FORBIDDEN|UNAUTHENTICATED/.test(document.body.innerText)');
    assert.deepEqual(
      (await accounts.audit.read({ limit: 10 })).filter(({ principal }) => principal === 'user:ann').length,
      1,
    );
  });

  for (const [host, hasWorkers] of [
    ['127.0.0.1', true],
    ['hub.example', false],
  ] as const) {
    it(`may not act as who is signed in where a browser kept it from before the first account: ${host}`, async (t) => {
      const hub = await startTestHub(t, ({ http, mqtt }) => {
        http.hostNames = ['hub.example'];
        mqtt.trustedNetworks = ['127.0.0.1'];
      });
      await serveThroughHub(t, hub, 'evil', (request, response) => {
        const isWorker = request.url === '/worker.js';
        response.setHeader('cache-control', request.url === '/kept' ? 'max-age=3600' : 'no-cache');
        response
          .setHeader('content-type', isWorker ? 'text/javascript' : 'text/html')
          .setHeader('etag', '"1"');
        if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
        else response.end(isWorker ? WORKER : HOSTILE);
      });
      const origin = hub.url.replace('127.0.0.1', host);
      const page = await (await Browser.open(t)).openPage('about:blank');
      /** Of what it tried there, what was not refused. */
      const tryAt = async (path: string): Promise<string[]> => {
        await page.goto(`${origin}/services/evil${path}`);
        const results = await page.waitFor(`location.pathname.endsWith('${path}') && window.results`);
        return Object.entries(results as object).flatMap(([name, value]) =>
          value === 'refused' ? [] : name,
        );
      };
      const paths = ['/kept', '/asked', ...(hasWorkers ? ['/worked'] : [])];
      for (const path of paths) assert.ok((await tryAt(path)).includes('storage'));
      if (hasWorkers) {
        const register =
          "navigator.serviceWorker.register('worker.js').then(() => navigator.serviceWorker.ready)";
        await page.evaluate(`${register}.then(() => true)`);
        await tryAt('/worked');
        assert.equal(await page.evaluate('document.title'), 'worker');
      }
      await signInAsAdmin(hub, page, origin);
      for (const path of paths) assert.deepEqual([path, ...(await tryAt(path))], [path]);
    });
  }

  it('could, were it not sandboxed', async (t) => {
    const { page, device } = await openHostile(t, ({ services }) => {
      services.sameOrigin = true;
    });
    await until('the command', () => device.text.includes(COMMAND));
    const results = (await page.evaluate('document.cookie')) as string;
    assert.equal(results, 'mine=1');
  });
});
