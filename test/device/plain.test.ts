import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, createDevice, type Device, type DeviceState } from '../../src/device/index.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { startFakeHub, type FakeHub, type FakeConnection } from '../helpers/fake-socket-hub.ts';
import { HANG_MS, until } from '../helpers/until.ts';

const DESCRIPTION =
  "{'1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False}, " +
  "'2': {'Descrição': 'Setar música', 'Entrada': 'Música', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': False}, " +
  "'3': {'Descrição': 'Ler', 'Entrada': '', 'Método HTTP': 'GET', 'Coleta de dados UDP': True}, " +
  "'4': {'Descrição': 'Somar', 'Entrada': 'Parcela', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': False}, " +
  "'5': {'Descrição': 'slow', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False}}";
const DESCRIBE = '{"Comando": "6"}';

/** What must succeed has all the time: a test of a limit sets that one short, or moves a clock by hand. */
const PATIENT = { silenceMs: HANG_MS, helloTimeoutMs: HANG_MS, answerTimeoutMs: HANG_MS };
const RETRIES = { retryMs: 40, retrySpread: 0 };

type Handlers = { slow?: (signal: AbortSignal) => unknown; song?: (song: string) => unknown };

function startDevice(hub: FakeHub, handlers: Handlers = {}, options: object = {}) {
  const states: DeviceState[] = [];
  const errors: unknown[] = [];
  const device = createDevice({
    title: 'Aparelho',
    protocol: 1,
    hub: hub.address,
    udpPort: hub.udpPort,
    telemetry: { temperature: { title: 'Temperatura', unit: '°C' }, door: {} },
    commands: {
      on: { title: 'Ligar', run: () => 'Dispositivo ligado' },
      song: {
        title: 'Setar música',
        input: { type: 'string', title: 'Música' },
        run: ({ input }) => handlers.song?.(input) ?? { Música: input },
      },
      read: {
        title: 'Ler',
        kind: 'read',
        answeredByDatagram: true,
        run: () => ({ Temperatura: '1°C', Certo: true }),
      },
      add: { title: 'Somar', input: { type: 'number', title: 'Parcela' }, run: ({ input }) => input + 1 },
      slow: { run: ({ signal }) => handlers.slow?.(signal) },
    },
    describe: () => ({ Descrição: 'Aparelho', Status: 'Ligado' }),
    onState: (state) => states.push(state),
    onError: (error) => errors.push(error),
    ...PATIENT,
    ...RETRIES,
    ...options,
  });
  cleanUpWith(() => device.stop());
  void device.start();
  return { device, states, errors };
}

async function handshake(hub: FakeHub, id = 'DE11'): Promise<FakeConnection> {
  const connection = await hub.accept();
  await connection.expect('Conexão');
  connection.send(id);
  await connection.expect(DESCRIPTION);
  return connection;
}

/** Waits until the device waits before another try, and lets that time pass. */
async function retry(device: Device, clock: ManualClock): Promise<void> {
  await until('it waits', () => device.state.status === 'waiting');
  clock.advance(RETRIES.retryMs);
}

async function ask(connection: FakeConnection, request: string | Buffer, answer: string): Promise<void> {
  connection.send(request);
  await connection.expect(answer);
}

test('connects, describes itself, and answers every kind of command', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  const connection = await handshake(hub);
  await until('online', () => device.state.status === 'online');
  assert.equal(device.id, 'DE11');
  await ask(connection, '{"Comando": "0"}', 'Recebido');
  await ask(connection, '{"Comando": "1"}', "{'Resposta': 'Dispositivo ligado'}");
  await ask(connection, '{"Comando": 1}', "{'Resposta': 'Dispositivo ligado'}");
  await ask(
    connection,
    '{"Comando": "2", "Entrada": "Águas de Março"}',
    "{'Resposta': {'Música': 'Águas de Março'}}",
  );
  await ask(connection, '{"Comando": "3"}', "{'Resposta': {'Temperatura': '1°C', 'Certo': True}}");
  await ask(connection, '{"Comando": "4", "Entrada": "41.5"}', "{'Resposta': '42.5'}");
  await ask(connection, '{"Comando": "5"}', "{'Resposta': 'Comando executado'}");
  await ask(connection, DESCRIBE, "{'Resposta': {'Descrição': 'Aparelho', 'Status': 'Ligado'}}");
});

test('reads commands in Python notation, with every quote and escape', async () => {
  const hub = await startFakeHub();
  startDevice(hub);
  const connection = await handshake(hub);
  await ask(connection, `{'Comando': '2', 'Entrada': "it's"}`, `{'Resposta': {'Música': "it's"}}`);
  await ask(
    connection,
    `{'Comando': '2', 'Entrada': 'a \\'b\\' "c"}'}`,
    `{'Resposta': {'Música': 'a \\'b\\' "c"}'}}`,
  );
  await ask(
    connection,
    `{'Comando': '2', 'Entrada': '\\xe9\\u00e7\\n'}`,
    `{'Resposta': {'Música': 'éç\\n'}}`,
  );
  await ask(connection, `{'Comando': 0}`, 'Recebido');
});

test('takes messages split anywhere, and glued', async () => {
  const hub = await startFakeHub();
  startDevice(hub);
  const connection = await handshake(hub);
  const bytes = Buffer.from(`{'Comando': '2', 'Entrada': "ação's"}`);
  for (let split = 1; split < bytes.length; split++) {
    connection.send(bytes.subarray(0, split));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    await ask(connection, bytes.subarray(split), `{'Resposta': {'Música': "ação's"}}`);
  }
  connection.send(`{"Comando": "0"}{'Comando': '1'}\n {"Comando": "0"}`);
  await connection.expect("Recebido{'Resposta': 'Dispositivo ligado'}Recebido");
});

test('says what is wrong with a command that it cannot do', async () => {
  const hub = await startFakeHub();
  const { errors } = startDevice(hub, {
    song: (song) => {
      if (song === 'none')
        throw new CommandError('NO_SONG', 'Nenhuma música foi selecionada', { status: 409 });
      if (song === 'bug') throw new TypeError('inner secrets');
      if (song === 'bigint') return 1n;
      return undefined;
    },
  });
  const connection = await handshake(hub);
  const invalid = "{'Resposta': 'Comando inválido'}";
  for (const command of ['"7"', '"-1"', '"1x"', 'null', '[]', '1.5', '1e99']) {
    await ask(connection, `{"Comando": ${command}}`, invalid);
  }
  await ask(connection, '{}', invalid);
  await ask(connection, "{'Comando': __import__('os')}", invalid);
  await ask(connection, '{"Comando": "2"}', "{'Resposta': 'Falta a entrada: Música'}");
  await ask(
    connection,
    '{"Comando": "4", "Entrada": "x"}',
    "{'Resposta': 'Entrada inválida: é preciso um número'}",
  );
  assert.equal(errors.length, 0);
  await ask(
    connection,
    '{"Comando": "2", "Entrada": "none"}',
    "{'Resposta': 'Nenhuma música foi selecionada'}",
  );
  assert.equal(errors.length, 0);
  await ask(
    connection,
    '{"Comando": "2", "Entrada": "bug"}',
    "{'Resposta': 'O comando falhou no dispositivo'}",
  );
  assert.match(String((errors[0] as Error).cause), /inner secrets/);
  await ask(
    connection,
    '{"Comando": "2", "Entrada": "bigint"}',
    "{'Resposta': 'O comando falhou no dispositivo'}",
  );
  await ask(connection, '{"Comando": "0"}', 'Recebido');
});

test('answers one command after the other, in order, and a late one in time', async () => {
  const hub = await startFakeHub();
  const aborted: unknown[] = [];
  const slow = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(signal.reason);
        reject(signal.reason as Error);
      });
    });
  startDevice(hub, { slow }, { answerTimeoutMs: 50 });
  const connection = await handshake(hub);
  connection.send('{"Comando": "5"}{"Comando": "0"}{"Comando": "1"}');
  await connection.expect(
    "{'Resposta': 'O dispositivo não terminou o comando a tempo'}Recebido{'Resposta': 'Dispositivo ligado'}",
  );
  assert.equal((aborted[0] as Error).name, 'TimeoutError');
});

test('commands beyond maxQueuedCommands end the connection', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(
    hub,
    { slow: () => sleep(5000, undefined, { ref: false }) },
    { maxQueuedCommands: 3 },
  );
  const connection = await handshake(hub);
  connection.send('{"Comando": "5"}' + '{"Comando": "0"}'.repeat(4));
  await connection.closed();
  await until('a protocol error', () => device.state.reason === 'protocol-error');
});

test('messages beyond the limits, and junk, end the connection', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub, {}, { maxMessageBytes: 200, maxNestingDepth: 4 });
  for (const junk of [`{"a": "${'x'.repeat(300)}"}`, '{[[[[1]]]]}', 'Olá', '{]']) {
    const connection = await handshake(hub);
    await ask(connection, '{"Comando": "0"}', 'Recebido');
    connection.send(junk);
    await connection.closed();
    await until('a protocol error', () => device.state.reason === 'protocol-error');
  }
  const connection = await hub.accept();
  await connection.expect('Conexão');
  connection.send('D'.repeat(65));
  await connection.closed();
});

test('an id that comes in pieces, or glued to the first command, is taken whole', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  const connection = await hub.accept();
  await connection.expect('Conexão');
  connection.send('DE1');
  await connection.expect(DESCRIPTION);
  connection.send('1-2{"Comando": "0"}');
  await connection.expect('Recebido');
  assert.equal(device.id, 'DE11-2');
});

test('after silence it checks; told that it is connected, it goes on waiting on the same connection', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device, states } = startDevice(hub, {}, { clock });
  const first = await handshake(hub);
  clock.advance(PATIENT.silenceMs);
  const check = await hub.accept();
  await check.expect('Checagem');
  assert.equal(device.state.reason, 'hub-silent');
  check.send('Conec');
  await sleep(5);
  check.send('tado');
  await check.closed();
  await until('online again', () => device.state.status === 'online');
  await ask(first, '{"Comando": "1"}', "{'Resposta': 'Dispositivo ligado'}");
  assert.equal(first.isClosed, false);
  assert.ok(states.every(({ status }) => status !== 'waiting'));
  clock.advance(PATIENT.silenceMs);
  const second = await hub.accept();
  await second.expect('Checagem');
});

test('after silence, told that it is disconnected, it connects anew', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device } = startDevice(hub, {}, { clock });
  const first = await handshake(hub);
  clock.advance(PATIENT.silenceMs);
  const check = await hub.accept();
  await check.expect('Checagem');
  check.send('Desconectado');
  const second = await handshake(hub, 'DE11-2');
  await first.closed();
  await ask(second, '{"Comando": "0"}', 'Recebido');
  assert.equal(device.id, 'DE11-2');
});

test('keep-alives keep it from checking, and a hub that speaks again ends the check', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device } = startDevice(hub, {}, { clock });
  const connection = await handshake(hub);
  for (let round = 0; round < 8; round++) {
    clock.advance(PATIENT.silenceMs - 1);
    await ask(connection, '{"Comando": "0"}', 'Recebido');
  }
  assert.equal(hub.connections.length, 1);
  clock.advance(PATIENT.silenceMs);
  const check = await hub.accept();
  await check.expect('Checagem');
  await ask(connection, '{"Comando": "0"}', 'Recebido');
  await until('online', () => device.state.status === 'online');
  assert.equal(check.isClosed, false);
  clock.advance(PATIENT.helloTimeoutMs);
  await check.closed();
  assert.equal(device.state.status, 'online');
  assert.equal(connection.isClosed, false);
});

test('after a broken connection it checks, and connects anew even when told that it is connected', async () => {
  const hub = await startFakeHub();
  startDevice(hub);
  const first = await handshake(hub);
  first.socket.resetAndDestroy();
  const check = await hub.accept();
  await check.expect('Checagem');
  check.send('Conectado');
  const second = await handshake(hub);
  await ask(second, '{"Comando": "0"}', 'Recebido');
});

test('a check without a usable answer is asked again', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device } = startDevice(hub, {}, { clock });
  const first = await handshake(hub);
  first.socket.destroy();
  const silent = await hub.accept();
  await silent.expect('Checagem');
  clock.advance(PATIENT.helloTimeoutMs);
  await silent.closed();
  await retry(device, clock);
  const closing = await hub.accept();
  await closing.expect('Checagem');
  closing.socket.end('Talvez');
  await retry(device, clock);
  const last = await hub.accept();
  await last.expect('Checagem');
  assert.equal(device.state.status, 'connecting');
  last.send('Desconectado');
  await handshake(hub);
});

test('a hub that dies is tried again every retryMs until it is back', async () => {
  const hub = await startFakeHub();
  const { device, states } = startDevice(hub);
  await handshake(hub);
  await hub.die();
  await until('several tries', () => states.filter(({ status }) => status === 'waiting').length >= 3);
  const waiting = states.find(({ status }) => status === 'waiting');
  assert.equal(waiting?.retryInMs, 40);
  assert.match(waiting?.message ?? '', /Nothing listens at 127\.0\.0\.1:\d+: is the hub running\?/);
  await hub.revive();
  const check = await hub.accept();
  await check.expect('Checagem');
  check.send('Desconectado');
  await handshake(hub);
  await until('online', () => device.state.status === 'online');
});

test('disconnecting by hand ends reconnecting, and starting again begins anew', async () => {
  const hub = await startFakeHub();
  const { device, states } = startDevice(hub);
  await handshake(hub);
  await hub.die();
  await until('waiting', () => device.state.status === 'waiting');
  await device.stop();
  const count = states.length;
  assert.equal(device.state.reason, 'stopped');
  await hub.revive();
  await sleep(120);
  assert.equal(states.length, count);
  const online = device.start();
  await handshake(hub);
  assert.equal((await online).status, 'online');
});

test('stopping closes the connection, and aborts what runs', async () => {
  const hub = await startFakeHub();
  const reasons: unknown[] = [];
  const begun = Promise.withResolvers<void>();
  const { device } = startDevice(hub, {
    slow: (signal) =>
      new Promise((resolve) => {
        begun.resolve();
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          resolve('too late');
        });
      }),
  });
  const connection = await handshake(hub);
  connection.send('{"Comando": "5"}');
  await begun.promise;
  await device.stop();
  await connection.closed();
  assert.equal((reasons[0] as Error).name, 'AbortError');
  assert.ok(!connection.received.includes('too late'));
});

test('a hub that gives no id, or closes at once, is tried again', async () => {
  const hub = await startFakeHub();
  const clock = new ManualClock();
  const { device, states } = startDevice(hub, {}, { clock });
  const mute = await hub.accept();
  await mute.expect('Conexão');
  clock.advance(PATIENT.helloTimeoutMs);
  await mute.closed();
  await retry(device, clock);
  const closing = await hub.accept();
  closing.socket.destroy();
  await retry(device, clock);
  const [first, second] = states.filter(({ status }) => status === 'waiting');
  const { helloTimeoutMs } = PATIENT;
  assert.ok(first?.message.includes(`gave no id within ${helloTimeoutMs} ms: is it a hub?`), first?.message);
  assert.match(second?.message ?? '', /closed the connection without giving an id/);
  await handshake(hub);
});

test('readings go by datagram, from the port of the connection, in Python notation', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  assert.equal(device.report({ temperature: 25 }), 'dropped', 'there is no connection yet');
  const connection = await handshake(hub);
  await until('online', () => device.state.status === 'online');
  assert.equal(device.report({ temperature: 25, door: true }), 'sent');
  await until('a datagram', () => hub.datagrams[0]);
  assert.equal(hub.datagrams[0]?.text, "{'Temperatura': '25°C', 'door': True, 'Válido': True}");
  assert.equal(hub.datagrams[0]?.port, connection.socket.remotePort);
  assert.equal(device.reportUnavailable('Dispositivo desligado'), 'sent');
  await until('a second datagram', () => hub.datagrams[1]);
  assert.equal(hub.datagrams[1]?.text, "{'Válido': False, 'Justificativa': 'Dispositivo desligado'}");
  assert.equal(device.droppedReports, 1);
});

test('when the port of the connection is taken, datagrams come from another', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  const connection = await handshake(hub);
  const { createSocket } = await import('node:dgram');
  const thief = createSocket('udp4');
  thief.bind({ port: connection.socket.remotePort ?? 0, address: '127.0.0.1', exclusive: true });
  await once(thief, 'listening');
  cleanUpWith(async () => thief.close());
  await until('online', () => device.state.status === 'online');
  assert.equal(device.report({ temperature: 1 }), 'sent');
  await until('a datagram', () => hub.datagrams[0]);
  assert.notEqual(hub.datagrams[0]?.port, connection.socket.remotePort);
});

test('connects from the given local address', async () => {
  const hub = await startFakeHub();
  startDevice(hub, {}, { localAddress: '127.0.0.11' });
  const connection = await handshake(hub);
  assert.equal(connection.socket.remoteAddress, '127.0.0.11');
});

test('the description and answers are what Python evaluates to the same values', async () => {
  const { writePythonLiteral } = await import('../../src/device/python-literal.ts');
  const values = [
    {
      a: [1, -2.5, 1e21, 1e-7],
      b: { c: true, d: false, e: null },
      é: `it's "so" \\ \n\t\r\0\x1b\x7f\x85\u2028`,
    },
    '🎵 ação',
    "it's",
    '"',
    '',
    [],
    {},
  ];
  const script =
    'import ast, json, sys\njson.dump([ast.literal_eval(t) for t in json.load(sys.stdin)], sys.stdout)';
  const python = spawnSync('python3', ['-c', script], {
    input: JSON.stringify(values.map(writePythonLiteral)),
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(python.stdout), values, python.stderr);
  for (const value of [Number.NaN, 1n, () => 1, Symbol('x')])
    assert.throws(() => writePythonLiteral(value), TypeError);
});

test('a process of its own is not kept alive or ended by a device that was stopped', async () => {
  const hub = await startFakeHub();
  const { device } = startDevice(hub);
  const connection = await handshake(hub);
  await device.stop();
  await device.stop();
  await connection.closed();
  const probe = createConnection(hub.port, '127.0.0.1');
  await once(probe, 'connect');
  probe.destroy();
});
