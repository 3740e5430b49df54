import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { AppBench } from '../../../test/helpers/app-bench.ts';
import { GREENHOUSE, SENSOR } from '../../../test/helpers/fake-commands.ts';
import { FakeHub } from '../../../test/helpers/fake-hub.ts';
import { LANGUAGES } from '../language.ts';
import { createSay } from './messages.ts';

const hub = new FakeHub();
before(() => hub.start());
after(() => hub.stop());
afterEach(() => {
  hub.devices.clear();
  hub.token = undefined;
});

/** Opens the page of the only device. */
async function openDevice(bench: AppBench): Promise<void> {
  await bench.see(/❯ +1 ●/);
  bench.press('enter');
  await bench.see('General description');
}

describe('the state of the hub', () => {
  const screens = [
    ['an answer', '1', '✓ Answered'],
    ['a form', '2', 'whole number'],
    ['the description', 'd', 'Last seen'],
    ['the readings', 'r', 'no readings yet'],
    ['the help', '?', 'Everywhere'],
  ] as const;
  for (const [name, key, text] of screens) {
    test(`is told on ${name}, as it changes`, async () => {
      const input = { type: 'object', properties: { volume: { type: 'integer' } } };
      hub.add('DE1', { commands: [{ name: 'on' }, { name: 'volume', input }] });
      const bench = new AppBench(hub);
      await openDevice(bench);
      bench.type(key);
      if (/\d/.test(key)) bench.press('enter');
      await bench.see(text);
      await bench.see(/● 127/);
      await hub.stop();
      await bench.see(/○ 127.* · gone since .* nothing listens there/);
      await hub.start();
      await bench.see(/● 127.* · back since/);
      bench.app.close();
    });
  }

  test('is told while a token is asked for', async () => {
    hub.token = 'open-sesame';
    const bench = new AppBench(hub);
    await bench.see('The hub asks who you are');
    await hub.stop();
    await bench.see(/gone since/);
    await hub.start();
    await bench.see(/back since/);
    bench.app.close();
  });
});

describe('the proposed address', () => {
  test('is taken at once when a hub answers there, and can be changed by going back', async () => {
    hub.add('DE1');
    const bench = new AppBench(hub, { isAddressProposed: true });
    await bench.see('DE1');
    bench.press('escape');
    await bench.see(`Address  ${hub.url}`);
    bench.clock.advance(5000);
    assert.match(bench.text, /Connect to a hub/);
    bench.app.close();
  });

  test('is only proposed when nobody answers there', async () => {
    await hub.stop();
    const bench = new AppBench(hub, { isAddressProposed: true });
    await bench.see(`Address  ${hub.url}`);
    bench.app.close();
    await hub.start();
  });
});

describe('the last line', () => {
  test('keeps the way back and the help in small windows', async () => {
    hub.add('DE1', { commands: GREENHOUSE });
    const bench = new AppBench(hub);
    await openDevice(bench);
    for (const columns of [24, 30, 60, 80, 200]) {
      bench.resize(columns, 15);
      assert.match(bench.lastLine, /Esc back +\? help/, `${columns} columns`);
    }
    bench.press('enter');
    for (const columns of [24, 60, 80]) {
      bench.resize(columns, 15);
      assert.match(bench.lastLine, /Esc back +Ctrl\+G help/, `${columns} columns, typing`);
    }
    bench.app.close();
  });
});

describe('the help', () => {
  test('begins with the screen from which it was asked, also while typing', async () => {
    hub.add('DE1', { commands: GREENHOUSE });
    const bench = new AppBench(hub);
    await openDevice(bench);
    bench.type('?');
    assert.match(bench.text, /› Help\n[─\n]+ +A device\n[^]*forget an offline device[^]*Everywhere/);
    bench.press('escape', 'enter');
    bench.type('21');
    bench.app.onKey({ name: 'ctrl', text: 'g' });
    assert.match(bench.text, /› Help\n[─\n]+ +The input of a command\n/);
    bench.press('escape');
    assert.match(bench.text, /Target +21/, 'what was typed is still there');
    bench.app.close();
  });
});

/** What a value looks like that was put into a text by mistake. */
const MISTAKE = /\bundefined\b|\bnull\b|\bNaN\b|\[object \w+\]|\{\w+\}/;

for (const language of LANGUAGES) {
  test(`no frame shows a value that is missing (${language})`, async () => {
    hub.add('bare', { status: 'offline' });
    hub.add('greenhouse', { commands: GREENHOUSE });
    hub.add('odd', {
      commands: [
        { name: 'nothing' },
        { name: 'holes', run: () => ({ output: { a: null, b: [null, {}, [], ''], c: { d: { e: null } } } }) },
        { name: 'fail', run: () => ({ failure: { code: 'BRAND_NEW', status: 418, detail: '' } }) },
      ],
      readings: [{ metric: '' }, { metric: 'door', value: false, unit: '' }],
    });
    hub.add('sensor', { model: 'v1', commands: SENSOR, unavailable: '' });
    const bench = new AppBench(hub, { language, isAddressProposed: true });
    await bench.see('greenhouse');
    bench.type('f/zzz?');
    bench.press('escape');
    for (let index = 0; index < hub.devices.size; index++) {
      await bench.see('greenhouse');
      bench.press('home', ...Array.from({ length: index }, () => 'down' as const), 'enter');
      await visitDevice(bench);
      bench.press('escape');
    }
    await hub.stop();
    await bench.see(/○ 127/);
    await hub.start();
    hub.token = 'secret';
    await bench.see('RECADO_TOKEN');
    bench.press('enter', 'escape');
    bench.app.close();
    const empty = createSay(language)('value.empty');
    assert.ok(
      bench.frames.some((frame) => frame.includes(empty)),
      'the answer with holes was seen',
    );
    for (const frame of bench.frames) assert.doesNotMatch(frame, MISTAKE);
  });
}

/** Looks at everything that the page of a device leads to, and goes back to the page. */
async function visitDevice(bench: AppBench): Promise<void> {
  await bench.see(/^ +(?:❯ )? *d /m);
  for (const letter of ['d', 'r', 'x', '?']) {
    bench.type(letter);
    for (let turn = 0; turn < 30; turn++) await settle(bench);
    bench.type('n');
    if (letter !== 'x') bench.press('escape');
  }
  const count = bench.text.match(/^ +(?:❯ )? *\d+ \S/gm)?.length ?? 0;
  for (let index = 0; index < count; index++) {
    const page = bench.text.split('\n')[0];
    bench.press('home', ...Array.from({ length: index }, () => 'down' as const), 'enter');
    bench.press('down', 'down', 'down', 'down', 'enter');
    for (let turn = 0; turn < 30; turn++) await settle(bench);
    bench.type('?e');
    bench.press('escape');
    bench.type('e');
    for (let steps = 0; steps < 4 && bench.text.split('\n')[0] !== page; steps++) bench.press('escape');
    assert.equal(bench.text.split('\n')[0], page);
  }
}

/** Lets answers come in, and time go on. */
async function settle(bench: AppBench): Promise<void> {
  bench.clock.advance(20);
  await new Promise((resolve) => setImmediate(resolve));
}
