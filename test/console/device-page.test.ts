import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { CommandError, createDevice } from '../../src/device/index.ts';
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
import { until } from '../helpers/until.ts';

const options = { skip: HAS_CHROMIUM ? false : 'there is no chromium here', timeout: 120_000 };
const PLAIN = LOOKS[0]!;
const HOSTILE = '<img src=x onerror="window.hurt=1">';

before(buildConsole);

/** A thermostat that is there, and tells what it was asked. */
async function startThermostat(t: TestContext, hub: TestHub) {
  const asked: unknown[] = [];
  const device = createDevice({
    id: 'thermostat',
    title: `Thermostat ${HOSTILE}`,
    telemetry: { temperature: { unit: '°C', type: 'number' }, mode: { type: 'string' } },
    commands: {
      setTarget: {
        title: 'Set the target',
        kind: 'write',
        input: {
          type: 'object',
          required: ['target'],
          properties: {
            target: { type: 'number', minimum: 5, maximum: 30 },
            mode: { enum: ['eco', 'comfort'] },
            [HOSTILE]: { type: 'boolean' },
          },
          additionalProperties: false,
        },
        run: ({ input }) => {
          asked.push(input);
          return { was: HOSTILE };
        },
      },
      jam: {
        title: 'Jam',
        kind: 'action',
        run: () => {
          throw new CommandError('JAMMED', `The valve is stuck ${HOSTILE}`);
        },
      },
      wait: { title: 'Wait', kind: 'read', run: () => new Promise(() => {}) },
    },
    hub: `127.0.0.1:${hub.tcpPort}`,
  });
  t.after(() => device.stop());
  await device.start();
  const report = async (value: number): Promise<void> => {
    device.report({ temperature: value, mode: HOSTILE });
    await until('the reading', async () =>
      (await hub.call('GET', '/api/v1/devices/thermostat/telemetry')).text.includes(`"value":${value},`),
    );
  };
  return { device, asked, report };
}

const form = (title: string): string =>
  `[...document.querySelectorAll(".command")].find((each) => each.textContent.startsWith(${JSON.stringify(title)}))`;

async function send(page: BrowserPage, title: string): Promise<void> {
  await page.waitFor(form(title));
  await page.evaluate(`${form(title)}.requestSubmit()`);
}

describe('the page of a device', options, () => {
  it('has its readings as they come, with their history', async (t) => {
    const hub = await startTestHub(t);
    const { report } = await startThermostat(t, hub);
    await report(21.5);
    const page = await openConsole(await Browser.open(t), `${hub.url}/ui/devices/thermostat`, {
      ...PLAIN,
      language: 'pt-BR',
    });
    await page.waitFor('document.querySelector("td.value")?.textContent === "21,5 °C"');
    await report(22.5);
    await page.waitFor('document.querySelector("td.value")?.textContent === "22,5 °C"');
    await clickOn(page, 'td button', 'Histórico');
    await page.waitFor('document.querySelector("canvas")');
    assert.deepEqual(await page.evaluate('refused'), []);
    await clickOn(page, 'figcaption button', '7 d');
    await page.waitFor('document.querySelectorAll("canvas").length === 1');
    await takePicture(page, 'device-history');
  });

  it('sends what was typed, and shows in place what came of it', async (t) => {
    const hub = await startTestHub(t);
    const { asked } = await startThermostat(t, hub);
    const page = await openConsole(await Browser.open(t), `${hub.url}/ui/devices/thermostat`, PLAIN);
    await send(page, 'Set the target');
    await page.waitFor('document.querySelector(".wrong")?.textContent.startsWith("Fill this in.")');
    await typeInto(page, '.command input', '31');
    await send(page, 'Set the target');
    await page.waitFor('document.querySelector(".wrong")?.textContent === "It must be at most 30."');
    assert.deepEqual(asked, []);
    await page.evaluate('document.querySelector(".command input").select()');
    await typeInto(page, '.command input', '19.5');
    await send(page, 'Set the target');
    await page.waitFor(`document.querySelector(".answer pre")?.textContent.includes('"was": "<img')`);
    assert.deepEqual(asked, [{ target: 19.5 }]);
    await page.waitFor(
      'document.querySelector(".answer .phases li:last-child")?.textContent.startsWith("answered +")',
    );
    await send(page, 'Jam');
    await page.waitFor('document.querySelector(".answer .bad")?.textContent.includes("DEVICE_ERROR")');
    await page.waitFor('document.body.textContent.includes("The valve is stuck <img")');
    await clickOn(page, '.all button', 'Repeat');
    await page.waitFor('document.querySelectorAll(".all tbody tr").length === 3');
    await send(page, 'Wait');
    await clickOn(page, '.all button', 'cancel');
    await page.waitFor('document.querySelector(".all").textContent.includes("cancelled")');
    await page.waitFor('document.body.textContent.includes("INVOCATION_CANCELLED")');
    assert.equal(await page.evaluate('window.hurt'), undefined);
  });

  it('is sound in each language, theme and width', async (t) => {
    const hub = await startTestHub(t);
    const { report } = await startThermostat(t, hub);
    await report(21.5);
    await hub.call('POST', '/api/v1/devices/thermostat/commands/jam');
    const browser = await Browser.open(t);
    for (const look of LOOKS) {
      const page = await openConsole(browser, `${hub.url}/ui/devices/thermostat`, look);
      await send(page, 'Jam');
      await page.waitFor('document.querySelector(".answer .bad")');
      await clickOn(page, 'td button');
      await page.waitFor('document.querySelector("canvas")');
      await assertSound(page);
      await takePicture(page, `device-${look.language}-${look.theme}-${look.width}`);
      await page.send('Page.close', {});
    }
  });

  it('offers no button to who may only look', async (t) => {
    const hub = await startTestHub(t);
    const person = { name: 'ann', password: 'correct horse battery' };
    const { accounts } = hub.server.hub;
    await startThermostat(t, hub);
    await accounts.users.create({ ...person, roles: ['viewer'], scopes: [] });
    const page = await openConsole(await Browser.open(t), `${hub.url}/ui/devices/thermostat`, PLAIN);
    await typeInto(page, '[name=name]', person.name);
    await typeInto(page, '[name=password]', person.password);
    await clickOn(page, 'button.main');
    await page.waitFor('document.querySelectorAll(".command").length === 3');
    assert.equal(
      await page.evaluate('document.querySelectorAll("button:not([type]).main, .field").length'),
      0,
    );
    await page.waitFor('document.body.textContent.includes("You may look, and send nothing.")');
  });
});
