import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, SENSOR_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

/** The description as the first programs send it: `str()` of a Python dictionary. */
const PYTHON_DESCRIPTION =
  "{'1': {'Descrição': 'Ligar', 'Entrada': '', 'Método HTTP': 'POST', 'Coleta de dados UDP': False}, " +
  "'2': {'Descrição': \"Say it's on\", 'Entrada': 'Música', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': True}}";

const isListed = async (hub: Awaited<ReturnType<typeof startTestHub>>, id: string): Promise<boolean> =>
  ((await hub.call('GET', '/devices')).body as string[]).includes(id);

test('connect: the id is DE and the last part of the address', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.11');
  device.send('Conexão');
  await device.expect('DE11');
});

test('describe: Python literal and JSON are both read, and given back as JSON', async (t) => {
  const hub = await startTestHub(t);
  const python = await WireDevice.connect(t, hub.tcpPort, '127.0.0.21');
  python.send('Conexão');
  await python.expect('DE21');
  python.send(PYTHON_DESCRIPTION);
  const json = await WireDevice.connect(t, hub.tcpPort, '127.0.0.22');
  await json.handshake(SENSOR_DESCRIPTION);
  await until('both are listed', async () => (await isListed(hub, 'DE21')) && (await isListed(hub, 'DE22')));
  assert.deepEqual((await hub.call('GET', '/devices/DE21/commands/description')).body, {
    '1': { Descrição: 'Ligar', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
    '2': { Descrição: "Say it's on", Entrada: 'Música', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': true },
  });
  assert.deepEqual((await hub.call('GET', '/devices/DE22/commands/description')).body, SENSOR_DESCRIPTION);
});

test('the handshake may be split in every position, also inside a letter', async (t) => {
  const hub = await startTestHub(t);
  const bytes = Buffer.from(`Conexão${PYTHON_DESCRIPTION}`);
  const word = Buffer.byteLength('Conexão');
  const splits = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
  let connected = 0;
  for (let from = 0; from < splits.length; from += 40) {
    const devices = await Promise.all(
      splits.slice(from, from + 40).map(async (split) => {
        const device = await WireDevice.connect(t, hub.tcpPort);
        if (split < word) {
          await device.sendApart(bytes.subarray(0, split), bytes.subarray(split, word));
          await until('receive an id', () => device.text.startsWith('DE1'));
          device.send(bytes.subarray(word));
        } else {
          await device.sendApart(bytes.subarray(0, split), bytes.subarray(split));
        }
        return device;
      }),
    );
    connected += devices.length;
    const expected = devices.length;
    await until(
      'all of this batch are listed',
      async () => (await hub.call('GET', '/devices')).body.length === expected,
    );
    for (const device of devices) device.socket.destroy();
    await until(
      'all of this batch have left',
      async () => (await hub.call('GET', '/devices')).body.length === 0,
    );
  }
  assert.equal(connected, bytes.length - 1);
  assert.equal(hub.counters['handshakesFailed'], 0);
});

test('keep alive: {"Comando": "0"} comes every period, and Recebido keeps the device', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.keepAliveMs = 100;
    // The next one comes only when this one was answered, however long that may take.
    config.gateways.socket.keepAliveTimeoutMs = 600_000;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  for (let round = 0; round < 6; round++) {
    await device.expect('{"Comando":"0"}');
    // Split, as any message may be.
    await device.sendApart('Rece', 'bido');
  }
  assert.deepEqual((await hub.call('GET', '/devices')).body, ['DE1']);
});

test('keep alive: without an answer the connection is closed and the device leaves the list', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.keepAliveMs = 100;
    config.gateways.socket.keepAliveTimeoutMs = 200;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await device.closed();
  assert.deepEqual((await hub.call('GET', '/devices')).body, []);
  const { presence } = (await hub.call('GET', '/api/v1/devices/DE1')).body;
  assert.equal(presence.status, 'offline');
  assert.equal(presence.reason, 'keep-alive-timeout');
  assert.equal(presence.sequence, 2);
  assert.equal(hub.counters['keepAliveTimeouts'], 1);
});

test('command: Entrada stands in it only when the command takes input', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const post = hub.call('POST', '/devices/DE1/commands/1');
  await device.expect('{"Comando":"1"}');
  device.send("{'Resposta': 'Dispositivo ligado'}");
  assert.deepEqual((await post).body, { Resposta: 'Dispositivo ligado' });

  const patch = hub.call(
    'PATCH',
    `/devices/DE1/commands/3/${encodeURIComponent('Águas de Março "ao vivo"')}`,
  );
  await device.expect('{"Comando":"3","Entrada":"Águas de Março \\"ao vivo\\""}');
  device.send(`{"Resposta": {"Música atual": "Águas de Março"}}`);
  assert.deepEqual((await patch).body, { Resposta: { 'Música atual': 'Águas de Março' } });
});

test('command: an answer may be split in every position', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const answer = Buffer.from("{'Resposta': {'Descrição': 'it\\'s {on}', 'x': [1, (2, 3), None]}}");
  for (let split = 1; split < answer.length; split++) {
    const call = hub.call('POST', '/devices/DE1/commands/1');
    await device.expect('{"Comando":"1"}');
    await device.sendApart(answer.subarray(0, split), answer.subarray(split));
    assert.deepEqual(
      (await call).body,
      { Resposta: { Descrição: "it's {on}", x: [1, [2, 3], null] } },
      `split at ${split}`,
    );
  }
});

test('command: an answer glued to a keep-alive answer and to one that nobody asked for', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const first = hub.call('POST', '/devices/DE1/commands/1');
  const second = hub.call('POST', '/devices/DE1/commands/2');
  await device.expect('{"Comando":"1"}');
  // The second answer in the same bytes is nobody's: the second caller must not get it.
  device.send("Recebido{'Resposta': 'first'}{'Resposta': 'stray'}");
  assert.deepEqual((await first).body, { Resposta: 'first' });
  await device.expect('{"Comando":"2"}');
  device.send("{'Resposta': 'second'}");
  assert.deepEqual((await second).body, { Resposta: 'second' });
  assert.equal(hub.counters['messagesUnasked'], 2);
});

test('a stray answer that has only begun holds the next command back until it is complete', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const first = hub.call('POST', '/devices/DE1/commands/1');
  const second = hub.call('POST', '/devices/DE1/commands/2');
  await device.expect('{"Comando":"1"}');
  device.send("{'Resposta': 'first'}{'Resposta': 'st");
  assert.deepEqual((await first).body, { Resposta: 'first' });
  assert.equal(device.text, '');
  device.send("ray'}");
  await device.expect('{"Comando":"2"}');
  device.send("{'Resposta': 'second'}");
  assert.deepEqual((await second).body, { Resposta: 'second' });
});

test('check: Conectado when the only connection of the address is good, else Desconectado', async (t) => {
  const hub = await startTestHub(t);
  const nobody = await WireDevice.connect(t, hub.tcpPort, '127.0.0.31');
  nobody.send('Checagem');
  await nobody.expect('Desconectado');

  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.32');
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE32'));
  const check = await WireDevice.connect(t, hub.tcpPort, '127.0.0.32');
  await check.sendApart('Check'.slice(0, 2), 'ecagem');
  await check.expect('Conectado');
  // A program may go on with the same connection.
  check.send('Conexão');
  await check.expect('DE32-2');
  check.send(JSON.stringify(RADIO_DESCRIPTION));
  await until('listed', () => isListed(hub, 'DE32-2'));

  const two = await WireDevice.connect(t, hub.tcpPort, '127.0.0.32');
  two.send('Checagem');
  await two.expect('Desconectado');
  assert.equal(hub.counters['checksAnswered'], 3);
});

test('check: a connection that has been silent too long is not good', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.keepAliveMs = 150;
    config.gateways.socket.keepAliveTimeoutMs = 300;
    config.gateways.socket.answerTimeoutMs = 60_000;
  });
  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.33');
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE33'));
  // A command that is never answered keeps the connection, but the device is not heard from.
  const call = hub.call('POST', '/api/v1/devices/DE33/commands/ligar', { timeoutMs: 2000 });
  await until('silent for long', async () => {
    const check = await WireDevice.connect(t, hub.tcpPort, '127.0.0.33');
    check.send('Checagem');
    await until('an answer', () => check.text !== '');
    return check.text === 'Desconectado';
  });
  assert.equal((await call).status, 504);
});

test('ids: several devices share an address, and one that comes back gets its old id', async (t) => {
  const hub = await startTestHub(t);
  const devices: WireDevice[] = [];
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) {
    const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.41');
    ids.push(await device.handshake());
    devices.push(device);
  }
  assert.deepEqual(ids, ['DE41', 'DE41-2', 'DE41-3']);
  await until('listed', () => isListed(hub, 'DE41-3'));
  devices[1]?.socket.destroy();
  await until('gone', async () => !(await isListed(hub, 'DE41-2')));
  const back = await WireDevice.connect(t, hub.tcpPort, '127.0.0.41');
  assert.equal(await back.handshake(), 'DE41-2');
  await until('listed', () => isListed(hub, 'DE41-2'));
  assert.equal((await hub.call('GET', '/api/v1/devices/DE41-2')).body.presence.reason, 'reconnected');
});

test('ids: addresses that end in the same number do not collide, also when one has left', async (t) => {
  const hub = await startTestHub(t);
  const here = await WireDevice.connect(t, hub.tcpPort, '127.0.0.51');
  assert.equal(await here.handshake(), 'DE51');
  const there = await WireDevice.connect(t, hub.tcpPort, '127.0.1.51');
  assert.equal(await there.handshake(), 'DE51-2');
  await until('listed', () => isListed(hub, 'DE51-2'));
  here.socket.destroy();
  await until('gone', async () => !(await isListed(hub, 'DE51')));
  const other = await WireDevice.connect(t, hub.tcpPort, '127.0.2.51');
  assert.equal(await other.handshake(), 'DE51-3');
  const back = await WireDevice.connect(t, hub.tcpPort, '127.0.0.51');
  assert.equal(await back.handshake(), 'DE51');
});

test('one command at a time: 32 callers, 400 commands, no mixed answer', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.keepAliveMs = 100;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  device.serve((command) => `{'Resposta': 'echo ${command.Entrada ?? command.Comando}'}`);
  const wrong: unknown[] = [];
  let done = 0;
  const caller = async (who: number): Promise<void> => {
    for (let round = 0; round < 400 / 32; round++) {
      const value = `${who}-${round}`;
      const { status, body } = await hub.call('PATCH', `/devices/DE1/commands/3/${value}`);
      if (status !== 200 || body.Resposta !== `echo ${value}`) wrong.push({ value, status, body });
      done++;
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, who) => caller(who)));
  assert.deepEqual(wrong, []);
  assert.ok(done >= 400, `${done} commands`);
});

test('a caller that gives up early does not hand its answer to the next one', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const impatient = await hub.call('POST', '/api/v1/devices/DE1/commands/ligar', { timeoutMs: 50 });
  assert.equal(impatient.status, 504);
  assert.equal(impatient.body.code, 'ANSWER_TIMEOUT');
  assert.equal(impatient.body.phase, 'sent');
  assert.equal(impatient.body.safeToRetry, false);
  const next = hub.call('POST', '/api/v1/devices/DE1/commands/desligar', {});
  await device.expect('{"Comando":"1"}');
  device.send("{'Resposta': 'late'}");
  await device.expect('{"Comando":"2"}');
  device.send("{'Resposta': 'right'}");
  assert.equal((await next).body.output, 'right');
  assert.equal(hub.server.hub.devices.counters.lateAnswers, 1);
});

test('an answer that never comes closes the connection, and who waits behind is told', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.answerTimeoutMs = 300;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const first = hub.call('POST', '/api/v1/devices/DE1/commands/ligar', { timeoutMs: 300 });
  await device.expect('{"Comando":"1"}');
  const second = hub.call('POST', '/api/v1/devices/DE1/commands/desligar', { timeoutMs: 60_000 });
  assert.equal((await first).body.code, 'ANSWER_TIMEOUT');
  await device.closed();
  const behind = await second;
  assert.equal(behind.status, 503);
  assert.equal(behind.body.code, 'DEVICE_OFFLINE');
  assert.equal(behind.body.safeToRetry, true);
  assert.equal(behind.headers.get('retry-after'), '5');
  assert.equal((await hub.call('GET', '/api/v1/devices/DE1')).body.presence.reason, 'answer-timeout');
});

test('an answer has answerTimeoutMs to come, however long its caller would wait', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.answerTimeoutMs = 300;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const { status, body } = await hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {
    timeoutMs: 600_000,
  });
  assert.equal(status, 504);
  assert.equal(body.code, 'ANSWER_TIMEOUT');
  assert.match(body.detail, /answerTimeoutMs/);
  await device.closed();
});

test('a device that leaves in the middle of a command: the caller is told at once', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const call = hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {});
  await device.expect('{"Comando":"1"}');
  device.socket.destroy();
  const { status, body } = await call;
  assert.equal(status, 502);
  assert.equal(body.code, 'DEVICE_LOST');
  assert.equal(body.phase, 'sent');
  assert.equal(body.safeToRetry, false);
});

test('an HTTP caller that leaves while it waits in the queue is never sent', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const first = hub.call('POST', '/devices/DE1/commands/1');
  await device.expect('{"Comando":"1"}');
  const leaving = new AbortController();
  const second = fetch(`${hub.url}/devices/DE1/commands/2`, { method: 'POST', signal: leaving.signal }).catch(
    () => 'left',
  );
  await until('the second waits', () => hub.server.hub.devices.get('DE1')?.lane.queued === 1);
  leaving.abort();
  assert.equal(await second, 'left');
  await until('it is out of the queue', () => hub.server.hub.devices.get('DE1')?.lane.queued === 0);
  const third = hub.call('POST', '/devices/DE1/commands/4');
  device.send("{'Resposta': '1'}");
  await first;
  await device.expect('{"Comando":"4"}');
  device.send("{'Resposta': '4'}");
  assert.deepEqual((await third).body, { Resposta: '4' });
});

test('a full queue refuses with 429 and says when to come back', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.devices.maxQueuedInvocations = 4;
    config.devices.maxQueuedPerCaller = 3;
  });
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  const calls = [hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {})];
  await device.expect('{"Comando":"1"}');
  for (let index = 0; index < 3; index++)
    calls.push(hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {}));
  await until('three wait', () => hub.server.hub.devices.get('DE1')?.lane.queued === 3);
  const refused = await hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {});
  assert.equal(refused.status, 429);
  assert.equal(refused.body.code, 'TOO_MANY_INVOCATIONS');
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.deepEqual((await hub.call('POST', '/devices/DE1/commands/1')).body, {
    Resposta: 'Muitas requisições para o dispositivo',
  });
  assert.equal(hub.server.hub.devices.counters.invocationsRefused, 2);
  device.serve(() => "{'Resposta': 'ok'}");
  device.send("{'Resposta': 'ok'}");
  assert.deepEqual(
    (await Promise.all(calls)).map((call) => call.body.output),
    ['ok', 'ok', 'ok', 'ok'],
  );
});

test('when the hub stops, connections end', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort);
  await device.handshake();
  await until('listed', () => isListed(hub, 'DE1'));
  assert.equal(await hub.server.close(), true);
  await device.closed();
});
