import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { GREENHOUSE, SENSOR } from '../helpers/fake-commands.ts';
import { ManageRig } from '../helpers/manage-rig.ts';
import { until } from '../helpers/until.ts';

describe('recado manage under all conditions', () => {
  const rig = new ManageRig();
  const { hub } = rig;
  before(() => hub.start());
  afterEach(() => rig.reset());
  after(() => hub.stop());

  it('waits for a hub that is not there yet', async () => {
    rig.addSensor();
    await hub.stop();
    const program = rig.start({ args: [hub.url] });
    await program.waitFor(`Nothing listens at ${hub.url}.`);
    await program.waitFor('Trying again every 2 s');
    await hub.start();
    await program.waitFor('Sensor de temperatura');
  });

  it('a hub that goes away and comes back is told, and nothing needs to be done', async () => {
    rig.addSensor();
    const program = await rig.openDevice();
    await program.waitFor(/Temperatura +25 °C/);
    await hub.stop();
    await program.waitFor(/gone since \d\d:\d\d:\d\d · trying again · nothing listens there/);
    assert.match(program.text, /◌ online/, 'what is not known any more looks so');
    await hub.start();
    await program.waitFor(/back since \d\d:\d\d:\d\d/);
    await program.waitFor('● online');
  });

  it('asks for a token when the hub wants one, and does not show it', async () => {
    rig.addSensor();
    hub.token = 'open-sesame';
    const program = rig.start({ args: [hub.url] });
    await program.waitFor('The hub asks who you are');
    program.type('wrong');
    await program.waitFor('•••••');
    program.press('enter');
    await program.waitFor('does not accept this token');
    program.press('ctrlU');
    program.type('open-sesame');
    program.press('enter');
    await program.waitFor('Sensor de temperatura');
    assert.ok(!program.output.includes('open-sesame'));
  });

  it('takes the token from the environment', async () => {
    rig.addSensor();
    hub.token = 'open-sesame';
    const program = rig.start({ args: [hub.url], env: { RECADO_TOKEN: 'open-sesame' } });
    await program.waitFor('Sensor de temperatura');
  });

  it('nothing that a device says reaches the terminal as a command', async () => {
    hub.add('evil', {
      title: '\u001b]0;owned\u0007Evil\u001b[2J\u009b5;5H',
      readings: [{ metric: 'x\u001b[31m', value: '\u001b[1;1Hmoved\u0007' }],
      commands: [
        {
          name: 'do',
          title: 'Do\u001b[?1049l it',
          run: () => ({
            output: { 'k\u001b]0;pwned\u0007ey': 'one\r\ntwo\u001b[10;10H\u009d0;title\u009c\u202eevil' },
          }),
        },
      ],
    });
    const program = await rig.openDevice();
    await program.waitFor('moved');
    assert.match(program.lines[0] ?? '', /Recado › Devices › evil/);
    program.press('enter');
    await program.waitFor(/key +one/);
    assert.match(program.text, /\n +two\\u202eevil/);
    assert.ok(program.isOnOwnScreen);
    assert.deepEqual(program.liberties, []);
    assert.ok(
      !program.output.includes('\u001b]0;') &&
        !program.output.includes('\u009b') &&
        !program.output.includes('\u202e'),
    );
  });

  it('fits small windows, follows every size, and leaves nothing behind', async () => {
    hub.add('DE1', {
      title: 'Sensor de temperatura',
      commands: SENSOR,
      readings: [{ metric: 'Temperatura', value: 25, unit: '°C' }],
    });
    const program = await rig.openDevice();
    for (const [columns, rows] of [
      [40, 12],
      [30, 8],
      [100, 40],
      [60, 16],
      [24, 8],
    ] as const) {
      program.resize(columns, rows);
      await program.waitFor((screen) => {
        const lines = screen.split('\n');
        return (
          lines[0]?.includes('Recado › Devices') === true &&
          /Esc back +\? help/.test(lines.at(-1) ?? '') &&
          screen.includes('❯   1 Ligar') &&
          screen.match(/Ligar/g)?.length === 1
        );
      }, `everything at ${columns}x${rows}`);
    }
    program.resize(20, 5);
    await program.waitFor('The window is too');
    program.resize(80, 24);
    await program.waitFor(/Temperatura +25 °C/);
    assert.equal(program.lines.at(-1)?.trim().endsWith('q quit'), true);
  });

  it('speaks Brazilian Portuguese, and takes numbers as they are written there', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = rig.start({ args: [hub.url], env: { LC_ALL: 'pt_BR.UTF-8' } });
    await program.waitFor('Recado › Dispositivos');
    await program.waitFor('online há');
    program.press('enter');
    await program.waitFor(/❯ +1 Set climate +ajuste · pede entrada/);
    program.press('enter');
    await program.waitFor('número, 5 a 35');
    program.type('99');
    program.press('down', 'down', 'down', 'enter');
    await program.waitFor('Precisa ser no máximo 35.');
    program.press('ctrlU');
    program.type('21,5');
    program.press('down', 'down', 'down', 'enter');
    await program.waitFor('✓ Respondido em');
    assert.deepEqual(hub.invoked.at(-1)?.input, { target: 21.5 });
    program.type('?');
    await program.waitFor('Em toda parte');
    program.press('escape');
    await program.waitFor('✓ Respondido em');
    program.press('escape');
    await program.waitFor('Comandos');
    program.type('2\r');
    await program.waitFor('✗ O dispositivo respondeu que falhou');
    await program.waitFor(/Pode reenviar +não: o dispositivo pode ter feito/);
  });

  it('the language can be chosen', async () => {
    const program = rig.start({ args: [hub.url, '--lang', 'pt-BR'] });
    await program.waitFor('Nenhum dispositivo se conectou ainda.');
  });

  it('has no colours when nobody wants them', async () => {
    rig.addSensor();
    const program = rig.start({ args: [hub.url], env: { NO_COLOR: '1' } });
    await program.waitFor('Sensor de temperatura');
    // oxlint-disable-next-line no-control-regex -- the sequences for colours are what is looked for
    assert.doesNotMatch(program.output, /\u001b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)m/);
  });

  it('quits with q, with Ctrl+C and when it is asked to end, and gives the terminal back', async () => {
    rig.addSensor();
    for (const quit of ['q', '\u0003', 'SIGTERM'] as const) {
      const program = await rig.openDevice();
      if (quit === 'SIGTERM') program.signal(quit);
      else program.type(quit);
      assert.equal(await program.exit(), 0);
      await until('the screen before is back', () => !program.isOnOwnScreen);
      assert.ok(program.isCursorShown);
    }
  });

  it('shows the cursor where somebody types, and nowhere else', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await rig.openDevice();
    assert.ok(!program.isCursorShown);
    program.press('enter');
    await program.waitFor('number, 5 to 35');
    program.type('水2');
    program.press('left');
    await until('the cursor before the 2', () => {
      const before = program.lines.map((line) => /^.*水(?=2)/.exec(line)?.[0].length ?? Number.NaN);
      return program.isCursorShown && before.includes(program.cursorColumn - 1);
    });
    program.press('escape');
    await program.waitFor('Commands');
    assert.ok(!program.isCursorShown);
  });

  it('q is a letter while somebody types', async () => {
    rig.addSensor();
    const program = rig.start({ args: [hub.url] });
    await program.waitFor('Sensor de temperatura');
    program.type('/q?');
    await program.waitFor(/Search +q\?/);
    await program.waitFor('No device matches.');
    program.press('escape');
    await program.waitFor('Sensor de temperatura');
  });
});
