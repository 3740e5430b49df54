import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser, HAS_CHROMIUM } from '../helpers/chromium.ts';
import { clickOn, LOOKS, openConsole, takePicture } from '../helpers/console-page.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };

describe('the page of the API', options, () => {
  it('shows every route, and asks the hub for what is tried', async (t) => {
    const hub = await startTestHub(t);
    const page = await openConsole(await Browser.open(t), `${hub.url}/docs`, LOOKS[0]!);
    await page.waitFor('document.querySelectorAll(".opblock").length > 0');
    const { paths } = (await hub.call('GET', '/openapi.json')).body as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((path) => Object.keys(path));
    assert.equal(await page.evaluate('document.querySelectorAll(".opblock").length'), operations.length);
    await takePicture(page, 'docs');
    const row = '[...document.querySelectorAll(".opblock-summary")]';
    await page.evaluate(
      `${row}.find((each) => each.textContent.includes("/healthz")).querySelector("button").click()`,
    );
    await clickOn(page, '.execute');
    await page.waitFor(
      'document.querySelector(".live-responses-table tbody .response-col_status")?.textContent.startsWith("200")',
    );
    assert.deepEqual(await page.evaluate('refused'), []);
    await takePicture(page, 'docs-tried');
  });

  it('says where to sign in to whoever may not read it', async (t) => {
    const hub = await startTestHub(t, (config) => {
      config.http.tokens = ['a-token-of-32-characters-or-more-x'];
      config.http.trustedNetworks = [];
    });
    const page = await openConsole(await Browser.open(t), `${hub.url}/docs/`, LOOKS[0]!);
    await page.waitFor('document.querySelector("#docs a") !== null');
    assert.match(
      String(await page.evaluate('document.querySelector("#docs").textContent')),
      /\(401\)\. Sign in at the console/,
    );
    assert.equal(await page.evaluate('document.querySelector("#docs a").href'), `${hub.url}/ui/`);
  });
});
