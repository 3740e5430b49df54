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
} from '../helpers/console-page.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };
const PLAIN = LOOKS[0]!;

before(buildConsole);

it('pages for who looks after the hub', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'recado-hub-pages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const hub = await startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = folder;
    config.services.sameOrigin = true;
  });
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

  await t.test('are sound in each language, theme and width', async () => {
    for (const look of LOOKS) {
      const page = await openConsole(browser, `${hub.url}/ui/health`, look);
      await page.waitFor('document.querySelector("meter")');
      await assertSound(page);
      await takePicture(page, `health-${look.language}-${look.theme}-${look.width}`);
      await page.send('Page.close', {});
    }
  });
});
