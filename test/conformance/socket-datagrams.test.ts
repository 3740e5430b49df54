import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { datagramSender, RADIO_DESCRIPTION, SENSOR_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

const VALID = "{'Temperatura': '25°C', 'Válido': True}";
const INVALID = "{'Válido': False, 'Justificativa': 'Dispositivo desligado, não tem como medir'}";

async function join(
  t: TestContext,
  hub: TestHub,
  address: string,
  description: unknown,
): Promise<{ device: WireDevice; id: string }> {
  const device = await WireDevice.connect(t, hub.tcpPort, address);
  const id = await device.handshake(description);
  await until(`${id} is listed`, async () => (await hub.call('GET', '/devices')).body.includes(id));
  return { device, id };
}

const readings = async (
  hub: TestHub,
  id: string,
): Promise<{ metric: string; value: unknown; unit: string | null }[]> =>
  (await hub.call('GET', `/api/v1/devices/${id}/telemetry`)).body.readings;

const latestIs = (hub: TestHub, id: string, value: unknown) => () =>
  readings(hub, id).then((list) => list.some((reading) => reading.value === value));

test('a read over UDP answers with the next datagram, without Válido', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  await send("{'Temperatura': '24°C', 'Válido': True}");
  await until('the first datagram', latestIs(hub, id, 24));
  const call = hub.call('GET', `/devices/${id}/commands/3`);
  await until('the read waits', () => (hub.server.hub.devices.get(id)?.lane.inFlight ?? 0) === 0);
  const again = setInterval(() => void send(VALID), 20);
  t.after(() => clearInterval(again));
  assert.deepEqual((await call).body, { Resposta: { Temperatura: '25°C' } });
  const [reading] = await readings(hub, id);
  assert.deepEqual([reading?.metric, reading?.value, reading?.unit], ['Temperatura', 25, '°C']);
});

test('an invalid datagram answers with its Justificativa; v1 says device-error', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  await send(VALID);
  await until('a reading', latestIs(hub, id, 25));
  const again = setInterval(() => void send(INVALID), 20);
  t.after(() => clearInterval(again));
  const seed = await hub.call('GET', `/devices/${id}/commands/3`);
  assert.equal(seed.status, 200);
  assert.deepEqual(seed.body, { Resposta: 'Dispositivo desligado, não tem como medir' });
  const v1 = await hub.call('POST', `/api/v1/devices/${id}/commands/retornar-medida-de-temperatura`, {});
  assert.equal(v1.status, 502);
  assert.equal(v1.body.code, 'DEVICE_ERROR');
  assert.equal(v1.body.device.message, 'Dispositivo desligado, não tem como medir');
  const telemetry = (await hub.call('GET', `/api/v1/devices/${id}/telemetry`)).body;
  assert.equal(telemetry.unavailable.reason, 'Dispositivo desligado, não tem como medir');
  assert.equal(telemetry.readings[0].value, 25, 'the reading before stays, with its time');
});

test('a read over UDP that gets no datagram in 2 s says so, and disturbs no command meanwhile', async (t) => {
  const hub = await startTestHub(t, (config) => assert.equal(config.gateways.socket.datagramWaitMs, 2000));
  const { id, device } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  device.serve(() => "{'Resposta': 'Dispositivo ligado'}");
  const begun = performance.now();
  const ended: string[] = [];
  const read = async () => {
    const answer = await hub.call('GET', `/devices/${id}/commands/3`);
    ended.push('read');
    return answer;
  };
  const reads = Promise.all([read(), read()]);
  const v1 = hub.call('POST', `/api/v1/devices/${id}/commands/retornar-medida-de-temperatura`);
  assert.deepEqual((await hub.call('POST', `/devices/${id}/commands/1`)).body, {
    Resposta: 'Dispositivo ligado',
  });
  assert.deepEqual(ended, [], 'the command did not wait for the reads');
  for (const read of await reads) {
    assert.equal(read.status, 200);
    assert.deepEqual(read.body, { Resposta: 'Não foram retornados dados do dispositivo' });
  }
  const waited = performance.now() - begun;
  assert.ok(waited > 1900, `waited ${waited} ms`);
  assert.equal((await v1).body.code, 'ANSWER_TIMEOUT');
});

test('datagrams are attributed by source address', async (t) => {
  const hub = await startTestHub(t);
  const one = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const two = await join(t, hub, '127.0.0.12', SENSOR_DESCRIPTION);
  const sendOne = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  const sendTwo = await datagramSender(t, hub.udpPort, { address: '127.0.0.12' });
  await sendOne("{'Temperatura': '11°C', 'Válido': True}");
  await sendTwo("{'Temperatura': '12°C', 'Válido': True}");
  await until('11 for the first', latestIs(hub, one.id, 11));
  await until('12 for the second', latestIs(hub, two.id, 12));
});

test('one address, one device with a UDP command: it is its datagram', async (t) => {
  const hub = await startTestHub(t);
  const radio = await join(t, hub, '127.0.0.11', RADIO_DESCRIPTION);
  const sensor = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  await send(VALID);
  await until('the sensor has it', latestIs(hub, sensor.id, 25));
  assert.deepEqual(await readings(hub, radio.id), []);
});

test('one address, two sensors: told apart by the port of their TCP connection', async (t) => {
  const hub = await startTestHub(t);
  const sensors = [
    await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION),
    await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION),
  ];
  for (const [index, { device, id }] of sensors.entries()) {
    const send = await datagramSender(t, hub.udpPort, {
      address: '127.0.0.11',
      port: device.socket.localPort ?? 0,
    });
    await send(`{'Temperatura': '${index + 1}°C', 'Válido': True}`);
    await until(`${id} has its own`, latestIs(hub, id, index + 1));
  }
  assert.equal((await readings(hub, sensors[0]?.id ?? ''))[0]?.value, 1);
});

test('one address, two sensors that come one after the other: neither gets the datagrams of the other', async (t) => {
  const hub = await startTestHub(t);
  const sendA = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  const sendB = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  // After a restart of the hub, B is back first, and A has not noticed yet.
  const b = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  await sendA("{'Temperatura': '1°C', 'Válido': True}");
  await sendB("{'Temperatura': '2°C', 'Válido': True}");
  await until('both came', () => hub.counters['datagramsReceived'] === 2);
  const a = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  await sendA("{'Temperatura': '3°C', 'Válido': True}");
  await sendB("{'Temperatura': '4°C', 'Válido': True}");
  await until('both are dropped', () => hub.counters['datagramsDroppedAmbiguous'] === 2);
  assert.deepEqual(await readings(hub, a.id), []);
  assert.equal((await readings(hub, b.id))[0]?.value, 2);
});

test('one address, two sensors whose ports are not known: dropped, counted, and said once', async (t) => {
  const hub = await startTestHub(t);
  const first = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const second = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  for (let index = 0; index < 5; index++) await send(VALID);
  await until('all are counted', () => hub.counters['datagramsDroppedAmbiguous'] === 5);
  assert.deepEqual(await readings(hub, first.id), []);
  assert.deepEqual(await readings(hub, second.id), []);
  assert.equal(hub.logged.filter((line) => line.text.includes('cannot be told whose')).length, 1);
});

test('a device that left is not mistaken for the one that stayed', async (t) => {
  const hub = await startTestHub(t);
  const stays = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const leaves = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const port = leaves.device.socket.localPort ?? 0;
  const sendLeft = await datagramSender(t, hub.udpPort, { address: '127.0.0.11', port });
  await sendLeft("{'Temperatura': '7°C', 'Válido': True}");
  await until('attributed', latestIs(hub, leaves.id, 7));
  leaves.device.socket.destroy();
  await until('gone', async () => !(await hub.call('GET', '/devices')).body.includes(leaves.id));
  await sendLeft("{'Temperatura': '8°C', 'Válido': True}");
  await until('dropped', () => hub.counters['datagramsDroppedAmbiguous'] === 1);
  assert.deepEqual(await readings(hub, stays.id), []);
});

test('datagrams from addresses without a connection are dropped and counted', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.12' });
  await send(VALID);
  await send(VALID);
  await until('counted', () => hub.counters['datagramsDroppedUnknownAddress'] === 2);
  assert.deepEqual(await readings(hub, id), []);
});

test('datagrams that cannot be read are dropped and counted', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  const bad = [
    '',
    '[]',
    'x',
    "{'Temperatura': ",
    '{'.repeat(500),
    "{'a': __import__('os')}",
    Buffer.from([0x7b, 0x27, 0xff, 0x27, 0x3a, 0x31, 0x7d]),
  ];
  for (const datagram of bad) await send(datagram);
  await until('counted', () => hub.counters['datagramsDroppedInvalid'] === bad.length);
  await send(VALID);
  await until('the next good one is taken', latestIs(hub, id, 25));
});

test('a device with more metrics than the hub keeps: the rest is refused and counted', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.11' });
  const metrics = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`m${index}`, index]));
  await send(JSON.stringify(metrics));
  await send(JSON.stringify({ long: 'x'.repeat(2000), ['n'.repeat(200)]: 1 }));
  await until('counted', () => hub.counters['readingsRefused'] === 300 - 256 + 2);
  assert.equal((await readings(hub, id)).length, 256);
});

test('too many reads for one datagram are refused, and one caller may have half of the places', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.datagramWaitMs = 500;
  });
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  const read = (caller: string) => hub.server.hub.invoke(id, 'retornar-medida-de-temperatura', { caller });
  const codes = async (calls: ReturnType<typeof read>[]) =>
    (await Promise.all(calls)).map((outcome) => (outcome.ok ? 'ok' : outcome.failure.code));
  const greedy = Array.from({ length: 600 }, () => read('greedy'));
  const others = Array.from({ length: 513 }, (_, index) => read(`caller ${index}`));
  const greedyCodes = await codes(greedy);
  assert.equal(greedyCodes.filter((code) => code === 'TOO_MANY_INVOCATIONS').length, 600 - 512);
  const otherCodes = await codes(others);
  assert.equal(otherCodes.filter((code) => code === 'ANSWER_TIMEOUT').length, 512);
  assert.equal(hub.counters['datagramWaitersRefused'], 600 - 512 + 1);
});

test('reads whose callers left give their places back', async (t) => {
  const hub = await startTestHub(t);
  const { id } = await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  for (let count = 0; count < 2000; count++) {
    const signal = AbortSignal.abort();
    const outcome = await hub.server.hub.invoke(id, 'retornar-medida-de-temperatura', { signal });
    assert.equal(outcome.ok ? 'ok' : outcome.failure.code, 'INVOCATION_CANCELLED');
  }
});
