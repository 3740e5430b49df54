import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Browser, HAS_CHROMIUM } from '../helpers/chromium.ts';
import { assertSound, buildConsole, LOOKS, openConsole, takePicture } from '../helpers/console-page.ts';
import { findFreeTcpPort } from '../helpers/free-ports.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };

before(buildConsole);

describe('the console, when the hub goes away', options, () => {
  it('says so, and comes back by itself with what is true then', async (t) => {
    const port = await findFreeTcpPort();
    const atPort = (): ReturnType<typeof startTestHub> =>
      startTestHub(t, (config) => (config.http.port = port));
    const hub = await atPort();
    const hello = (id: string): string =>
      `${JSON.stringify({ recado: 2, id, description: { commands: {} } })}\n`;
    (await WireDevice.connect(t, hub.tcpPort)).send(hello('before'));
    const page = await openConsole(await Browser.open(t), `${hub.url}/`, LOOKS[0]!);
    await page.waitFor('document.querySelector(".rows .wide")?.textContent === "before"');
    await hub.server.close();
    await page.waitFor(
      'document.querySelector(".notice.warn")?.textContent.startsWith("The hub is away since")',
    );
    assert.equal(await page.evaluate('document.querySelector(".rows .mark").className'), 'mark off');
    await assertSound(page);
    await takePicture(page, 'away');
    const again = await atPort();
    (await WireDevice.connect(t, again.tcpPort)).send(hello('after'));
    await page.waitFor('document.querySelector(".rows .wide")?.textContent === "after"');
    await page.waitFor('document.querySelector(".notice.warn") === null');
    await page.waitFor('document.querySelector(".notice")?.textContent.startsWith("What happened between")');
    await takePicture(page, 'back');
  });
});
