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
    telemetry: { temperature: { unit: '°C', type: 'number' } },
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

  await t.test('Ctrl-K: by keys alone, a device and a theme', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/services`, PLAIN);
    await page.waitFor('document.querySelector(".bar .mark")?.textContent === "live"');
    const press = async (key: string, modifiers = 0): Promise<void> => {
      await page.send('Input.dispatchKeyEvent', { type: 'keyDown', key, modifiers });
      await page.send('Input.dispatchKeyEvent', { type: 'keyUp', key, modifiers });
    };
    await press('k', 2);
    await typeInto(page, '.palette input', 'dark');
    await page.waitFor('document.querySelectorAll("[role=option]").length === 1');
    await assertSound(page);
    await takePicture(page, 'palette');
    await press('Enter');
    await page.waitFor('document.documentElement.dataset.theme === "dark"');
    await press('k', 2);
    await typeInto(page, '.palette input', 'gate');
    await page.waitFor('document.querySelectorAll("[role=option]").length === 1');
    await press('Enter');
    await page.waitFor('location.pathname.endsWith("/devices/gate")');
    await page.evaluate('localStorage.clear()');
    await page.send('Page.close', {});
  });

  await t.test('services: with their agents', async () => {
    const page = await openConsole(browser, `${hub.url}/`, PLAIN);
    await clickOn(page, 'nav a', 'Services');
    await page.waitFor('document.querySelector("section .mark")?.textContent === "available"');
    await page.waitFor('document.querySelector("tbody tr").textContent.includes("billing-agent")');
    await page.send('Page.close', {});
  });

  await t.test('devices: tags, a command and columns for all that are selected', async () => {
    const plain = createDevice({ id: 'plain', hub: `127.0.0.1:${hub.tcpPort}` });
    t.after(() => plain.stop());
    await plain.start();
    const page = await openConsole(browser, `${hub.url}/ui/devices`, PLAIN);
    await page.waitFor('document.querySelectorAll(".rows .row").length === 2');
    await clickOn(page, '.heads input');
    await clickOn(page, '.bulk button', 'Tags');
    await typeInto(page, '.bulk input', HOSTILE);
    await clickOn(page, '.bulk button', 'Add');
    await page.waitFor('document.querySelector(".bulk .answer")?.textContent.includes("2 of 2, 0 failed")');
    await page.waitFor('document.querySelectorAll(".rows .tag").length === 2');
    await clickOn(page, '.bulk button', 'Send a command');
    await page.waitFor('document.querySelectorAll(".bulk option").length === 3');
    await page.evaluate(`{
      const select = document.querySelector('.bulk select');
      select.value = 'open';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    }`);
    await clickOn(page, '.bulk button', 'Send to 2 devices');
    await page.waitFor('document.querySelector(".bulk .answer")?.textContent.includes("2 of 2, 2 failed")');
    await page.waitFor('document.querySelector(".results").textContent.includes("no such command")');
    await assertSound(page);
    await takePicture(page, 'bulk');
    await clickOn(page, '.bulk button', 'Forget');
    await clickOn(page, '.bulk button', 'Forget 2');
    await page.waitFor('document.querySelector(".results").textContent.includes("The device is online")');
    await clickOn(page, '.bulk button', 'Close');
    await clickOn(page, '.bulk button', 'Select none');
    await page.waitFor('document.querySelector(".bulk") === null');
    await clickOn(page, '.menu summary');
    await clickOn(page, '.menu label', 'Tags');
    await page.waitFor('document.querySelectorAll(".rows .tag").length === 0');
    assert.equal(await page.evaluate('location.search'), '?hide=tags');
    await assertSound(page);
    await takePicture(page, 'columns');
    await page.send('Page.close', {});
  });

  await t.test('devices: by what they report, as it changes', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/devices?filter=temperature:>30`, PLAIN);
    await page.waitFor('document.querySelector(".empty")?.textContent.includes("No device matches.")');
    device.report({ temperature: 31.5 });
    await page.waitFor('document.querySelector(".rows .row")?.textContent.includes("31.5 °C")');
    device.report({ temperature: 30 });
    await page.waitFor('document.querySelector(".empty") !== null');
    await page.goto(`${hub.url}/ui/devices?filter=temperature:=30`);
    await page.waitFor('document.querySelector(".rows .row")?.textContent.includes("30 °C")');
    assert.equal((await hub.call('GET', '/api/v1/devices?metrics=a%25')).status, 400);
    await page.send('Page.close', {});
  });

  await t.test('a device: its title and tags', async () => {
    const page = await openConsole(browser, `${hub.url}/ui/devices/plain`, PLAIN);
    await clickOn(page, 'header button', 'Title and tags');
    await typeInto(page, '[name=title]', 'Front door');
    await page.evaluate('document.querySelector("[name=tags]").select()');
    await typeInto(page, '[name=tags]', 'hall, floor2');
    await assertSound(page);
    await takePicture(page, 'name-form');
    await clickOn(page, 'header button', 'Save');
    await page.waitFor('document.querySelector("h1").textContent === "Front door"');
    const { body } = await hub.call('GET', '/api/v1/devices/plain');
    assert.deepEqual([body.title, body.tags], ['Front door', ['hall', 'floor2']]);
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
