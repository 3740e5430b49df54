import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { FakeHub, type FakeCommand } from '../helpers/fake-hub.ts';
import { plainEnvironment } from '../helpers/run-program.ts';
import { ROOT } from '../helpers/source-files.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { until } from '../helpers/until.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');
const programs: TerminalProgram[] = [];

type Start = { args?: readonly string[]; columns?: number; rows?: number; env?: Record<string, string> };

function manage({ args = [], columns = 80, rows = 24, env = {} }: Start): TerminalProgram {
  const program = new TerminalProgram([process.execPath, MAIN, 'manage', ...args], {
    columns,
    rows,
    cwd: ROOT,
    env: { ...plainEnvironment(), LC_ALL: 'en_US.UTF-8', ...env },
  });
  programs.push(program);
  return program;
}

afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop();
});

const CLIMATE = {
  type: 'object',
  required: ['target'],
  properties: {
    target: { type: 'number', title: 'Target', minimum: 5, maximum: 35 },
    mode: { enum: ['heat', 'cool'], title: 'Mode' },
    vent: { type: 'boolean', title: 'Ventilation' },
  },
};

const SENSOR: readonly FakeCommand[] = [
  { name: 'ligar', title: 'Ligar', run: () => ({ output: 'Dispositivo ligado' }) },
  {
    name: 'medida',
    title: 'Retornar medida',
    kind: 'read',
    run: () => ({ output: { Temperatura: '25°C' } }),
  },
  { name: 'describe', title: 'Descrição geral', kind: 'read', run: () => ({ output: { Status: 'Ligado' } }) },
];

const GREENHOUSE: readonly FakeCommand[] = [
  {
    name: 'setClimate',
    title: 'Set climate',
    kind: 'write',
    input: CLIMATE,
    run: (input) => ({ output: { held: input } }),
  },
  {
    name: 'jam',
    title: 'Jam',
    run: () => ({
      failure: {
        code: 'DEVICE_ERROR',
        status: 409,
        detail: 'greenhouse says no',
        phase: 'answered',
        safeToRetry: false,
        device: { code: 'JAMMED', message: 'The window is stuck', status: 409, payload: { angle: 12 } },
      },
    }),
  },
  {
    name: 'lose',
    title: 'Lose',
    run: () => ({
      failure: {
        code: 'ANSWER_TIMEOUT',
        status: 504,
        detail: 'nothing within 5000 ms',
        phase: 'sent',
        safeToRetry: false,
      },
    }),
  },
  {
    name: 'refuse',
    title: 'Refuse',
    input: { type: 'object', properties: { volume: { type: 'integer', title: 'Volume' } } },
    run: () => ({
      failure: {
        code: 'INPUT_INVALID',
        status: 422,
        detail: 'does not fit',
        errors: [{ pointer: '/volume', message: 'must be <= 10' }],
        safeToRetry: true,
      },
    }),
  },
  {
    name: 'crowd',
    title: 'Crowd',
    run: () => ({
      failure: {
        code: 'TOO_MANY_INVOCATIONS',
        status: 429,
        detail: 'full',
        safeToRetry: true,
        retryAfter: '2',
      },
    }),
  },
  { name: 'hang', title: 'Hang', run: () => 'silent' },
  {
    name: 'log',
    title: 'Log',
    kind: 'read',
    run: () => ({ output: Array.from({ length: 60 }, (_, index) => `entry ${index + 1}`) }),
  },
];

describe('recado manage on a terminal', () => {
  let hub: FakeHub;

  before(async () => {
    hub = new FakeHub();
    await hub.start();
  });

  after(() => hub.stop());

  afterEach(async () => {
    hub.devices.clear();
    hub.invoked.length = 0;
    hub.requests.length = 0;
    hub.token = undefined;
    await hub.stop();
    await hub.start();
  });

  function sensor(): void {
    hub.add('DE1', {
      title: 'Sensor de temperatura',
      sinceMs: 300_000,
      readings: [{ metric: 'Temperatura', value: 25, unit: '°C' }],
      commands: SENSOR,
    });
  }

  /** Opens the page of the only device. */
  async function openDevice(start: Start = {}): Promise<TerminalProgram> {
    const program = manage({ ...start, args: [hub.url, ...(start.args ?? [])] });
    await program.waitFor('❯   1 ●');
    program.press('enter');
    await program.waitFor('General description');
    return program;
  }

  it('asks for the address, says what is wrong with it, and connects', async () => {
    sensor();
    const program = manage({});
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

  it('waits for a hub that is not there yet', async () => {
    sensor();
    await hub.stop();
    const program = manage({ args: [hub.url] });
    await program.waitFor(`Nothing listens at ${hub.url}.`);
    await program.waitFor('Trying again every 2 s');
    await hub.start();
    await program.waitFor('Sensor de temperatura');
  });

  it('shows devices as they come, change and go', async () => {
    sensor();
    const program = manage({ args: [hub.url] });
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
    const program = manage({ args: [hub.url] });
    await program.waitFor('No device has connected yet.');
    await program.waitFor('recado simulate sensor');
  });

  it('searches, filters and turns pages, asking for one page only', async () => {
    for (let index = 0; index < 60; index++) {
      const status = index % 2 === 0 ? 'online' : 'offline';
      hub.add(`van-${String(index).padStart(2, '0')}`, { title: `Van ${index}`, status });
    }
    const program = manage({ args: [hub.url] });
    await program.waitFor('1–14 of 60');
    program.type('n');
    await program.waitFor('15–28 of 60');
    await program.waitFor(/❯ +1 ● van-14/);
    program.press('up');
    await program.waitFor(/❯ +14 ○ van-13/);
    program.type('f');
    await program.waitFor('1–14 of 30');
    assert.doesNotMatch(program.text, /○ van/);
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
    const program = manage({ args: [hub.url] });
    await program.waitFor('13 devices');
    program.type('12\r');
    await program.waitFor('› d12');
  });

  it("shows a device's readings live, sends a command, shows its answer and goes back", async () => {
    sensor();
    const program = await openDevice();
    await program.waitFor(/Temperatura +25 °C/);
    const device = hub.devices.get('DE1');
    assert.ok(device !== undefined);
    device.readings = [{ metric: 'Temperatura', value: 26, unit: '°C', time: new Date().toISOString() }];
    await program.waitFor(/Temperatura +26 °C/);
    device.unavailable = { reason: 'Dispositivo desligado', time: new Date().toISOString() };
    await program.waitFor(/Nothing to report since .*: Dispositivo desligado/);
    program.type('2');
    await program.waitFor(/❯ +2 Retornar medida +reads/);
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
    sensor();
    const program = await openDevice();
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
    const program = await openDevice();
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
    const program = await openDevice();
    program.type('4');
    await program.waitFor(/❯ +4 Refuse/);
    program.press('enter');
    await program.waitFor('optional, whole number');
    program.type('11');
    program.press('enter');
    await program.waitFor('✗ The input does not fit the command');
    await program.waitFor(/\/volume +must be <= 10/);
    await program.waitFor(/Input +\{"volume":11\}/);
    program.type('e');
    await program.waitFor(/❯ Volume +11\s+must be <= 10/);
  });

  it('tells a failure in full, and sends again only what is safe, or twice confirmed', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await openDevice();
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
    const program = await openDevice();
    program.type('3\r');
    await program.waitFor('✗ The device did not answer in time');
    await program.waitFor('nothing within 5000 ms');
    await program.waitFor(/Reached +accepted .* · sent/);
    assert.match(program.text, /Code +ANSWER_TIMEOUT · 504/);
  });

  it('a device that went offline cannot be asked, and the hub says so', async () => {
    sensor();
    const program = await openDevice();
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
    const program = manage({ args: [hub.url] });
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
    const program = await openDevice();
    program.type('6\r');
    await program.waitFor(/Waiting for g … \d/);
    program.press('escape');
    await program.waitFor('You gave it up before the answer came.');
    program.press('escape');
    await program.waitFor('Commands');
  });

  it('a long answer scrolls', async () => {
    hub.add('g', { commands: GREENHOUSE });
    const program = await openDevice();
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

  it('a hub that goes away and comes back is told, and nothing needs to be done', async () => {
    sensor();
    const program = await openDevice();
    await program.waitFor(/Temperatura +25 °C/);
    await hub.stop();
    await program.waitFor(/gone since \d\d:\d\d:\d\d · trying again · nothing listens there/);
    assert.match(program.text, /◌ online/, 'what is not known any more looks so');
    await hub.start();
    await program.waitFor(/back since \d\d:\d\d:\d\d/);
    await program.waitFor('● online');
  });

  it('asks for a token when the hub wants one, and does not show it', async () => {
    sensor();
    hub.token = 'open-sesame';
    const program = manage({ args: [hub.url] });
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
    sensor();
    hub.token = 'open-sesame';
    const program = manage({ args: [hub.url], env: { RECADO_TOKEN: 'open-sesame' } });
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
    const program = await openDevice();
    await program.waitFor('moved');
    assert.match(program.lines[0] ?? '', /Recado › Devices › evil/);
    program.press('enter');
    await program.waitFor(/key +one/);
    assert.match(program.text, /\n +two *evil/);
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
    const program = await openDevice();
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
          lines.at(-1)?.endsWith('q quit') === true &&
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
    const program = manage({ args: [hub.url], env: { LC_ALL: 'pt_BR.UTF-8' } });
    await program.waitFor('Recado › Dispositivos');
    await program.waitFor('online há');
    program.press('enter');
    await program.waitFor(/❯ +1 Set climate +define · pede entrada/);
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
    await program.waitFor('Teclas');
    program.press('escape');
    await program.waitFor('✓ Respondido em');
    program.press('escape');
    await program.waitFor('Comandos');
    program.type('2\r');
    await program.waitFor('✗ O dispositivo respondeu que falhou');
    await program.waitFor(/Pode reenviar +não: o dispositivo pode ter feito/);
  });

  it('the language can be chosen', async () => {
    const program = manage({ args: [hub.url, '--lang', 'pt-BR'] });
    await program.waitFor('Nenhum dispositivo se conectou ainda.');
  });

  it('has no colours when nobody wants them', async () => {
    sensor();
    const program = manage({ args: [hub.url], env: { NO_COLOR: '1' } });
    await program.waitFor('Sensor de temperatura');
    // oxlint-disable-next-line no-control-regex -- the sequences for colours are what is looked for
    assert.doesNotMatch(program.output, /\u001b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38)m/);
  });

  it('quits with q and with Ctrl+C, and gives the terminal back', async () => {
    sensor();
    for (const quit of ['q', '\u0003']) {
      const program = await openDevice();
      program.type(quit);
      assert.equal(await program.exit(), 0);
      await until('the screen before is back', () => !program.isOnOwnScreen);
      assert.ok(
        program.output.lastIndexOf('\u001b[?25h') > program.output.lastIndexOf('\u001b[?25l'),
        'the cursor is visible',
      );
    }
  });

  it('q is a letter while somebody types', async () => {
    sensor();
    const program = manage({ args: [hub.url] });
    await program.waitFor('Sensor de temperatura');
    program.type('/q?');
    await program.waitFor(/Search +q\?/);
    await program.waitFor('No device matches.');
    program.press('escape');
    await program.waitFor('Sensor de temperatura');
  });
});
