import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { Browser, HAS_CHROMIUM, type BrowserPage } from '../helpers/chromium.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const ROOT = 'a-token-of-the-configuration';
const PERSON = { name: 'ann', password: 'correct horse battery' };
const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };

/** A page at another address than the hub. */
async function openForeignPage(t: TestContext, browser: Browser): Promise<BrowserPage> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Another</title>');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const page = await browser.openPage(`http://page.example:${(server.address() as AddressInfo).port}/`);
  await page.waitFor('document.title === "Another"');
  return page;
}

async function openHub(t: TestContext, allowedOrigins: string[] = []): Promise<TestHub> {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [ROOT];
    config.http.trustedNetworks = [];
    config.http.cors.allowedOrigins = allowedOrigins;
  });
  await hub.server.hub.accounts.users.create({ ...PERSON, roles: ['admin'], scopes: [] });
  return hub;
}

describe('pages in a browser', options, () => {
  it('of another address follow events with a ticket, once, and with nothing else', async (t) => {
    const hub = await openHub(t);
    const page = await openForeignPage(t, await Browser.open(t));
    const { ticket } = await createClient({ url: hub.url, token: ROOT }).ticket({ kinds: ['presence'] });
    await page.evaluate(`
      window.told = [];
      window.follow = (query) => {
        const events = new EventSource('${hub.url}/api/v1/events' + query);
        events.onopen = () => told.push('open');
        events.onerror = () => { told.push('error'); events.close(); };
        events.addEventListener('presence', ({ data }) => told.push(JSON.parse(data).deviceId));
      };
      follow('?ticket=${ticket}')`);
    await page.waitFor('told[0] === "open"');
    const device = await WireDevice.connect(t, hub.tcpPort);
    device.send(`${JSON.stringify({ recado: 2, id: 'lamp', description: { commands: {} } })}\n`);
    await page.waitFor('told[1] === "lamp"');
    for (const query of [`?ticket=${ticket}`, '']) {
      await page.evaluate(`told = []; follow(${JSON.stringify(query)})`);
      await page.waitFor('told.length === 1');
      assert.deepEqual(await page.evaluate('told'), ['error'], query);
    }
  });

  it('of a listed origin ask, command and follow with a token, and those of others do not', async (t) => {
    const browser = await Browser.open(t);
    const page = await openForeignPage(t, browser);
    const origin = String(await page.evaluate('location.origin'));
    const hub = await openHub(t, [origin]);
    const script = `
      const headers = { authorization: 'Bearer ${ROOT}', 'content-type': 'application/json' };
      const ask = (method, path, more) =>
        fetch('${hub.url}/api/v1' + path, { method, headers, ...more }).then((response) => response, () => undefined);
      window.run = async () => {
        const list = await ask('GET', '/devices');
        const away = await ask('POST', '/devices/none/commands/x', { body: '{}' });
        const withCookie = await ask('GET', '/devices', { credentials: 'include' });
        const made = await ask('POST', '/tickets', { body: '{"kind":"presence"}' });
        const { ticket } = made === undefined ? {} : await made.json();
        const events = new EventSource('${hub.url}/api/v1/events?ticket=' + ticket);
        const opened = await new Promise((resolve) => {
          events.onopen = () => resolve('open'); events.onerror = () => resolve('error');
        });
        events.close();
        return JSON.stringify([list?.status, away?.status, withCookie?.status, opened]);
      };
      window.told = undefined; run().then((text) => { window.told = text; });`;
    const told = async (where: BrowserPage): Promise<unknown> => {
      await where.evaluate(script);
      await where.waitFor('window.told !== undefined');
      return JSON.parse(String(await where.evaluate('told')));
    };
    assert.deepEqual(await told(page), [200, 404, null, 'open']);
    assert.deepEqual(await told(await openForeignPage(t, browser)), [null, null, null, 'error']);
  });

  it('of another address cannot act as who is signed in, by a form, a request or a picture', async (t) => {
    const hub = await openHub(t);
    const browser = await Browser.open(t);
    const own = await browser.openPage(`${hub.url}/healthz`);
    await own.waitFor('document.body.textContent.includes("ok")');
    const status = (method: string, path: string, more = ''): string =>
      `fetch('${path}', { method: '${method}'${more} }).then(({ status }) => status)`;
    const body = `, headers: { 'content-type': 'application/json' }, body: '${JSON.stringify(PERSON)}'`;
    assert.equal(await own.evaluate(status('POST', '/api/v1/session', body)), 200);
    assert.equal(await own.evaluate(status('GET', '/api/v1/users')), 200);
    assert.equal(await own.evaluate('document.cookie'), '');
    const page = await openForeignPage(t, browser);
    await page.evaluate(`
      const send = (method, path) => fetch('${hub.url}' + path, { method, mode: 'no-cors', credentials: 'include' });
      const form = document.createElement('form');
      form.method = 'post'; form.action = '${hub.url}/api/v1/session'; form.target = 'frame';
      const frame = Object.assign(document.createElement('iframe'), { name: 'frame' });
      document.body.append(form, frame);
      const loaded = new Promise((resolve) => { frame.onload = resolve; });
      form.submit();
      Promise.allSettled([send('GET', '/api/v1/users'), send('POST', '/api/v1/tickets'), loaded]).then(() => { window.done = 1; })`);
    await page.waitFor('window.done');
    const readable = `fetch('${hub.url}/api/v1/users', { credentials: 'include' }).then(() => 'read', () => 'refused')`;
    assert.equal(await page.evaluate(readable), 'refused');
    const entries = await hub.server.hub.accounts.audit.read({ limit: 20 });
    const asAnn = entries.filter(({ principal }) => principal === 'user:ann');
    assert.deepEqual(
      asAnn.map(({ action, status: was }) => `${action} ${was}`),
      ['signIn 200'],
    );
  });
});
