import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

async function radio(t: TestContext, hub: TestHub, address = '127.0.0.11'): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort, address);
  const id = await device.handshake(RADIO_DESCRIPTION);
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes(id));
  return device;
}

test('HEAD / → 200', async (t) => {
  const hub = await startTestHub(t);
  assert.equal((await fetch(`${hub.url}/`, { method: 'HEAD' })).status, 200);
});

test('GET /devices and /devices/ → the ids of those connected', async (t) => {
  const hub = await startTestHub(t);
  assert.deepEqual((await hub.call('GET', '/devices')).body, []);
  await radio(t, hub, '127.0.0.11');
  const second = await radio(t, hub, '127.0.0.12');
  for (const path of ['/devices', '/devices/']) {
    const { status, text, headers } = await hub.call('GET', path);
    assert.equal(status, 200);
    assert.equal(text, '["DE11","DE12"]');
    assert.equal(headers.get('content-type'), JSON_TYPE);
  }
  second.socket.destroy();
  await until('it leaves the list', async () => (await hub.call('GET', '/devices')).text === '["DE11"]');
});

test('GET description → exactly as the device sent it', async (t) => {
  const hub = await startTestHub(t);
  const device = await WireDevice.connect(t, hub.tcpPort, '127.0.0.11');
  const odd = {
    '1': {
      Descrição: 'Ligar',
      Entrada: '',
      'Método HTTP': 'POST',
      'Coleta de dados UDP': false,
      Extra: [1, null, { a: 'ção' }],
    },
  };
  await device.handshake(odd);
  await until('listed', async () => (await hub.call('GET', '/devices')).body.length === 1);
  const answer = await hub.call('GET', '/devices/DE11/commands/description');
  assert.deepEqual(answer.body, odd);
  assert.equal(answer.headers.get('content-type'), JSON_TYPE);
});

test('GET, POST and PATCH commands → {"Resposta": …}', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  device.serve((command) => JSON.stringify({ Resposta: command.Entrada ?? { Comando: command.Comando } }));
  const base = '/devices/DE11/commands';
  assert.deepEqual((await hub.call('GET', `${base}/6`)).body, { Resposta: { Comando: '6' } });
  assert.deepEqual((await hub.call('POST', `${base}/1`)).body, { Resposta: { Comando: '1' } });
  const post = await fetch(`${hub.url}${base}/1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '',
  });
  assert.deepEqual(await post.json(), { Resposta: { Comando: '1' } }, 'an empty JSON body does not matter');
  const form = await fetch(`${hub.url}${base}/1`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
  assert.deepEqual(await form.json(), { Resposta: { Comando: '1' } }, 'a form does not matter');
  const values = [
    'Garota',
    'Águas de Março',
    'AC/DC',
    'it\'s "quoted"',
    '100%',
    'a+b',
    '漢字',
    ' ',
    'x'.repeat(1900),
  ];
  for (const value of values) {
    const { status, body } = await hub.call('PATCH', `${base}/3/${encodeURIComponent(value)}`);
    assert.equal(status, 200, value.slice(0, 20));
    assert.deepEqual(body, { Resposta: value });
  }
  assert.deepEqual(
    (await hub.call('PATCH', `${base}/3/AC/DC/Back`)).body,
    { Resposta: 'AC/DC/Back' },
    'slashes as they are',
  );
});

test('numbers that the description does not have are for the device to judge', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  device.serve(() => "{'Resposta': 'Comando inválido'}");
  const { status, body } = await hub.call('POST', '/devices/DE11/commands/42');
  assert.equal(status, 200);
  assert.deepEqual(body, { Resposta: 'Comando inválido' });
});

test('command 0 is the keep-alive', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  device.serve(() => "{'Resposta': 'no'}");
  assert.deepEqual((await hub.call('GET', '/devices/DE11/commands/0')).body, { Resposta: 'Recebido' });
});

test('the general description is described + 1, and gives the device its title', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  device.serve((command) =>
    JSON.stringify({ Resposta: command.Comando === '6' ? { Descrição: 'Aparelho de som' } : 'no' }),
  );
  assert.equal((await hub.call('GET', '/api/v1/devices/DE11')).body.title, null);
  const { body } = await hub.call('POST', '/api/v1/devices/DE11/commands/describe');
  assert.deepEqual(body.output, { Descrição: 'Aparelho de som' });
  assert.equal((await hub.call('GET', '/api/v1/devices/DE11')).body.title, 'Aparelho de som');
});

test('a command that wants an input is not sent without one, nor with one that its device could not read', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  for (const [method, path] of [
    ['GET', '3'],
    ['POST', '3'],
    ['PATCH', `3/${'x'.repeat(2048)}`],
  ] as const) {
    const { status, body } = await hub.call(method, `/devices/DE11/commands/${path}`);
    assert.equal(status, 400);
    assert.deepEqual(body, { Resposta: 'Comando inválido' });
  }
  assert.equal(device.text, '', 'nothing of it reached the device');
});

test('a GET reads, and does nothing else: a page could send one as a picture', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  const { status, body } = await hub.call('GET', '/devices/DE11/commands/1');
  assert.equal(status, 400);
  assert.deepEqual(body, { Resposta: 'Comando inválido' });
  assert.equal(device.text, '');
});

test('a GET or HEAD asks for nothing that the description does not have', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  for (const method of ['GET', 'HEAD']) {
    for (const number of [7, 42, 999_999])
      assert.equal((await hub.call(method, `/devices/DE11/commands/${number}`)).status, 400);
  }
  assert.equal(device.text, '', 'nothing of it reached the device');
});

test('bodies mean nothing here, and are bounded all the same', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.maxBodyBytes = 4096;
  });
  const device = await radio(t, hub);
  device.serve(() => "{'Resposta': 'ok'}");
  const post = (bytes: number) =>
    fetch(`${hub.url}/devices/DE11/commands/1`, { method: 'POST', body: 'x'.repeat(bytes) });
  assert.equal((await post(4000)).status, 200);
  assert.equal((await post(5000)).status, 413);
});

test('an unknown device → 404 Dispositivo não encontrado, on every route', async (t) => {
  const hub = await startTestHub(t);
  const gone = await radio(t, hub, '127.0.0.13');
  gone.socket.destroy();
  await until('gone', async () => (await hub.call('GET', '/devices')).body.length === 0);
  for (const id of ['DE99', 'DE13', '%20', 'description']) {
    for (const [method, path] of [
      ['GET', 'commands/description'],
      ['GET', 'commands/1'],
      ['POST', 'commands/1'],
      ['PATCH', 'commands/3/x'],
      ['GET', 'commands/abc'],
    ] as const) {
      const { status, body } = await hub.call(method, `/devices/${id}/${path}`);
      assert.equal(status, 404, `${method} ${id} ${path}`);
      assert.deepEqual(body, { Resposta: 'Dispositivo não encontrado' });
    }
  }
});

test('a command that is no number → 400 Comando inválido', async (t) => {
  const hub = await startTestHub(t);
  await radio(t, hub);
  for (const command of ['abc', '-1', '1.5', '1e3', '٣', '99999999999']) {
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', ''],
      ['PATCH', '/x'],
    ] as const) {
      const { status, body } = await hub.call(
        method,
        `/devices/DE11/commands/${encodeURIComponent(command)}${rest}`,
      );
      assert.equal(status, 400, command);
      assert.deepEqual(body, { Resposta: 'Comando inválido' });
    }
  }
});

test('a device that does not answer → 504 in the words of those programs', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.invocations.defaultTimeoutMs = 100;
  });
  await radio(t, hub);
  const { status, body } = await hub.call('POST', '/devices/DE11/commands/1');
  assert.equal(status, 504);
  assert.deepEqual(body, { Resposta: 'O dispositivo não respondeu' });
});

test('an answer that cannot be read → 502, and the connection goes on', async (t) => {
  const hub = await startTestHub(t);
  const device = await radio(t, hub);
  for (const bad of [
    "{'Resposta': __import__('os').system('x')}",
    "{'Outra': 1}",
    "{'Resposta': 01}",
    Buffer.from([0x7b, 0x27, 0xff, 0x27, 0x3a, 0x31, 0x7d]),
  ]) {
    const call = hub.call('POST', '/devices/DE11/commands/1');
    await device.expect('{"Comando":"1"}');
    device.send(bad);
    const { status, body } = await call;
    assert.equal(status, 502, String(bad));
    assert.deepEqual(body, { Resposta: 'A resposta do dispositivo não pôde ser lida' });
  }
  const call = hub.call('POST', '/devices/DE11/commands/1');
  await device.expect('{"Comando":"1"}');
  device.send("{'Resposta': 'good'}");
  assert.deepEqual((await call).body, { Resposta: 'good' });
});
