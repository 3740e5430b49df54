import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { datagramSender, WireDevice } from '../helpers/wire-device.ts';
import type { Json } from '../helpers/json.ts';

const DESCRIPTION = {
  title: 'Greenhouse',
  model: 'GH-1',
  commands: {
    water: {
      title: 'Water the plants',
      kind: 'action',
      input: {
        type: 'object',
        properties: { seconds: { type: 'integer', minimum: 1, maximum: 60 } },
        required: ['seconds'],
      },
      expectedMs: 2000,
    },
    setSong: { title: 'Set song', kind: 'write', input: { type: 'string', title: 'Song' }, idempotent: true },
    level: { title: 'Level', kind: 'read' },
    move: { title: 'Move', concurrency: 'serial' },
  },
  telemetry: { temperature: { title: 'Temperature', unit: '°C', type: 'number' } },
};

async function hello(t: TestContext, hub: TestHub, line: object, address?: string): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort, address);
  device.send(`${JSON.stringify({ recado: 2, ...line })}\n`);
  return device;
}

async function greenhouse(
  t: TestContext,
  hub: TestHub,
): Promise<{ device: WireDevice; welcome: Record<string, Json> }> {
  const device = await hello(t, hub, { id: 'greenhouse-1', description: DESCRIPTION });
  return { device, welcome: await device.nextObject() };
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

test('hello: the hub answers with id, session, keepAliveMs and udpKey', async (t) => {
  const hub = await startTestHub(t);
  const { welcome } = await greenhouse(t, hub);
  assert.equal(welcome['ok'], true);
  assert.equal(welcome['id'], 'greenhouse-1');
  assert.equal(welcome['keepAliveMs'], 15_000);
  assert.equal(Buffer.from(welcome['udpKey'] as string, 'base64url').length, 32);
  assert.ok((welcome['session'] as string).length >= 16);
  const device = (await hub.call('GET', '/api/v1/devices/greenhouse-1')).body;
  assert.equal(device.title, 'Greenhouse');
  assert.equal(device.model, 'GH-1');
  assert.deepEqual(device.telemetry, [
    { metric: 'temperature', title: 'Temperature', unit: '°C', type: 'number' },
  ]);
  const { commands } = (await hub.call('GET', '/api/v1/devices/greenhouse-1/commands')).body;
  assert.deepEqual(
    commands.map((command: { name: string }) => command.name),
    ['water', 'setSong', 'level', 'move'],
  );
  assert.equal(commands[0].expectedMs, 2000);
});

test('hello: may be split in every position', async (t) => {
  const hub = await startTestHub(t);
  const bytes = Buffer.from(
    line({
      recado: 2,
      id: 'ção'.normalize('NFD').replaceAll(/\p{Mark}/gu, ''),
      description: { title: 'Estação' },
    }),
  );
  for (let split = 1; split < bytes.length; split++) {
    const device = await WireDevice.connect(t, hub.tcpPort);
    await device.sendApart(bytes.subarray(0, split), bytes.subarray(split));
    assert.equal((await device.nextObject())['ok'], true, `split at ${split}`);
    device.socket.destroy();
    await until('gone', async () => (await hub.call('GET', '/devices')).body.length === 0);
  }
});

const REFUSED_HELLOS: [string, object | string, string, RegExp][] = [
  ['another version', { recado: 3, id: 'a' }, 'HELLO_INVALID', /version/],
  ['no id', { recado: 2 }, 'HELLO_INVALID', /"id"/],
  ['an id with a slash', { recado: 2, id: 'a/b' }, 'HELLO_INVALID', /"id"/],
  ['a token that is no text', { recado: 2, id: 'a', token: 5 }, 'HELLO_INVALID', /"token"/],
  [
    'a bad kind',
    { recado: 2, id: 'a', description: { commands: { x: { kind: 'do' } } } },
    'DESCRIPTION_INVALID',
    /commands\/x\/kind must be read or write or action/,
  ],
  [
    'a bad command name',
    { recado: 2, id: 'a', description: { commands: { 'a b': {} } } },
    'DESCRIPTION_INVALID',
    /is no command name/,
  ],
  [
    'a pattern in a schema',
    { recado: 2, id: 'a', description: { commands: { x: { input: { pattern: '(a+)+$' } } } } },
    'DESCRIPTION_INVALID',
    /pattern is not accepted/,
  ],
  [
    'a reference in a schema',
    { recado: 2, id: 'a', description: { commands: { x: { input: { $ref: '#' } } } } },
    'DESCRIPTION_INVALID',
    /\$ref is not accepted/,
  ],
  ['not JSON', '{"recado":2,', 'MESSAGE_INVALID', /not JSON/],
  [
    'nested too deep',
    `{"recado":2,"x":${'['.repeat(64)}${']'.repeat(64)}}`,
    'MESSAGE_INVALID',
    /nested deeper than 32/,
  ],
];

for (const [name, message, code, text] of REFUSED_HELLOS) {
  test(`hello: ${name} is refused with a reason`, async (t) => {
    const hub = await startTestHub(t);
    const device = await WireDevice.connect(t, hub.tcpPort);
    device.send(typeof message === 'string' ? `${message}\n` : line(message));
    const answer = await device.nextObject();
    assert.equal(answer['ok'], false);
    assert.equal(answer['error'].code, code);
    assert.match(answer['error'].message, text);
    await device.closed();
    assert.deepEqual((await hub.call('GET', '/devices')).body, []);
  });
}

const USELESS_KEYWORDS: [schema: Json, pointer: string][] = [
  ...[true, '3', null, []].map((minimum): [Json, string] => [{ minimum }, 'minimum must be a number']),
  [{ multipleOf: 0 }, 'multipleOf must be a number above 0'],
  ...[-1, 1.5, '4'].map((maxLength): [Json, string] => [{ maxLength }, 'maxLength must be a whole number']),
  ...[5, true, [1]].map((required): [Json, string] => [{ required }, 'required must be a list of names']),
  ...[5, [], {}].map((value): [Json, string] => [{ enum: value }, 'enum must be a list of one or more']),
  ...[[], null, ['int']].map((type): [Json, string] => [{ type }, 'type must be one of object, array']),
  ...[{}, [], 5].map((anyOf): [Json, string] => [{ anyOf }, 'anyOf must be a list of one or more schemas']),
  [{ items: [{ type: 'string' }] }, 'items must be a JSON Schema'],
  [{ properties: { a: { not: 5 } } }, 'properties/a/not must be a JSON Schema'],
  [{ additionalProperties: { maximum: {} } }, 'additionalProperties/maximum must be a number'],
  [{ pattern: '(' }, 'pattern is not accepted'],
  [{ $ref: 5 }, '$ref is not accepted'],
  [{ title: {} }, 'title must be a text'],
  [{ readOnly: 'no' }, 'readOnly must be true or false'],
];

test('hello: a keyword whose value would check nothing is refused, by its pointer', async (t) => {
  const hub = await startTestHub(t);
  for (const member of ['input', 'output'])
    for (const [schema, fault] of USELESS_KEYWORDS) {
      const device = await hello(t, hub, { id: 'a', description: { commands: { x: { [member]: schema } } } });
      const { ok, error } = await device.nextObject();
      assert.deepEqual([ok, error?.code], [false, 'DESCRIPTION_INVALID'], JSON.stringify(schema));
      assert.ok(error.message.includes(`description/commands/x/${member}/${fault}`), error.message);
    }
  const device = await hello(t, hub, { id: 'a', description: { telemetry: { t: { unit: 5, type: [] } } } });
  const { message } = (await device.nextObject())['error'];
  assert.match(
    message,
    /description\/telemetry\/t\/type must be number or .*telemetry\/t\/unit must be a text/,
  );
});

test('hello: an input schema that is only true takes any value', async (t) => {
  const hub = await startTestHub(t);
  const device = await hello(t, hub, { id: 'any', description: { commands: { x: { input: true } } } });
  await device.nextObject();
  const call = hub.call('POST', '/api/v1/devices/any/commands/x', { input: [1] });
  const { cmd, input } = await device.nextObject();
  assert.deepEqual(input, [1]);
  device.send(line({ re: cmd, output: null }));
  assert.equal((await call).status, 200);
});

test('hello: a token that is configured must be shown', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.deviceTokens = { 'greenhouse-1': 'a-secret-of-the-greenhouse' };
  });
  for (const token of [undefined, 'wrong']) {
    const device = await hello(t, hub, { id: 'greenhouse-1', ...(token !== undefined && { token }) });
    assert.equal((await device.nextObject())['error'].code, 'DEVICE_TOKEN_INVALID');
    await device.closed();
  }
  const device = await hello(t, hub, { id: 'greenhouse-1', token: 'a-secret-of-the-greenhouse' });
  assert.equal((await device.nextObject())['ok'], true);
});

test('outside the trusted networks: plain devices are refused, framed ones need a token of theirs', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.trustedNetworks = ['127.0.0.1'];
    config.gateways.socket.deviceTokens = { 'greenhouse-1': 'a-secret-of-the-greenhouse' };
  });
  const plain = await WireDevice.connect(t, hub.tcpPort, '127.0.0.77');
  plain.send('Conexão');
  await plain.closed();
  assert.equal(plain.text, '');
  assert.equal(hub.counters['connectionsRefusedUntrusted'], 1);
  assert.ok(hub.logged.some((line) => /127\.0\.0\.77 was refused.*trustedNetworks/.test(line.text)));
  const unknown = await hello(t, hub, { id: 'other' }, '127.0.0.77');
  assert.equal((await unknown.nextObject())['error'].code, 'DEVICE_TOKEN_INVALID');
  const known = await hello(
    t,
    hub,
    { id: 'greenhouse-1', token: 'a-secret-of-the-greenhouse' },
    '127.0.0.77',
  );
  assert.equal((await known.nextObject())['ok'], true);
  const trusted = await WireDevice.connect(t, hub.tcpPort, '127.0.0.1');
  trusted.send('Conexão');
  await trusted.expect('DE1');
});

test('without device tokens, strangers are not even listened to', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.trustedNetworks = ['127.0.0.1'];
  });
  const stranger = await WireDevice.connect(t, hub.tcpPort, '127.0.0.77');
  await stranger.closed();
  assert.equal(hub.counters['connectionsRefusedUntrusted'], 1);
});

test('commands: any number in flight, answered in any order', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const count = 50;
  const calls = Array.from({ length: count }, (_, index) =>
    hub.call('POST', '/api/v1/devices/greenhouse-1/commands/setSong', {
      input: `song ${index}`,
      timeoutMs: 8000,
    }),
  );
  const asked: Record<string, Json>[] = [];
  for (let index = 0; index < count; index++) asked.push(await device.nextObject());
  for (const command of asked) {
    assert.equal(command['name'], 'setSong');
    assert.ok(command['deadlineMs'] > 0 && command['deadlineMs'] <= 8000);
  }
  for (const command of asked.reverse())
    device.send(line({ re: command['cmd'], output: { heard: command['input'] } }));
  for (const [index, call] of (await Promise.all(calls)).entries()) {
    assert.deepEqual(call.body.output, { heard: `song ${index}` });
  }
});

test("commands: the device's own error, with its status and payload", async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const call = hub.call('POST', '/api/v1/devices/greenhouse-1/commands/water', { input: { seconds: 5 } });
  const command = await device.nextObject();
  device.send(
    line({
      re: command['cmd'],
      error: { code: 'TANK_EMPTY', message: 'The tank is empty', status: 409, litres: 0 },
    }),
  );
  const { status, body } = await call;
  assert.equal(status, 409);
  assert.equal(body.code, 'DEVICE_ERROR');
  assert.equal(body.detail, 'The tank is empty');
  assert.deepEqual(body.device, {
    code: 'TANK_EMPTY',
    message: 'The tank is empty',
    status: 409,
    payload: { code: 'TANK_EMPTY', message: 'The tank is empty', status: 409, litres: 0 },
  });
  assert.equal(body.phase, 'answered');
  const again = hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level');
  device.send(line({ re: (await device.nextObject())['cmd'], error: 'broken' }));
  assert.equal((await again).status, 502);
  const fine = hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level');
  device.send(line({ re: (await device.nextObject())['cmd'], output: 5, error: null }));
  assert.equal((await fine).body.output, 5, 'an error of null is none');
});

test('commands: input that does not fit never reaches the device', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const bad = await hub.call('POST', '/api/v1/devices/greenhouse-1/commands/water', {
    input: { seconds: 500 },
  });
  assert.equal(bad.status, 422);
  assert.equal(bad.body.errors[0].pointer, '/seconds');
  assert.equal((await hub.call('POST', '/api/v1/devices/greenhouse-1/commands/water', {})).status, 422);
  assert.equal(
    (await hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level', { input: 1 })).status,
    422,
  );
  assert.equal(
    (await hub.call('POST', '/api/v1/devices/greenhouse-1/commands/none', {})).body.code,
    'COMMAND_UNKNOWN',
  );
  assert.equal(device.text, '');
});

test('commands: a timeout cancels at the device, and a late answer is kept, once', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const call = hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level', { timeoutMs: 60 });
  const command = await device.nextObject();
  assert.ok(command['deadlineMs'] <= 60);
  const { status, body } = await call;
  assert.equal(status, 504);
  assert.equal(body.safeToRetry, true, 'a read may be tried again');
  assert.deepEqual(await device.nextObject(), { cancel: command['cmd'] });
  device.send(line({ re: command['cmd'], output: 'late' }) + line({ re: command['cmd'], output: 'again' }));
  await until('the second is counted', () => hub.counters['messagesUnasked'] === 1);
  assert.equal(hub.server.hub.devices.counters.lateAnswers, 1);
  assert.deepEqual((await hub.call('GET', '/devices')).body, ['greenhouse-1']);
});

test('commands: an HTTP caller that leaves cancels at the device', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const leaving = new AbortController();
  const call = fetch(`${hub.url}/api/v1/devices/greenhouse-1/commands/level`, {
    method: 'POST',
    signal: leaving.signal,
  });
  const command = await device.nextObject();
  leaving.abort();
  await assert.rejects(call);
  assert.deepEqual(await device.nextObject(), { cancel: command['cmd'] });
});

test('commands: serial ones wait for each other, others pass them', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const moves = [1, 2].map(() => hub.call('POST', '/api/v1/devices/greenhouse-1/commands/move'));
  const first = await device.nextObject();
  const level = hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level');
  const second = await device.nextObject();
  assert.deepEqual([first['name'], second['name']], ['move', 'level']);
  device.send(line({ re: second['cmd'], output: 7 }));
  assert.equal((await level).body.output, 7);
  device.send(line({ re: first['cmd'], output: 1 }));
  const third = await device.nextObject();
  assert.equal(third['name'], 'move');
  device.send(line({ re: third['cmd'], output: 2 }));
  assert.deepEqual(
    (await Promise.all(moves)).map((move) => move.body.output).sort((a, b) => a - b),
    [1, 2],
  );
});

test('commands: more than maxInFlightInvocations wait in the queue', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.maxInFlightInvocations = 2;
  });
  const { device } = await greenhouse(t, hub);
  const calls = [1, 2, 3].map(() => hub.call('POST', '/api/v1/devices/greenhouse-1/commands/level'));
  const [first, second] = [await device.nextObject(), await device.nextObject()];
  await until('one waits', () => hub.server.hub.devices.get('greenhouse-1')?.lane.queued === 1);
  device.send(line({ re: first['cmd'], output: 1 }) + line({ re: second['cmd'], output: 2 }));
  device.send(line({ re: (await device.nextObject())['cmd'], output: 3 }));
  assert.deepEqual(
    (await Promise.all(calls)).map((call) => call.status),
    [200, 200, 200],
  );
});

test('commands: the seed routes serve framed devices as far as their commands fit', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  assert.deepEqual((await hub.call('GET', '/devices/greenhouse-1/commands/description')).body, {
    '1': {
      Descrição: 'Water the plants',
      Entrada: 'seconds',
      'Método HTTP': 'PATCH',
      'Coleta de dados UDP': false,
    },
    '2': { Descrição: 'Set song', Entrada: 'Song', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': false },
    '3': { Descrição: 'Level', Entrada: '', 'Método HTTP': 'GET', 'Coleta de dados UDP': false },
    '4': { Descrição: 'Move', Entrada: '', 'Método HTTP': 'POST', 'Coleta de dados UDP': false },
  });
  const patch = hub.call('PATCH', '/devices/greenhouse-1/commands/1/5');
  const command = await device.nextObject();
  assert.deepEqual(command['input'], { seconds: 5 });
  device.send(line({ re: command['cmd'], output: 'watered' }));
  assert.deepEqual((await patch).body, { Resposta: 'watered' });
  assert.equal((await hub.call('PATCH', '/devices/greenhouse-1/commands/1/500')).status, 400);
  assert.equal((await hub.call('GET', '/devices/greenhouse-1/commands/9')).status, 400);
});

test('ping and pong: a device may ask', async (t) => {
  const { device } = await greenhouse(t, await startTestHub(t));
  device.send(line({ ping: 'x' }));
  assert.deepEqual(await device.nextObject(), { pong: 'x' });
});

test('ping and pong: the hub asks a silent device, and asks again when it has had its answer', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.framedKeepAliveMs = 150;
    config.gateways.socket.keepAliveTimeoutMs = 600_000;
  });
  const { device } = await greenhouse(t, hub);
  for (const ping of [1, 2]) {
    assert.deepEqual(await device.nextObject(), { ping });
    device.send(line({ pong: ping }));
  }
});

test('ping and pong: a device that does not answer has left', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.framedKeepAliveMs = 150;
    config.gateways.socket.keepAliveTimeoutMs = 300;
  });
  const { device } = await greenhouse(t, hub);
  assert.deepEqual(await device.nextObject(), { ping: 1 });
  await device.closed();
  assert.equal(
    (await hub.call('GET', '/api/v1/devices/greenhouse-1')).body.presence.reason,
    'keep-alive-timeout',
  );
});

test('takeover: a second connection with the same token takes over; the first is told why', async (t) => {
  const hub = await startTestHub(t);
  const first = await hello(t, hub, { id: 'van', token: 'secret', description: DESCRIPTION });
  await first.nextObject();
  const call = hub.call('POST', '/api/v1/devices/van/commands/level');
  await first.nextObject();
  const second = await hello(t, hub, { id: 'van', token: 'secret', description: DESCRIPTION });
  assert.equal((await second.nextObject())['ok'], true);
  assert.equal((await first.nextObject())['error'].code, 'TAKEN_OVER');
  await first.closed();
  assert.equal((await call).body.code, 'DEVICE_LOST');
  const { presence } = (await hub.call('GET', '/api/v1/devices/van')).body;
  assert.deepEqual([presence.status, presence.reason, presence.sequence], ['online', 'taken-over', 2]);
  const next = hub.call('POST', '/api/v1/devices/van/commands/level');
  second.send(line({ re: (await second.nextObject())['cmd'], output: 'from the second' }));
  assert.equal((await next).body.output, 'from the second');
});

test('a plain device does not get an id that has a token, nor one that was taken during its handshake', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.deviceTokens = { DE61: 'a-secret-of-the-owner' };
  });
  const plain = await WireDevice.connect(t, hub.tcpPort, '127.0.0.61');
  assert.equal(await plain.handshake(), 'DE61-2');
  const slow = await WireDevice.connect(t, hub.tcpPort, '127.0.0.62');
  slow.send('Conexão');
  await slow.expect('DE62');
  const owner = await hello(t, hub, { id: 'DE62', token: 'any' });
  assert.equal((await owner.nextObject())['ok'], true);
  slow.send("{'1': {'Descrição': 'x'}}");
  await slow.closed();
  assert.equal(owner.isClosed, false);
});

test('takeover: another token, or none, does not take over', async (t) => {
  const hub = await startTestHub(t);
  const holder = await hello(t, hub, { id: 'van', token: 'secret' });
  await holder.nextObject();
  for (const [token, words] of [
    ['other', 'as van, with another token. '],
    [undefined, 'as van, with a token. '],
  ] as const) {
    const thief = await hello(t, hub, { id: 'van', ...(token !== undefined && { token }) });
    const { code, message } = (await thief.nextObject())['error'];
    assert.deepEqual(
      [code, message],
      ['FORBIDDEN', `Another device is connected ${words}Choose another id.`],
    );
    await thief.closed();
  }
  const plain = await WireDevice.connect(t, hub.tcpPort, '127.0.0.61');
  assert.equal(await plain.handshake(), 'DE61');
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE61'));
  const impostor = await hello(t, hub, { id: 'DE61' });
  const { message } = (await impostor.nextObject())['error'];
  assert.equal(message, 'Another device is connected as DE61. Choose another id.');
  assert.equal(holder.isClosed, false);
});

function sign(key: string, fields: object): string {
  const head = JSON.stringify(fields).slice(0, -1);
  const mac = createHmac('sha256', Buffer.from(key, 'base64url')).update(head).digest('base64url');
  return `${head},"mac":"${mac}"}`;
}

test('signed datagrams: taken, and lost ones counted', async (t) => {
  const hub = await startTestHub(t);
  const { welcome } = await greenhouse(t, hub);
  const key = welcome['udpKey'] as string;
  const send = await datagramSender(t, hub.udpPort, { address: '127.0.0.99' });
  const reading = (seq: number) => sign(key, { telemetry: { temperature: seq }, id: 'greenhouse-1', seq });
  for (const seq of [1, 2, 5, 4]) await send(reading(seq));
  await until('four are taken', () => hub.counters['datagramsTaken'] === 4);
  assert.equal(hub.counters['datagramsLost'], 1, 'number 3 never came');
  await send(reading(3));
  await until('it came late', () => hub.counters['datagramsLost'] === 0);
});

test('signed datagrams: forged, replayed and those of another session are dropped and counted', async (t) => {
  const hub = await startTestHub(t);
  const { welcome, device } = await greenhouse(t, hub);
  const key = welcome['udpKey'] as string;
  const send = await datagramSender(t, hub.udpPort);
  const good = sign(key, { telemetry: { temperature: 1 }, id: 'greenhouse-1', seq: 1 });
  await send(good);
  await until('the good one', () => hub.counters['datagramsTaken'] === 1);
  await send(good);
  await send(good);
  await until('replays', () => hub.counters['datagramsDroppedReplayed'] === 2);
  await send(good.replace('"temperature":1', '"temperature":9'));
  await send(
    sign(Buffer.alloc(32).toString('base64url'), {
      telemetry: { temperature: 9 },
      id: 'greenhouse-1',
      seq: 2,
    }),
  );
  await send(sign(key, { telemetry: { temperature: 9 }, id: 'nobody', seq: 2 }));
  await until('forged', () => hub.counters['datagramsDroppedForged'] === 3);
  await send(sign(key, { telemetry: { temperature: 2 }, id: 'greenhouse-1', seq: 100 }));
  await send(sign(key, { telemetry: { temperature: 9 }, id: 'greenhouse-1', seq: 36 }));
  await until('too old to tell', () => hub.counters['datagramsDroppedReplayed'] === 3);
  device.socket.destroy();
  await until('gone', async () => (await hub.call('GET', '/devices')).body.length === 0);
  await greenhouse(t, hub);
  await send(sign(key, { telemetry: { temperature: 9 }, id: 'greenhouse-1', seq: 101 }));
  await until('the key of the session before', () => hub.counters['datagramsDroppedForged'] === 4);
  const [reading] = (await hub.call('GET', '/api/v1/devices/greenhouse-1/telemetry')).body.readings;
  assert.equal(reading.value, 2);
});

test('a line longer than maxLineBytes ends the connection with a reason', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.maxLineBytes = 1024;
  });
  const { device } = await greenhouse(t, hub);
  device.send(`{"telemetry":{"a":"${'x'.repeat(2000)}`);
  assert.equal((await device.nextObject())['error'].code, 'MESSAGE_TOO_LARGE');
  await device.closed();
  assert.equal(hub.counters['messagesTooLarge'], 1);
});

test('a line that is not UTF-8 ends the connection with a reason', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  device.send(Buffer.concat([Buffer.from('{"telemetry":{"a":"'), Buffer.from([0xff]), Buffer.from('"}}\n')]));
  assert.match((await device.nextObject())['error'].message, /not UTF-8/);
  await device.closed();
});

test('messages that the protocol does not know are counted, and too many end the connection', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  for (let index = 0; index < 16; index++) device.send(line({ unheardOf: index }));
  await until('counted', () => hub.counters['messagesUnasked'] === 16);
  assert.equal(device.isClosed, false);
  device.send(line([]));
  await device.closed();
});

test('when the hub stops, a framed device is told', async (t) => {
  const hub = await startTestHub(t);
  const { device } = await greenhouse(t, hub);
  const closing = hub.server.close();
  assert.equal((await device.nextObject())['error'].code, 'HUB_STOPPING');
  assert.equal(await closing, true);
});
