import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { before, describe, it, type TestContext } from 'node:test';
import { Browser, HAS_CHROMIUM, type BrowserPage } from '../helpers/chromium.ts';
import {
  assertSound,
  buildConsole,
  clickOn,
  LOOKS,
  openConsole,
  takePicture,
  typeInto,
} from '../helpers/console-page.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };
const PLAIN = LOOKS[0]!;
const PAGE = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const KIBIBYTE = 1024;
const HOSTILE = [`<img src=x onerror="window.hurt=1">`, `\u202Eevil`, 'x'.repeat(64)];
const ASSETS = new URL('../../dist/console/assets/', import.meta.url);

before(buildConsole);

/** A framed device that is there. */
async function connectDevice(
  t: TestContext,
  hub: TestHub,
  id: string,
  description: object = {},
): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort);
  device.send(`${JSON.stringify({ recado: 2, id, description: { commands: {}, ...description } })}\n`);
  return device;
}

async function texts(page: BrowserPage, selector: string): Promise<unknown> {
  return page.evaluate(
    `[...document.querySelectorAll(${JSON.stringify(selector)})].map((each) => each.textContent)`,
  );
}

describe('the pages at the wire', () => {
  it('are for browsers: programs get what they got', async (t) => {
    const hub = await startTestHub(t);
    const without = await startTestHub(t, (config) => (config.console.enabled = false));
    for (const accept of ['*/*', 'application/json', 'text/html;q=0', 'text/htmlx']) {
      for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST']) {
        const [one, other] = await Promise.all(
          [hub, without].map((each) => each.call(method, '/', undefined, { accept })),
        );
        assert.deepEqual(
          [one!.status, one!.text, one!.headers.get('allow')],
          [other!.status, other!.text, other!.headers.get('allow')],
          `${method} ${accept}`,
        );
      }
    }
    const closed = await startTestHub(t, (config) => {
      config.http.tokens = ['a-token-of-the-configuration'];
      config.http.trustedNetworks = [];
    });
    assert.equal((await closed.call('GET', '/')).status, 401);
    const page = await fetch(`${hub.url}/`, { headers: PAGE, redirect: 'manual' });
    assert.deepEqual([page.status, page.headers.get('location')], [302, 'ui/']);
    for (const path of ['/ui/', '/ui/devices'])
      assert.equal((await without.call('GET', path, undefined, PAGE)).status, 404);
  });

  it('have a policy, and addresses of their own', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = ['a-token-of-the-configuration'];
      config.http.trustedNetworks = [];
    });
    for (const [path, base] of [
      ['/ui/', './'],
      ['/ui/devices?sort=-seen', './'],
    ] as const) {
      const { status, headers, text } = await hub.call('GET', path, undefined, PAGE);
      assert.deepEqual(
        [status, headers.get('content-type'), headers.get('cache-control')],
        [200, 'text/html; charset=utf-8', 'no-cache'],
      );
      assert.ok(text.includes(`<base href="${base}" />`), text);
      assert.match(
        headers.get('content-security-policy') ?? '',
        /default-src 'none'; script-src 'self'; style-src 'self'/,
      );
    }
    for (const path of [
      '/ui/none',
      '/ui/devices/',
      '/ui/assets/none.js',
      '/ui/assets/..%2Findex.html',
      '/ui/devices/a/b',
    ]) {
      const { status, body } = await hub.call('GET', path, undefined, PAGE);
      assert.ok(status === 404 || status === 401, `${path} ${status}`);
      assert.match(body.code, /ROUTE_UNKNOWN|UNAUTHENTICATED/);
    }
  });

  it('come compressed as they were built, and stay', async (t) => {
    const hub = await startTestHub(t);
    const { text } = await hub.call('GET', '/ui/', undefined, PAGE);
    const script = /src="\.\/(assets\/[^"]+\.js)"/.exec(text)?.[1];
    for (const [accepted, encoding] of [
      ['gzip, deflate, br', 'br'],
      ['gzip', 'gzip'],
      ['br;q=0, gzip', 'gzip'],
      ['identity', null],
    ] as const) {
      const answer = await fetch(`${hub.url}/ui/${script}`, { headers: { 'accept-encoding': accepted } });
      assert.equal(answer.headers.get('content-encoding'), encoding);
      assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
      assert.equal(
        await answer.text(),
        readFileSync(new URL(`${script}`.replace('assets/', ''), ASSETS), 'utf8'),
      );
    }
  });

  it('are small', () => {
    const sizes = new Map(
      readdirSync(ASSETS)
        .filter((name) => name.endsWith('.br'))
        .map((name) => [name, readFileSync(new URL(name, ASSETS)).length]),
    );
    const sum = (names: readonly string[]): number =>
      names.reduce((total, name) => total + (sizes.get(name) ?? 0), 0);
    const all = [...sizes.keys()];
    const page = readFileSync(new URL('../index.html', ASSETS), 'utf8');
    const first = sum(all.filter((name) => page.includes(name.replace('.br', ''))));
    assert.ok(first > 0 && first <= 60 * KIBIBYTE, `the first view is ${first} bytes`);
    assert.ok(sum(all) <= 120 * KIBIBYTE, `all is ${sum(all)} bytes`);
  });
});

describe('the console in a browser', options, () => {
  it('shows devices as they come, change and go, and finds them', async (t) => {
    const hub = await startTestHub(t);
    const browser = await Browser.open(t);
    const page = await openConsole(browser, `${hub.url}/`, PLAIN);
    await page.waitFor('document.body.textContent.includes("No device has connected yet.")');
    const lamp = await connectDevice(t, hub, 'lamp', { title: 'Lamp <b>of</b> the hall' });
    await connectDevice(t, hub, 'pump');
    await page.waitFor('document.querySelectorAll(".rows .row").length === 2');
    assert.deepEqual(await texts(page, '.rows .row:first-child .wide'), ['lamp', 'Lamp <b>of</b> the hall']);
    lamp.socket.destroy();
    await page.waitFor('document.querySelector(".rows .row .state").textContent === "offline"');
    await typeInto(page, 'input[type=search]', 'status:online');
    await page.waitFor('document.querySelectorAll(".rows .row").length === 1');
    assert.equal(await page.evaluate('location.search'), '?filter=status%3Aonline');
    await page.goto(`${hub.url}/ui/devices?filter=silent:soon`);
    await page.waitFor('document.querySelector(".fault")?.textContent.includes("silent:soon")');
    await page.goto(`${hub.url}/ui/devices?sort=-device`);
    await page.waitFor('document.querySelector(".rows .row .wide")?.textContent === "pump"');
    await hub.call('DELETE', '/api/v1/devices/lamp');
    await page.waitFor('document.querySelectorAll(".rows .row").length === 1');
  });

  it('is sound in each language, theme and width, whatever devices call themselves', async (t) => {
    const hub = await startTestHub(t);
    for (const [index, title] of HOSTILE.entries()) await connectDevice(t, hub, `device-${index}`, { title });
    const browser = await Browser.open(t);
    for (const look of LOOKS) {
      const page = await openConsole(browser, `${hub.url}/ui/devices`, look);
      await page.waitFor(`document.querySelectorAll(".rows .row").length === ${HOSTILE.length}`);
      await page.evaluate('document.fonts.ready');
      await assertSound(page);
      assert.equal(await page.evaluate('window.hurt'), undefined);
      assert.equal(await page.evaluate('document.documentElement.lang'), look.language);
      await takePicture(page, `devices-${look.language}-${look.theme}-${look.width}`);
      // A browser has six connections to a hub.
      await page.send('Page.close', {});
    }
  });

  it('asks who it is where accounts are, and lets go', async (t) => {
    const hub = await startTestHub(t);
    const person = { name: 'ann', password: 'correct horse battery' };
    await hub.server.hub.accounts.users.create({ ...person, roles: ['viewer'], scopes: [] });
    const page = await openConsole(await Browser.open(t), `${hub.url}/`, { ...PLAIN, language: 'pt-BR' });
    await typeInto(page, '[name=name]', person.name);
    await typeInto(page, '[name=password]', 'not this one');
    await assertSound(page);
    await takePicture(page, 'sign-in');
    await clickOn(page, 'button.main');
    await page.waitFor('document.querySelector("[role=alert]")?.textContent === "Nome ou senha incorretos."');
    await page.evaluate('document.querySelector("[name=password]").select()');
    await typeInto(page, '[name=password]', person.password);
    await clickOn(page, 'button.main');
    await page.waitFor('document.body.textContent.includes("Nenhum dispositivo se conectou ainda.")');
    await page.waitFor('document.querySelector(".bar .mark").textContent === "ao vivo"');
    await clickOn(page, 'button', 'Sair');
    await page.waitFor('document.querySelector("[name=password]")');
  });

  it('takes a token, and keeps it for the tab alone', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = ['a-token-of-the-configuration'];
      config.http.trustedNetworks = [];
    });
    const page = await openConsole(await Browser.open(t), `${hub.url}/`, PLAIN);
    await clickOn(page, 'button', 'With a token');
    await typeInto(page, '[name=token]', 'a-token-of-the-configuration');
    await clickOn(page, 'button.main');
    await page.waitFor('document.querySelector(".bar .mark")?.textContent === "live"');
    assert.equal(await page.evaluate('JSON.stringify(localStorage).includes("a-token")'), false);
    await page.send('Page.reload', {});
    await page.waitFor('document.querySelector(".bar .mark")?.textContent === "live"');
  });
});
