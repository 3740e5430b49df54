import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, it } from 'node:test';
import { Browser, HAS_CHROMIUM } from '../helpers/chromium.ts';
import {
  assertSound,
  buildConsole,
  clickOn,
  LOOKS,
  openConsole,
  takePicture,
  typeInto,
} from '../helpers/console-page.ts';
import { comeIn, endOf } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };
const PLAIN = LOOKS[0]!;
const HOSTILE = '<img src=x onerror="window.hurt=1">';

before(buildConsole);

it('pages for who looks after the hub', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'recado-hub-pages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const hub = await startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = folder;
    config.services.sameOrigin = true;
  });
  const mqtt = `mqtt://127.0.0.1:${hub.mqttPort}`;
  const hostile = await comeIn(t, mqtt, { clientId: HOSTILE });
  const pump = await comeIn(t, mqtt, {
    clientId: 'pump',
    clean: false,
    properties: { sessionExpiryInterval: 600 },
  });
  await pump.subscribeAsync('pump/#');
  const browser = await Browser.open(t);

  await t.test('health: listeners, stores, limits and what to look at', async () => {
    const page = await openConsole(browser, `${hub.url}/`, PLAIN);
    await clickOn(page, 'nav a', 'Health');
    await page.waitFor('document.querySelector(".notice.warn")?.textContent.includes("services.sameOrigin")');
    const text = String(await page.evaluate('document.querySelector("main").textContent'));
    assert.ok(text.includes(`mqtt://127.0.0.1:${hub.mqttPort}`), text);
    assert.ok(text.includes(folder) && text.includes('sessions: ready'), text);
    const rows = 'document.querySelectorAll("main section:last-child tbody tr").length';
    const some = Number(await page.evaluate(rows));
    await clickOn(page, 'button', 'Show all limits');
    await page.waitFor(`${rows} > ${some}`);
    await page.send('Page.close', {});
  });

  await t.test('clients: found, looked at, disconnected and forgotten', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/clients`, PLAIN);
    await page.waitFor('document.querySelectorAll("tbody tr").length === 2');
    await page.waitFor('document.querySelector("main").textContent.includes("<img")');
    await typeInto(page, 'input[type=search]', 'pump');
    await page.evaluate('document.activeElement.blur()');
    await page.waitFor('document.querySelectorAll("tbody tr").length === 1');
    await clickOn(page, 'tbody a', 'pump');
    const ended = endOf(pump);
    await clickOn(page, 'section.answer button', 'Disconnect');
    await page.waitFor('document.querySelector("[role=alert]")?.textContent.includes("come back")');
    await clickOn(page, 'section.answer button.main', 'Disconnect');
    // Administrative action (MQTT 5.0 section 3.14.2.1).
    assert.equal(await ended, 0x98);
    await page.waitFor('document.querySelector("tbody .mark").textContent === "away"');
    await clickOn(page, 'section.answer button', 'Forget');
    await clickOn(page, 'section.answer button.main', 'Forget');
    await page.waitFor('document.querySelectorAll("tbody tr").length === 0');
    await page.waitFor('document.querySelector("section.answer").textContent.includes("has ended")');
    assert.equal((await hub.call('GET', '/api/v1/broker/sessions?q=pump')).body.sessions.length, 0);
    await page.send('Page.close', {});
  });

  await t.test('topics: published, looked at and cleared', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/topics?filter=home/%23`, PLAIN);
    await typeInto(page, 'input[name=topic]', 'home/lamp');
    await typeInto(page, 'textarea', `{"on":true,"by":"<img>"}`);
    await clickOn(page, 'input[name=retain]');
    await clickOn(page, 'form button.main', 'Publish');
    await page.waitFor('document.querySelector("form .good")?.textContent.includes("nobody")');
    await clickOn(page, 'tbody a', 'home/lamp');
    await page.waitFor('document.querySelector("pre")?.textContent.includes("<img>")');
    await clickOn(page, 'section.answer button', 'hex');
    await page.waitFor('document.querySelector("pre").textContent.startsWith("7b 22 6f 6e")');
    await clickOn(page, 'section.answer button', 'Clear');
    await clickOn(page, 'section.answer button.main', 'Clear');
    await page.waitFor('document.querySelector("section.answer").textContent.includes("any more")');
    assert.equal((await hub.call('GET', '/api/v1/topics?filter=home/%23')).body.topics.length, 0);
    await page.send('Page.close', {});
  });

  await t.test('are sound in each language, theme and width', async () => {
    await hostile.publishAsync(HOSTILE, HOSTILE, { retain: true, qos: 1 });
    const { body } = await hub.call('GET', '/api/v1/broker/sessions');
    const session = encodeURIComponent(String(body.sessions[0].key));
    for (const look of LOOKS) {
      const page = await openConsole(browser, `${hub.url}/ui/clients?session=${session}`, look);
      for (const [name, sign] of [
        ['clients', 'section.answer dl'],
        ['health', 'meter'],
        ['topics', 'section.answer pre'],
      ]) {
        if (name !== 'clients') await clickOn(page, `nav a[href$="/${name}"]`);
        if (name === 'topics') await clickOn(page, 'tbody a', 'onerror');
        await page.waitFor(`document.querySelector("${sign}")`);
        await assertSound(page);
        const fits =
          'document.querySelector("main").scrollWidth <= document.querySelector("main").clientWidth';
        assert.equal(await page.evaluate(fits), true, `${name} at ${look.width}`);
        await takePicture(page, `${name}-${look.language}-${look.theme}-${look.width}`);
      }
      assert.equal(await page.evaluate('window.hurt'), undefined);
      await page.send('Page.close', {});
    }
  });
});
