import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

/** `FUZZ_SEED=…` repeats a run. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
const SESSIONS = 3000;
const DATAGRAMS = 20_000;

const SEEDS = [
  `Conexão${JSON.stringify(RADIO_DESCRIPTION)}Recebido{'Resposta': 'Dispositivo ligado'}Recebido`,
  "Conexão{'1': {'Descrição': 'it\\'s \\u00e7', 'Entrada': '', 'Método HTTP': 'GET', 'Coleta de dados UDP': True}}",
  'ChecagemConexão',
  '{"recado":2,"id":"fuzz","description":{"commands":{"a":{"kind":"read","input":{"type":"object","properties":{"x":{"type":"integer"}}}}}}}\n{"telemetry":{"t":1.5},"at":"2026-11-22T10:00:00Z"}\n{"ping":1}\n{"re":"x","output":[1,{"a":null}]}\n',
].map((text) => Buffer.from(text));

const DATAGRAM_SEEDS = [
  "{'Temperatura': '25°C', 'Válido': True}",
  "{'Válido': False, 'Justificativa': 'Dispositivo desligado'}",
  '{"telemetry":{"t":1},"id":"fuzz","seq":1,"mac":"OV3-K2KGmqAj44lNVw_eAn6-VhjVtHCLUTNCg1P2Eek"}',
].map((text) => Buffer.from(text));

const INTERESTING = [
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  "'",
  '"',
  '\\',
  '\n',
  '\0',
  ',',
  ':',
  'Recebido',
  'Conexão',
  '{"recado":2',
  '\xff',
];

/** Mulberry32: small, good enough, and the same everywhere. */
function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Flips, cuts, repeats, swaps in brackets and quotes: what a broken or hostile device might send. */
function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = random(5); changes > 0; changes--) {
    const at = random(result.length + 1);
    const length = random(12);
    const [head, tail] = [result.subarray(0, at), result.subarray(at)];
    switch (random(5)) {
      case 0:
        if (at < result.length) result[at] = random(256);
        break;
      case 1:
        result = Buffer.concat([head, tail.subarray(length)]);
        break;
      case 2:
        result = Buffer.concat([
          head,
          Buffer.from(INTERESTING[random(INTERESTING.length)] ?? '', 'latin1'),
          tail,
        ]);
        break;
      case 3:
        result = Buffer.concat([
          head,
          ...Array.from({ length: random(40) }, () => tail.subarray(0, length)),
          tail,
        ]);
        break;
      default:
        result = Buffer.from(head);
    }
  }
  return result;
}

test(`mutated sessions and datagrams disturb nobody (seed ${seed})`, { timeout: 120_000 }, async (t) => {
  const random = randomFrom(seed);
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.handshakeTimeoutMs = 2000;
    config.gateways.socket.messageTimeoutMs = 300;
  });
  const good = await WireDevice.connect(t, hub.tcpPort, '127.0.0.2');
  await good.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE2'));
  good.serve((command) => `{'Resposta': 'echo ${command.Entrada ?? ''}'}`);

  const udp = createSocket('udp4');
  t.after(() => udp.close());
  for (let session = 0; session < SESSIONS; session += 50) {
    await Promise.all(Array.from({ length: 50 }, () => playSession(hub.tcpPort, random)));
    for (let count = 0; count < (DATAGRAMS * 50) / SESSIONS; count++) {
      udp.send(
        mutate(DATAGRAM_SEEDS[random(DATAGRAM_SEEDS.length)] ?? Buffer.alloc(0), random),
        hub.udpPort,
        '127.0.0.1',
      );
    }
    const { body } = await hub.call('PATCH', `/devices/DE2/commands/3/${session}`);
    assert.deepEqual(body, { Resposta: `echo ${session}` });
  }
  await until('only the good device is left', () => hub.counters['connectionsOpen'] === 1);
  assert.deepEqual((await hub.call('GET', '/devices')).body, ['DE2']);
  assert.equal(hub.logged.filter((line) => line.level === 'error').length, 0);
  assert.ok((hub.counters['datagramsReceived'] ?? 0) > DATAGRAMS / 2);
});

/** Sends one mutated session in random pieces, then leaves: politely, at once, or by a reset. */
async function playSession(port: number, random: (below: number) => number): Promise<void> {
  const bytes = mutate(SEEDS[random(SEEDS.length)] ?? Buffer.alloc(0), random);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('error', () => {});
  });
  socket.resume();
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random(random(2) === 0 ? 8 : 4096);
    socket.write(bytes.subarray(at, at + length));
    at += length;
    if (random(4) === 0) await new Promise((resolve) => void setImmediate(resolve));
  }
  const farewell = random(3);
  if (farewell === 0) socket.end();
  else if (farewell === 1) socket.resetAndDestroy();
  else setTimeout(() => socket.destroy(), random(20));
  await closed;
}
