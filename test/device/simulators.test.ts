import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../../src/simulators/fleet.ts';
import { Radio } from '../../src/simulators/radio.ts';
import { ReportSchedule } from '../../src/simulators/report-schedule.ts';
import { Sensor } from '../../src/simulators/sensor.ts';
import { Wave } from '../../src/simulators/wave.ts';
import type { SimulatedDevice } from '../../src/terminal/simulate/simulated-device.ts';
import { cleanUpWith } from '../helpers/clean-ups.ts';
import { startFakeHub, type FakeHub, type FakeConnection } from '../helpers/fake-socket-hub.ts';
import { until } from '../helpers/until.ts';

const command = (number: number, title: string, method: string, entry = '', udp = 'False'): string =>
  `'${number}': {'Descrição': '${title}', 'Entrada': '${entry}', 'Método HTTP': '${method}', 'Coleta de dados UDP': ${udp}}`;
const SENSOR_DESCRIPTION = `{${[
  command(1, 'Ligar', 'POST'),
  command(2, 'Desligar', 'POST'),
  command(3, 'Retornar medida de temperatura', 'GET', '', 'True'),
].join(', ')}}`;
const RADIO_DESCRIPTION = `{${[
  command(1, 'Ligar', 'POST'),
  command(2, 'Desligar', 'POST'),
  command(3, 'Setar música', 'PATCH', 'Música'),
  command(4, 'Tocar', 'POST'),
  command(5, 'Pausar', 'POST'),
].join(', ')}}`;

const at = (hub: FakeHub) => ({ hub: hub.address, udpPort: hub.udpPort });

async function handshake(hub: FakeHub, description: string): Promise<FakeConnection> {
  const connection = await hub.accept();
  await connection.expect('Conexão');
  connection.send('DE11');
  await connection.expect(description);
  return connection;
}

async function ask(
  connection: FakeConnection,
  number: number,
  answer: string,
  entry?: string,
): Promise<void> {
  connection.send(
    JSON.stringify({ Comando: String(number), ...(entry !== undefined && { Entrada: entry }) }),
  );
  await connection.expect(`{'Resposta': ${answer}}`);
}

test('the sensor answers as the seed tells, and sends its datagrams', async () => {
  const hub = await startFakeHub();
  const sensor = new Sensor({ ...at(hub), schedule: new ReportSchedule({ periodMs: 160 }) });
  const screenNeeds: SimulatedDevice = sensor;
  cleanUpWith(() => sensor.disconnect());
  assert.equal(screenNeeds.connect(), true);
  const connection = await handshake(hub, SENSOR_DESCRIPTION);
  await ask(connection, 4, "{'Descrição': 'Sensor de temperatura', 'Status': 'Desligado'}");
  await ask(connection, 2, "'Dispositivo já está desligado'");
  await sleep(250);
  assert.equal(hub.datagrams.length, 0, 'without a temperature it sends nothing');
  sensor.setTemperature(-49);
  await until('the invalid datagram', () => hub.datagrams[0]);
  const off = 'Dispositivo desligado, não é possível coletar os dados';
  assert.equal(hub.datagrams[0]?.text, `{'Válido': False, 'Justificativa': '${off}'}`);
  await ask(connection, 1, "'Dispositivo ligado'");
  await ask(connection, 1, "'Dispositivo já está ligado'");
  assert.equal(sensor.isOn, true);
  const from = hub.datagrams.length;
  await until('two more datagrams', () => hub.datagrams.length >= from + 2);
  assert.equal(hub.datagrams.at(-1)?.text, "{'Temperatura': '-49°C', 'Válido': True}");
  await ask(connection, 3, "{'Temperatura': '-49°C'}");
  await ask(connection, 2, "'Dispositivo desligado'");
  await ask(connection, 5, "'Comando inválido'");
  await sensor.disconnect();
  await connection.closed();
  const count = hub.datagrams.length;
  await sleep(250);
  assert.equal(hub.datagrams.length, count, 'when disconnected it sends nothing');
});

test('the radio answers as the seed tells', async () => {
  const hub = await startFakeHub();
  const radio = new Radio(at(hub));
  const screenNeeds: SimulatedDevice = radio;
  cleanUpWith(() => radio.disconnect());
  assert.equal(screenNeeds.connect(hub.address), true);
  const connection = await handshake(hub, RADIO_DESCRIPTION);
  const describe = (status: string, song: string, playing: string): string =>
    `{'Descrição': 'Aparelho de som via internet', 'Status do dispositivo': '${status}', 'Música atual': '${song}', 'Status da música': '${playing}'}`;
  await ask(connection, 6, describe('Desligado', '-----', '-------'));
  await ask(connection, 4, "'Nenhuma música foi selecionada'");
  await ask(connection, 3, "'Música selecionada'", 'Águas');
  await ask(connection, 5, "'Aparelho desligado, não tem como modificar status da música'");
  await ask(connection, 6, describe('Desligado', 'Águas', 'Pausada'));
  await ask(connection, 1, "'Dispositivo ligado'");
  await ask(connection, 4, "'A música já está tocando'");
  await ask(connection, 5, "'A música foi pausada'");
  await ask(connection, 5, "'A música já está pausada'");
  await ask(connection, 4, "'A música foi colocada para tocar'");
  await ask(connection, 3, "'Nenhuma música foi selecionada'", ' ');
  await ask(connection, 6, describe('Ligado', 'Águas', 'Tocando'));
  await ask(connection, 2, "'Dispositivo desligado'");
  await ask(connection, 6, describe('Desligado', 'Águas', 'Pausada'));
  assert.equal(radio.connect('not an address'), false);
});

test('in version 2 the sensor signs its datagrams, and the radio fails with its own codes', async () => {
  const hub = await startFakeHub();
  const schedule = new ReportSchedule({ periodMs: 80 });
  const sensor = new Sensor({ ...at(hub), protocol: 2, id: 's1', isOn: true, wave: new Wave(), schedule });
  const radio = new Radio({ ...at(hub), protocol: 2, isOn: true });
  cleanUpWith(() => Promise.all([sensor.disconnect(), radio.disconnect()]));
  const welcome = { ok: true, session: 's', keepAliveMs: 10_000, udpKey: 'AAAA' };
  sensor.connect();
  const first = await hub.accept();
  const hello = await first.takeLine();
  assert.equal(hello['id'], 's1');
  first.sendLine({ ...welcome, id: 's1' });
  const datagram = await until('a datagram', () => hub.datagrams[0]);
  const { telemetry } = JSON.parse(datagram.text) as { telemetry: { temperature: number; on: boolean } };
  assert.ok(Number.isInteger(telemetry.temperature) && telemetry.on, datagram.text);
  first.sendLine({ cmd: '1', name: 'turnOff' });
  assert.deepEqual(await first.takeLine(), { event: 'switched', data: { on: false } });
  assert.deepEqual(await first.takeLine(), { re: '1', output: { changed: true, on: false } });

  radio.connect();
  const second = await hub.accept();
  assert.match(String((await second.takeLine())['id']), /^radio-[0-9a-z]{4}$/);
  second.sendLine({ ...welcome, id: 'r1' });
  second.sendLine({ cmd: '2', name: 'play' });
  assert.deepEqual(await second.takeLine(), {
    re: '2',
    error: { code: 'NO_SONG', message: 'Choose a song first: invoke setSong.', status: 409 },
  });
  second.sendLine({ cmd: '3', name: 'setSong', input: 'Águas' });
  const data = { song: 'Águas', playing: true };
  assert.deepEqual(await second.takeLine(), { event: 'songChanged', data });
  assert.deepEqual(await second.takeLine(), { re: '3', output: { on: true, ...data } });
});

test('a hub that hangs up without giving an id raises the question of its trusted networks', async () => {
  const hub = await startFakeHub();
  const sensor = new Sensor({ ...at(hub), retryMs: 30, schedule: new ReportSchedule() });
  cleanUpWith(() => sensor.disconnect());
  sensor.connect();
  (await hub.accept()).socket.destroy();
  await until('the reason', () => sensor.state.reason === 'no-id');
  assert.match(
    sensor.state.message,
    /without giving an id\. Is this machine in the hub's trustedNetworks\?$/,
  );
});

test('a fleet connects a few at a time, counts its states, and comes back when the hub does', async () => {
  const hub = await startFakeHub();
  const fast = { retryMs: 30, silenceMs: 60_000 };
  const fleet = new Fleet({ ...at(hub), ...fast, kind: 'sensor', count: 150, isOn: true, isWave: true });
  cleanUpWith(() => fleet.disconnect());
  let changes = 0;
  fleet.watch(() => changes++);
  fleet.connect();
  await until('the first wave', () => hub.connections.length >= 64);
  await sleep(50);
  assert.equal(hub.connections.length, 64, 'no more than 64 at once');
  const serve = (): void => {
    for (const connection of hub.connections) {
      if (connection.received === 'Conexão') connection.send('DE1');
      else if (connection.received === 'Checagem') connection.send('Desconectado');
    }
  };
  await until('all online', () => (serve(), fleet.summary.online === 150));
  assert.deepEqual(fleet.summary, {
    count: 150,
    online: 150,
    offline: 0,
    connecting: 0,
    waiting: 0,
    lastTrouble: '',
  });
  await until('datagrams of all', () => new Set(hub.datagrams.map(({ port }) => port)).size === 150);
  await hub.die();
  await until('none is online', () => fleet.summary.online === 0 && fleet.summary.waiting > 0);
  assert.match(fleet.summary.lastTrouble, /Nothing listens/);
  hub.connections.length = 0;
  await hub.revive();
  await until('all back', () => (serve(), fleet.summary.online === 150));
  await fleet.disconnect();
  assert.equal(fleet.summary.offline, 150);
  assert.ok(changes > 450);
});
