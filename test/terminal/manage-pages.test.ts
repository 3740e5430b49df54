import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ManageAppRig } from '../helpers/manage-app-rig.ts';
import { GREENHOUSE, SENSOR } from '../helpers/fake-commands.ts';
import { FakeHub } from '../helpers/fake-hub.ts';
import { until } from '../helpers/until.ts';
import { LANGUAGES } from '../../src/terminal/language.ts';
import { createSay } from '../../src/terminal/messages.ts';

const hub = new FakeHub();
before(() => hub.start());
after(() => hub.stop());
afterEach(() => {
  hub.devices.clear();
  hub.token = undefined;
});

/** Opens the page of the only device. */
async function openDevice(rig: ManageAppRig): Promise<void> {
  await rig.see(/❯ +1 ●/);
  rig.press('enter');
  await rig.see('General description');
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
      const rig = new ManageAppRig(hub);
      await openDevice(rig);
      rig.type(key);
      if (/\d/.test(key)) rig.press('enter');
      await rig.see(text);
      await rig.see(/● 127/);
      await hub.stop();
      await rig.see(/○ 127.* · gone since .* nothing listens there/);
      await hub.start();
      await rig.see(/● 127.* · back since/);
      rig.app.quit();
    });
  }

  test('is told while a token is asked for', async () => {
    hub.token = 'open-sesame';
    const rig = new ManageAppRig(hub);
    await rig.see('The hub asks who you are');
    await hub.stop();
    await rig.see(/gone since/);
    await hub.start();
    await rig.see(/back since/);
    rig.app.quit();
  });
});

describe('the proposed address', () => {
  test('is taken at once when a hub answers there, and can be changed by going back', async () => {
    hub.add('DE1');
    const rig = new ManageAppRig(hub, { isAddressProposed: true });
    await rig.see('DE1');
    rig.press('escape');
    await rig.see(`Address  ${hub.url}`);
    rig.clock.advance(5000);
    assert.match(rig.text, /Connect to a hub/);
    rig.app.quit();
  });

  test('is only proposed when nobody answers there', async () => {
    await hub.stop();
    const rig = new ManageAppRig(hub, { isAddressProposed: true });
    await rig.see(`Address  ${hub.url}`);
    rig.app.quit();
    await hub.start();
  });
});

describe('the last line', () => {
  test('keeps the way back and the help in small windows', async () => {
    hub.add('DE1', { commands: GREENHOUSE });
    const rig = new ManageAppRig(hub);
    await openDevice(rig);
    for (const columns of [24, 30, 60, 80, 200]) {
      rig.resize(columns, 15);
      assert.match(rig.lastLine, /Esc back +\? help/, `${columns} columns`);
    }
    rig.press('enter');
    for (const columns of [24, 60, 80]) {
      rig.resize(columns, 15);
      assert.match(rig.lastLine, /Esc back +Ctrl\+G help/, `${columns} columns, typing`);
    }
    rig.app.quit();
  });
});

describe('the help', () => {
  test('begins with the screen from which it was asked, also while typing', async () => {
    hub.add('DE1', { commands: GREENHOUSE });
    const rig = new ManageAppRig(hub);
    await openDevice(rig);
    rig.type('?');
    assert.match(rig.text, /› Help\n[─\n]+ +A device\n[^]*forget an offline device[^]*Everywhere/);
    rig.press('escape', 'enter');
    rig.type('21');
    rig.pressCtrl('g');
    assert.match(rig.text, /› Help\n[─\n]+ +The input of a command\n/);
    rig.press('escape');
    assert.match(rig.text, /Target +21/, 'what was typed is still there');
    rig.app.quit();
  });
});

describe('a device with more than fits', () => {
  const commands = Array.from({ length: 30 }, (_, index) => ({
    name: `c${index + 1}`,
    title: index === 2 ? 'A title that goes on for ever '.repeat(10) : `Command ${index + 1}`,
    kind: 'read' as const,
  }));
  const readings = Array.from({ length: 30 }, (_, index) => ({ metric: `m${index + 1}`, value: index }));
  const selected = (rig: ManageAppRig): number => Number(/❯ +(\d+) Command/.exec(rig.text)?.[1]);

  test('gives half of the room to each part, and a long title leaves what kind a command is', async () => {
    hub.add('DE1', { commands, readings });
    const rig = new ManageAppRig(hub);
    await openAny(rig);
    for (const [rows, most] of [
      [24, 7],
      [40, 15],
      [60, 25],
    ] as const) {
      rig.resize(100, rows);
      const shown = rig.text.match(/^ +m\d+ +\d/gm)?.length ?? 0;
      assert.ok(shown >= most - 3 && shown <= most, `${shown} readings of ${rows} rows`);
      assert.equal(
        /Command 1 .* (\S+)$/m.exec(rig.text)?.[1],
        /A title that.*… +(\S+)$/m.exec(rig.text)?.[1],
      );
    }
    rig.app.quit();
  });

  test('is paged by what is seen', async () => {
    hub.add('DE1', { commands, readings: [] });
    const rig = new ManageAppRig(hub);
    await openAny(rig);
    const seen = rig.text.match(/^ +❯? +\d+ (?:Command|A title)/gm)?.length ?? 0;
    rig.press('pageDown');
    assert.equal(selected(rig), 1 + seen);
    rig.press('pageUp');
    assert.equal(selected(rig), 1);
    rig.app.quit();
  });

  test('is forgotten by the first letter of yes in the language of the reader', async () => {
    for (const [language, letter] of [
      ['en', 'y'],
      ['pt-BR', 's'],
    ] as const) {
      hub.add('DE1', { commands: [{ name: 'on' }], status: 'offline' });
      const rig = new ManageAppRig(hub, { language });
      await rig.see(/❯ +1 ○/);
      rig.press('enter');
      await rig.see(/General description|Descrição geral/);
      rig.type('x');
      assert.match(rig.lastLine, new RegExp(`^ +${letter} (?:yes|sim)`));
      rig.type(letter);
      await until('it is forgotten', () => hub.devices.size === 0);
      rig.app.quit();
    }
  });

  async function openAny(rig: ManageAppRig): Promise<void> {
    await rig.see(/❯ +1 ●/);
    rig.press('enter');
    await rig.see(/❯ +1 Command/);
  }
});

describe('what is proposed', () => {
  test('has the port that is in use', async () => {
    const rig = new ManageAppRig(hub);
    await rig.see('recado simulate sensor --port … --udp-port …');
    rig.app.quit();
    await hub.stop();
    const other = new ManageAppRig(hub);
    await other.see(new RegExp(`recado\\s+hub\\s+--http-port\\s+${new URL(hub.url).port}`));
    other.app.quit();
    await hub.start();
  });
});

describe('the commands that were sent to a device', () => {
  test('are none, which is told in full in a small window', async () => {
    hub.add('DE1');
    hub.invocations.length = 0;
    const rig = new ManageAppRig(hub);
    await openDevice(rig);
    rig.type('i');
    await rig.see('no command was sent');
    rig.resize(30, 9);
    assert.match(rig.lines.join(' '), /no command +was sent +to this +device\./);
    rig.app.quit();
  });

  const accepted = new Date(Date.now() - 5000).toISOString();
  const command = { deviceId: 'DE1', command: 'on', phases: { accepted } };
  const later = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();

  for (const language of LANGUAGES) {
    test(`are listed, with what became of them, and can be cancelled (${language})`, async () => {
      const say = createSay(language);
      hub.add('DE1', { commands: [{ name: 'on', title: 'Switch on' }], tags: ['floor2', 'lab'] });
      hub.invocations.length = 0;
      hub.keep({
        ...command,
        id: 'i1',
        state: 'failed',
        safeToRetry: false,
        problem: { type: '', code: 'DEVICE_ERROR', status: 409, title: 'x', detail: 'stuck' },
      });
      hub.keep({ ...command, id: 'i2', state: 'queued', queuedUntil: later(3600), safeToRetry: true });
      const rig = new ManageAppRig(hub, { language });
      await rig.see('#floor2 #lab');
      rig.press('enter');
      await rig.see(say('device.waiting', { count: 1 }));
      assert.match(rig.text, /#floor2 #lab/);
      rig.type('i');
      await rig.see(/Switch on +\S+.*\n.*Switch on/);
      const queued = say('invocation.queued.until', { time: '00:00:00' }).replace(
        '00:00:00',
        String.raw`\S+`,
      );
      assert.match(rig.text, new RegExp(`❯ .* ${queued}\\s`), 'all of it');
      hub.keep({ ...command, id: 'i3', state: 'running', safeToRetry: false });
      await rig.see(new RegExp(`❯ .* ${say('invocation.running')}`));
      rig.press('down');
      for (const [columns, rows] of [
        [80, 24],
        [24, 8],
        [40, 10],
      ] as const) {
        rig.resize(columns, rows);
        assert.match(rig.text, /❯ /, `${columns}x${rows}`);
        assert.equal(rig.lines.length, rows);
      }
      rig.resize(80, 24);
      rig.type('x');
      await rig.see(say('invocation.cancelled.now', { command: 'Switch on' }));
      await rig.see(say('invocation.cancelled'));
      rig.press('down', 'enter');
      await rig.see(say('problem.DEVICE_ERROR'));
      assert.match(rig.text, /stuck/);
      rig.press('escape', 'up', 'up', 'enter');
      await rig.see(say('invocation.running'));
      hub.keep({
        ...command,
        id: 'i3',
        state: 'completed',
        phases: { accepted, answered: new Date(Date.parse(accepted) + 12).toISOString() },
        safeToRetry: false,
        output: { level: 5 },
      });
      await rig.see(say('invocation.completed', { time: '12 ms' }));
      assert.match(rig.text, /level +5/);
      rig.app.quit();
    });
  }
});

describe('the token', () => {
  test('that is right leads back to where the person was', async () => {
    hub.add('DE1', { commands: GREENHOUSE });
    const rig = new ManageAppRig(hub);
    await openDevice(rig);
    hub.token = 'open-sesame';
    await rig.see('The hub asks who you are');
    rig.type('wrong');
    rig.press('enter');
    await rig.see('does not accept this token');
    rig.pressCtrl('u');
    rig.type('open-sesame');
    rig.press('enter');
    await rig.see('General description');
    assert.match(rig.text, /Devices › DE1/);
    rig.app.quit();
  });
});

/** What a value looks like that was put into a text by mistake. */
const MISTAKE = /\bundefined\b|\bnull\b|\bNaN\b|\[object \w+\]|\{\w+\}/;

for (const language of LANGUAGES) {
  test(`no screen shows a value that is missing (${language})`, async () => {
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
    const rig = new ManageAppRig(hub, { language, isAddressProposed: true });
    await rig.see('greenhouse');
    rig.type('f/zzz?');
    rig.press('escape');
    for (let index = 0; index < hub.devices.size; index++) {
      await rig.see('greenhouse');
      rig.press('home', ...Array.from({ length: index }, () => 'down' as const), 'enter');
      await visitDevice(rig);
      rig.press('escape');
    }
    await hub.stop();
    await rig.see(/○ 127/);
    await hub.start();
    hub.token = 'secret';
    await rig.see('RECADO_TOKEN');
    rig.press('enter', 'escape');
    rig.app.quit();
    const empty = createSay(language)('value.empty');
    assert.ok(
      rig.screens.some((screen) => screen.includes(empty)),
      'the answer with holes was seen',
    );
    for (const screen of rig.screens) assert.doesNotMatch(screen, MISTAKE);
  });
}

/** Looks at everything that the page of a device leads to, and goes back to the page. */
async function visitDevice(rig: ManageAppRig): Promise<void> {
  await rig.see(/^ +(?:❯ )? *d /m);
  for (const letter of ['d', 'r', 'x', '?']) {
    rig.type(letter);
    await settle(rig);
    rig.type('n');
    if (letter !== 'x') rig.press('escape');
  }
  const count = rig.text.match(/^ +(?:❯ )? *\d+ \S/gm)?.length ?? 0;
  for (let index = 0; index < count; index++) {
    const page = rig.text.split('\n')[0];
    rig.press('home', ...Array.from({ length: index }, () => 'down' as const), 'enter');
    rig.press('down', 'down', 'down', 'down', 'enter');
    await settle(rig);
    rig.type('?e');
    rig.press('escape');
    rig.type('e');
    for (let steps = 0; steps < 4 && rig.text.split('\n')[0] !== page; steps++) rig.press('escape');
    assert.equal(rig.text.split('\n')[0], page);
  }
}

/** Lets time go on until what was asked has been answered; the command “Hang” never is. */
async function settle(rig: ManageAppRig): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    rig.clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('nobody waits for an answer', () => {
    rig.clock.advance(20);
    return rig.text.includes('Hang') || !/Waiting for|Esperando/.test(rig.text);
  });
}
