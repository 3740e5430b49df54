import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { GREENHOUSE, SENSOR } from '../helpers/fake-commands.ts';
import { ManageRig } from '../helpers/manage-rig.ts';
import { until } from '../helpers/until.ts';

describe('recado manage on a terminal', () => {
  const rig = new ManageRig();
  const { hub } = rig;
  before(() => hub.start());
  afterEach(() => rig.reset());
  after(() => hub.stop());

  it('asks for the address, says what is wrong with it, and connects', async () => {
    rig.addSensor();
    const program = rig.start({});
    await program.waitFor('Address  http://127.0.0.1:5070');
    program.press('ctrlU');
    program.type('not an address');
    program.press('enter');
    await program.waitFor('That is no address.');
    program.press('ctrlU');
    program.paste(`${hub.url}\n`);
    program.press('enter');
    await program.waitFor('Sensor de temperatura');
    assert.ok(program.isOnOwnScreen);
    assert.match(program.lines[0] ?? '', /^ {2}Recado › Devices$/);
  });

  it('shows devices as they come, change and go', async () => {
    rig.addSensor();
    const program = rig.start({ args: [hub.url] });
    await program.waitFor(/❯ +1 ● DE1 +Sensor de temperatura +socket +online for 5 min/);
    hub.add('DE2', { title: 'Radio' });
    await program.waitFor(/ 2 ● DE2 +Radio/);
    await program.waitFor('2 devices');
    hub.add('DE2', { title: 'Radio', status: 'offline' });
    await program.waitFor(/ 2 ○ DE2 +Radio +socket +offline/);
    hub.devices.delete('DE2');
    await program.waitFor((screen) => !screen.includes('DE2') && screen.includes('1 device'), 'DE2 gone');
  });

  it('says what to do when there are no devices', async () => {
    const program = rig.start({ args: [hub.url] });
    await program.waitFor('No device has connected yet.');
    await program.waitFor('recado simulate sensor');
  });

  it('searches, filters and turns pages, asking for one page only', async () => {
    for (let index = 0; index < 60; index++) {
      const status = index % 2 === 0 ? 'online' : 'offline';
      hub.add(`van-${String(index).padStart(2, '0')}`, { title: `Van ${index}`, status });
    }
    const program = rig.start({ args: [hub.url] });
    await program.waitFor('1–14 of 60');
    program.type('n');
    await program.waitFor('15–28 of 60');
    await program.waitFor(/❯ +1 ● van-14/);
    program.press('up');
    await program.waitFor(/❯ +14 ○ van-13/);
    program.type('f');
    await program.waitFor(
      (screen) => screen.includes('1–14 of 30') && !screen.includes('○ van'),
      'the online ones',
    );
    program.press('escape');
    await program.waitFor('1–14 of 60');
    program.type('/van-4');
    await program.waitFor('10 devices');
    program.press('enter');
    program.type('3');
    await program.waitFor(/❯ +3 ● van-42/);
    program.press('enter');
    await program.waitFor('› van-42');
    const lists = hub.requests.filter((request) => request.startsWith('GET /api/v1/devices?'));
    assert.ok(
      lists.every((request) => request.includes('limit=14')),
      lists.join('\n'),
    );
  });

  it('numbers typed at once mean the same as typed slowly', async () => {
    for (let index = 1; index <= 13; index++) hub.add(`d${String(index).padStart(2, '0')}`);
    const program = rig.start({ args: [hub.url] });
    await program.waitFor('13 devices');
    program.type('12\r');
    await program.waitFor('› d12');
  });

  it("shows a device's readings live, sends a command, shows its answer and goes back", async () => {
    rig.addSensor();
    const program = await rig.openDevice();
    await program.waitFor(/Temperatura +25 °C/);
    const device = hub.devices.get('DE1');
    assert.ok(device !== undefined);
    device.readings = [{ metric: 'Temperatura', value: 26, unit: '°C', time: new Date().toISOString() }];
    await program.waitFor(/Temperatura +26 °C/);
    device.unavailable = { reason: 'Dispositivo desligado', time: new Date().toISOString() };
    await program.waitFor(/Nothing to report since .*: Dispositivo desligado/);
    program.type('2');
    await program.waitFor(/❯ +2 Retornar medida +read\b/);
    program.press('enter');
    await program.waitFor(/✓ Answered in .*ms/);
    await program.waitFor(/Temperatura +25°C/);
    await program.waitFor(/Reached +accepted .* · sent .* · answered/);
    program.press('enter');
    await program.waitFor('Commands');
    program.press('escape');
    await program.waitFor('1 device');
  });

  it('keeps the general description apart from the commands, and asks the device for it', async () => {
    rig.addSensor();
    const program = await rig.openDevice();
    await program.waitFor('Ligar');
    assert.doesNotMatch(program.text, /Descrição geral/);
    program.type('d');
    await program.waitFor('In its own words');
    await program.waitFor(/Status +Ligado/);
    assert.match(program.text, /Gateway +socket/);
    program.press('left');
    await program.waitFor('Commands');
  });

  it('makes a form of the input, checks it, and sends what was typed', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.press('enter');
    await program.waitFor('number, 5 to 35');
    program.type('99');
    program.press('enter', 'right', 'right', 'enter', 'right', 'enter');
    await program.waitFor('It must be at most 35.');
    program.press('ctrlU');
    program.type('21.5');
    program.press('down', 'down', 'down', 'enter');
    await program.waitFor('✓ Answered');
    assert.deepEqual(hub.invoked.at(-1)?.input, { target: 21.5, mode: 'cool', vent: true });
    await program.waitFor(/target +21\.5/);
    program.type('e');
    await program.waitFor(/Target +21\.5/);
    program.press('escape');
    await program.waitFor('Commands');
  });

  it('takes the input that the hub refuses back to its field', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.type('4');
    await program.waitFor(/❯ +4 Refuse/);
    program.press('enter');
    await program.waitFor('optional, whole number');
    program.type('11');
    program.press('enter');
    await program.waitFor('✗ The input does not fit the command');
    await program.waitFor(/\/volume +It must be at most 10\./);
    await program.waitFor(/Input +\{"volume":11\}/);
    program.type('e');
    await program.waitFor(/❯ Volume +11\s+It must be at most 10\./);
  });

  it('tells a failure in full, and sends again only what is safe, or twice confirmed', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.type('2\r');
    await program.waitFor('✗ The device answered that it failed');
    for (const text of [
      'greenhouse says no',
      /The device said +The window is stuck · JAMMED · 409/,
      /angle +12/,
      'DEVICE_ERROR · 409',
    ]) {
      await program.waitFor(text);
    }
    assert.match(program.text, /Safe to send again +no: the device may have done it/);
    program.type('r');
    await program.waitFor('Press r once more');
    assert.equal(hub.invoked.length, 1);
    program.type('r');
    await until('it was sent again', () => hub.invoked.length === 2);

    await program.waitFor('✗ The device answered');
    program.press('escape');
    await program.waitFor('Commands');
    program.type('5\r');
    await program.waitFor('Too many commands are waiting');
    assert.match(program.text, /Try again in +2\.0 s/);
    program.type('r');
    await until('it was sent again at once', () => hub.invoked.length === 4);
  });

  it('tells how far a command without answer came', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.type('3\r');
    await program.waitFor('✗ The device did not answer in time');
    await program.waitFor(/Reached +accepted .* · sent/);
    await program.waitFor(/Code +ANSWER_TIMEOUT · 504/);
  });

  it('a device that went offline cannot be asked, and the hub says so', async () => {
    rig.addSensor();
    const program = await rig.openDevice();
    await program.waitFor('Ligar');
    hub.add('DE1', { status: 'offline', reason: 'keep-alive-timeout', commands: SENSOR });
    await program.waitFor(/○ offline for .* · it fell silent/);
    program.press('enter');
    await program.waitFor('✗ The device is offline');
    await program.waitFor(/Safe to send again +yes/);
    await program.waitFor(/Try again in +5\.0 s/);
  });

  it('an offline device can be forgotten, after asking', async () => {
    hub.add('old', { status: 'offline' });
    const program = rig.start({ args: [hub.url] });
    await program.waitFor(/❯ +1 ○ old/);
    program.press('enter');
    await program.waitFor('forget');
    program.type('x');
    await program.waitFor('Forget old?');
    program.type('n');
    await program.waitFor((screen) => !screen.includes('Forget old?'), 'the question gone');
    assert.ok(hub.devices.has('old'));
    program.type('x');
    await program.waitFor('Forget old?');
    program.type('y');
    await program.waitFor('old is forgotten.');
    await program.waitFor('No device has connected yet.');
  });

  it('a command under way can be given up', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.type('6\r');
    await program.waitFor(/Waiting for g … \d/);
    program.press('escape');
    await program.waitFor('You gave it up before the answer came.');
    program.press('escape');
    await program.waitFor('Commands');
  });

  it('a long answer scrolls', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    program.type('7\r');
    await program.waitFor(/lines 1–16 of 6\d/);
    program.press('pageDown');
    await program.waitFor('entry 20');
    program.press('end');
    await program.waitFor('entry 60');
    await program.waitFor('Invocation');
    program.press('home');
    await program.waitFor('entry 1\n');
  });
});
