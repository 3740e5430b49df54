import assert from 'node:assert/strict';
import { before, it } from 'node:test';
import { CommandError, createDevice } from '../../src/device/index.ts';
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
import { serveThroughHub } from '../helpers/hub-agent.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };
const PLAIN = LOOKS[0]!;
const HOSTILE = '<img src=x onerror="window.hurt=1">';

before(buildConsole);

it('pages of the hub as a whole', options, async (t) => {
  const hub = await startTestHub(t);
  const device = createDevice({
    id: 'gate',
    title: HOSTILE,
    commands: {
      open: {
        kind: 'action',
        run: () => {
          throw new CommandError('STUCK', HOSTILE);
        },
      },
      wait: { kind: 'action', run: () => new Promise(() => {}) },
    },
    hub: `127.0.0.1:${hub.tcpPort}`,
  });
  t.after(() => device.stop());
  await device.start();
  assert.equal((await hub.call('POST', '/api/v1/devices/gate/commands/open')).status, 502);
  await serveThroughHub(t, hub, 'billing', (_request, response) => response.end('paid'));
  assert.equal((await hub.call('GET', '/services/billing/')).text, 'paid');
  const browser = await Browser.open(t);

  await t.test('invocations: found, looked at and cancelled', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/invocations`, PLAIN);
    await page.waitFor('document.querySelectorAll("tbody tr").length === 1');
    void hub.call('POST', '/api/v1/devices/gate/commands/wait');
    await page.waitFor('document.querySelectorAll("tbody tr").length === 2');
    await page.waitFor('document.querySelector("tbody tr").textContent.includes("wait")');
    await clickOn(page, 'tbody button', 'cancel');
    await page.waitFor('document.querySelector("tbody tr").textContent.includes("cancelled")');
    await typeInto(page, 'input[aria-label=Command]', 'open');
    await page.evaluate('document.activeElement.blur()');
    await page.waitFor('document.querySelectorAll("tbody tr").length === 1');
    await clickOn(page, 'tbody td a');
    await page.waitFor(
      'document.querySelector("section.answer p.bad")?.textContent.includes("DEVICE_ERROR")',
    );
    await page.waitFor('document.querySelector("section.answer").textContent.includes("<img")');
    assert.match(String(await page.evaluate('location.search')), /^\?command=open&id=/);
    await page.send('Page.close', {});
  });

  await t.test('services: with their agents', async () => {
    const page = await openConsole(browser, `${hub.url}/`, PLAIN);
    await clickOn(page, 'nav a', 'Services');
    await page.waitFor('document.querySelector("section .mark")?.textContent === "available"');
    await page.waitFor('document.querySelector("tbody tr").textContent.includes("billing-agent")');
    await page.send('Page.close', {});
  });

  await t.test('are sound in each language, theme and width', async () => {
    const { body } = await hub.call('GET', '/api/v1/invocations?command=open');
    const { id: invocationId } = body.invocations[0];
    for (const look of LOOKS) {
      const page = await openConsole(browser, `${hub.url}/ui/invocations?id=${invocationId}`, look);
      for (const [name, sign] of [
        ['invocations', 'section.answer p.bad'],
        ['services', '.numbers'],
      ]) {
        if (name === 'services') await clickOn(page, 'nav a[href$="/services"]');
        await page.waitFor(`document.querySelector("tbody tr") && document.querySelector("${sign}")`);
        await assertSound(page);
        await takePicture(page, `${name}-${look.language}-${look.theme}-${look.width}`);
      }
      assert.equal(await page.evaluate('window.hurt'), undefined);
      await page.send('Page.close', {});
    }
  });
});
