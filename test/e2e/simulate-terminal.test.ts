import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ChildProgram } from '../helpers/child-program.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { startFakeHub, type FakeHub, type FakeConnection } from '../helpers/fake-socket-hub.ts';
import { recadoWords } from '../helpers/hub-process.ts';
import { TerminalProgram } from '../helpers/terminal-program.ts';
import { until } from '../helpers/until.ts';

/*
 * The virtual devices as people use them: the real program in a real terminal, against a hub of version 1 of
 * which the test writes every byte.
 */

type Start = { language?: string; columns?: number; rows?: number; args?: readonly string[] };

function startScreen(
  kind: 'sensor' | 'radio',
  { language = 'en_US.UTF-8', args = [], ...size }: Start = {},
): TerminalProgram {
  const program = new TerminalProgram(recadoWords('simulate', kind, ...args), {
    ...size,
    env: { LC_ALL: language },
  });
  cleanUpWith(() => program.stop());
  return program;
}

/** Connects by the menu, and plays the hub's part. */
async function connect(program: TerminalProgram, hub: FakeHub): Promise<FakeConnection> {
  await program.waitFor('Not connected');
  program.type('1');
  await program.waitFor('Server, host or host:port');
  program.type(hub.address);
  await program.waitFor(hub.address);
  program.press('enter');
  return welcome(hub);
}

async function welcome(hub: FakeHub): Promise<FakeConnection> {
  const connection = await hub.accept();
  await connection.expect('Conexão');
  connection.send('DE11');
  await until('the description', () => connection.received.endsWith('}}'));
  return connection;
}

async function ask(connection: FakeConnection, request: object): Promise<string> {
  const from = connection.received.length;
  connection.send(JSON.stringify(request));
  return until('an answer', () => connection.received.length > from && connection.received.slice(from));
}

describe('the screen of the sensor', () => {
  it('connects, is turned on, gets a temperature, shows its data, disconnects and quits', async () => {
    const hub = await startFakeHub();
    const program = startScreen('sensor', { args: ['--udp-port', String(hub.udpPort)] });
    await program.waitFor('Temperature sensor');
    assert.equal(program.isOnOwnScreen, true);
    const connection = await connect(program, hub);
    await program.waitFor(`Connected: DE11 at ${hub.address}`);
    await program.waitFor(`Connected to ${hub.address}, as DE11.`);
    program.type('3');
    await program.waitFor('The device is on now.');
    program.type('6');
    await program.waitFor('Temperature in °C');
    program.type('251');
    program.press('backspace', 'enter');
    await program.waitFor('The temperature is 25°C now.');
    await until('a datagram', () => hub.datagrams[0]);
    assert.equal(hub.datagrams[0]?.text, "{'Temperatura': '25°C', 'Válido': True}");
    program.type('5');
    await program.waitFor(`ID: DE11\nStatus: On\nTemperature: 25°C\nServer: ${hub.address} (Connected)`);
    assert.equal(await ask(connection, { Comando: '2' }), "{'Resposta': 'Dispositivo desligado'}");
    await program.waitFor('Off, 25°C');
    program.type('2');
    await program.waitFor('Disconnected.');
    await connection.closed();
    program.type('0');
    assert.equal(await program.exit(), 0);
    await until('the screen before', () => !program.isOnOwnScreen);
  });

  it('shows live that the hub is gone, tries again by itself, and is connected again', async () => {
    const hub = await startFakeHub();
    const program = startScreen('sensor');
    await connect(program, hub);
    await program.waitFor('Connected: DE11');
    await hub.die();
    await program.waitFor('Nothing listens there: is the server running?');
    await program.waitFor(/Waiting: 127\.0\.0\.1:\d+, next try in \d\.\d s/);
    await hub.revive();
    const check = await hub.accept();
    await check.expect('Checagem');
    check.send('Desconectado');
    await welcome(hub);
    await program.waitFor('Connected: DE11');
  });

  it('takes nothing that is no temperature, no option, no address', async () => {
    const program = startScreen('sensor');
    await program.waitFor('Not connected');
    program.type('6');
    await program.waitFor('Temperature in °C');
    program.type('warm');
    program.press('enter');
    await program.waitFor('That is no temperature of this sensor');
    program.type('9x\t\u001b[A');
    program.type('1');
    await program.waitFor('Server, host');
    program.type('no such address');
    program.press('enter');
    await program.waitFor('"no such address" is no address.');
    program.type('2');
    await program.waitFor('No server is connected.');
  });
});

describe('the screen of the radio', () => {
  it('speaks Portuguese, plays songs with any letters, and shows what others change', async () => {
    const hub = await startFakeHub();
    const program = startScreen('radio', { language: 'pt_BR.UTF-8', args: ['--port', String(hub.port)] });
    await program.waitFor('Aparelho de som via internet');
    program.type('1');
    await program.waitFor(`Servidor, host ou host:porta (Enter: ${hub.address}):`);
    program.press('enter');
    const connection = await welcome(hub);
    await program.waitFor(`Conectado: DE11 em ${hub.address}`);
    program.type('6');
    await program.waitFor('Nome da música:');
    program.type('Águas de Março 🎵');
    await program.waitFor('Águas de Março 🎵');
    program.press('enter');
    await program.waitFor('Desligado, Pausada: Águas de Março 🎵');
    program.type('7');
    await program.waitFor('Aparelho desligado: ligue-o primeiro.');
    assert.equal(await ask(connection, { Comando: '1' }), "{'Resposta': 'Dispositivo ligado'}");
    await program.waitFor('Ligado, Tocando: Águas de Março 🎵');
    await ask(connection, { Comando: '3', Entrada: 'evil \u001b[2J\u001b]0;title\u0007 song' });
    await program.waitFor('Tocando: evil  song');
    assert.deepEqual(program.liberties, []);
    program.type('8');
    await program.waitFor('A música foi pausada.');
    program.type('5');
    await program.waitFor('Status da música: Pausada');
    program.press('ctrlC');
    assert.equal(await program.exit(), 0);
  });
});

describe('the terminal', () => {
  it('is given back after a signal, and after Ctrl+C while a question is open', async () => {
    for (const end of ['SIGTERM', 'SIGINT', 'Ctrl+C'] as const) {
      const program = startScreen('sensor');
      await program.waitFor('Not connected');
      program.type('6');
      await program.waitFor('Temperature in °C');
      if (end === 'Ctrl+C') program.press('ctrlC');
      else program.signal(end);
      assert.equal(await program.exit(), 0, end);
      // What the program said last may come after the news of its end.
      const last = '\u001b[?7h\u001b[?25h\u001b[?1049l';
      await until(
        `the screen before, after ${end}`,
        () => !program.isOnOwnScreen && program.output.endsWith(last),
      );
    }
  });

  it('is given back before an error that nobody caught is printed', async () => {
    const screen = JSON.stringify(new URL('../../src/terminal/ui/full-screen.ts', import.meta.url));
    const clock = JSON.stringify(new URL('../../src/base/clock.ts', import.meta.url));
    const script = `const { FullScreen } = await import(${screen});
      const { systemClock: clock } = await import(${clock});
      const content = { draw: () => [[{ text: 'Up' }]], onKey: () => { throw new Error('boom'); } };
      new FullScreen(content, { stdin: process.stdin, stdout: process.stdout, clock });`;
    const program = new TerminalProgram([process.execPath, '--input-type=module', '-e', script]);
    cleanUpWith(() => program.stop());
    await program.waitFor('Up');
    program.type('x');
    assert.equal(await program.exit(), 1);
    await until(
      'the screen before, and the error',
      () => !program.isOnOwnScreen && program.text.includes('boom'),
    );
  });

  it('may be small, and change its size', async () => {
    const program = startScreen('radio', { columns: 30, rows: 8 });
    await program.waitFor('Press a number:');
    await program.waitFor('0 Quit');
    for (const [columns, rows] of [
      [20, 4],
      [8, 2],
      [120, 40],
    ] as const) {
      program.resize(columns, rows);
      await program.waitFor(
        (screen) => screen.includes('Press a'.slice(0, columns - 1)),
        `${columns}x${rows}`,
      );
    }
    await program.waitFor('  8  Pause');
    program.type('3');
    await program.waitFor('The device is on now.');
  });

  it('draws only the rows that changed', async () => {
    const program = startScreen('radio');
    await program.waitFor('Choose 1 to connect');
    await until('a quiet screen', () => program.output.includes('Press a number'));
    const before = program.output.length;
    program.type('3');
    await program.waitFor('The device is on now.');
    const drawn = program.output.slice(before);
    assert.ok(!drawn.includes('Disconnect') && !drawn.includes('Internet radio'), JSON.stringify(drawn));
  });
});

describe('without a terminal', () => {
  it('--menu takes lines and prints lines', async () => {
    const program = new ChildProgram(recadoWords('simulate', 'sensor', '--menu', '--lang', 'en'), {
      name: 'the sensor',
    });
    cleanUpWith(() => program.stop());
    await program.waitForLine('Not connected');
    program.say('3');
    await program.waitForLine('The device is on now.');
    program.say('6');
    program.say('25');
    await program.waitForLine('The temperature is 25°C now.');
    program.say('5');
    await program.waitForLine('Temperature: 25°C');
    program.endInput();
    assert.equal(await program.exit(), 0);
    assert.ok(
      program.lines.every((line) => !line.includes('\u001b')),
      'no escape sequences',
    );
  });

  it('--headless connects at once, prints a line for each change, and ends in order', async () => {
    const hub = await startFakeHub();
    const args = ['--headless', '--port', String(hub.port)];
    const program = new ChildProgram(recadoWords('simulate', 'radio', ...args), { name: 'the radio' });
    cleanUpWith(() => program.stop());
    const connection = await welcome(hub);
    await program.waitForLine(/ radio DE11: online, off\. Connected to /);
    await ask(connection, { Comando: '3', Entrada: 'Águas' });
    await program.waitForLine(/ radio DE11: online, off, paused "Águas"\./);
    program.signal('SIGTERM');
    assert.equal(await program.exit(), 0);
    assert.match(
      program.lines.at(-1) ?? '',
      /^\d{4}-\d\d-\d\dT[\d:.]+Z radio DE11: offline, off, paused "Águas"\. Stopped\.$/,
    );
    await connection.closed();
  });

  it('--count runs many in one process, and sums up', async () => {
    const hub = await startFakeHub();
    const args = [
      '--count',
      '25',
      '--on',
      '--wave',
      '--port',
      String(hub.port),
      '--udp-port',
      String(hub.udpPort),
    ];
    const program = new ChildProgram(recadoWords('simulate', 'sensor', ...args), { name: 'the fleet' });
    cleanUpWith(() => program.stop());
    await until('all connect', () => {
      for (const connection of hub.connections)
        if (connection.received === 'Conexão') connection.send('DE11');
      return hub.connections.filter(({ received }) => received.endsWith('}}')).length === 25;
    });
    await program.waitForLine(/ 25 sensors: 25 online, 0 connecting, 0 waiting, 0 offline$/);
    await until('datagrams of all', () => new Set(hub.datagrams.map(({ port }) => port)).size === 25);
    program.signal('SIGINT');
    assert.equal(await program.exit(), 0);
    await Promise.all(hub.connections.map(async ({ socket }) => socket.destroyed || once(socket, 'close')));
  });

  it('wrong options are told, with what is right', async () => {
    const cases: [string[], RegExp][] = [
      [['sensor', '--id', 'x'], /--id and --token need --protocol 2/],
      [['radio', '--temperature', '3'], /unknown option '--temperature'/],
      [['sensor', '--temperature', '300'], /whole number from -49 to 299/],
      [['sensor', '--headless', '--menu'], /--headless runs without a menu: leave out/],
      [['radio', '--count', '2', '--menu'], /--count runs devices without a menu: leave out/],
      [['sensor', '--count', '0'], /whole number from 1 to 20000/],
      [['sensor', '--port', '70000'], /whole number from 1 to 65535/],
      [['sensor', '--protocol', '3'], /Allowed choices are 1, 2/],
    ];
    await Promise.all(
      cases.map(async ([words, pattern]) => {
        const program = new ChildProgram(recadoWords('simulate', ...words), { name: words.join(' ') });
        assert.equal(await program.exit(), 2, words.join(' '));
        assert.match(program.errorText, pattern);
      }),
    );
  });
});
