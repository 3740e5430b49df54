import assert from 'node:assert/strict';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { startServer } from '../../src/api/start-server.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { defaultConfig } from '../../src/hub/config/hub-config.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { RADIO_DESCRIPTION, SENSOR_DESCRIPTION, WireDevice } from '../helpers/wire-device.ts';
import type { Json } from '../helpers/json.ts';

async function join(
  t: TestContext,
  hub: TestHub,
  address: string,
  description: unknown = RADIO_DESCRIPTION,
): Promise<WireDevice> {
  const device = await WireDevice.connect(t, hub.tcpPort, address);
  const id = await device.handshake(description);
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes(id));
  return device;
}

test('devices: list with filters, pages and totals', async (t) => {
  const hub = await startTestHub(t);
  const devices: WireDevice[] = [];
  for (let last = 10; last < 17; last++) devices.push(await join(t, hub, `127.0.0.${last}`));
  devices[0]?.socket.destroy();
  await until('one is gone', async () => (await hub.call('GET', '/devices')).body.length === 6);
  const list = async (query: string) => (await hub.call('GET', `/api/v1/devices${query}`)).body;
  const ids = (page: { devices: { deviceId: string }[] }) => page.devices.map((device) => device.deviceId);
  assert.equal((await list('')).total, 7);
  assert.deepEqual(ids(await list('?status=offline')), ['DE10']);
  assert.equal((await list('?status=online')).total, 6);
  assert.deepEqual(ids(await list('?q=de15')), ['DE15']);
  assert.equal((await list('?gateway=socket')).total, 7);
  assert.equal((await list('?gateway=mqtt')).total, 0);
  const seen: string[] = [];
  let cursor = '';
  for (let pages = 0; pages < 10; pages++) {
    const page = await list(`?limit=3${cursor}`);
    seen.push(...ids(page));
    if (page.nextCursor === undefined) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  assert.deepEqual(seen, ['DE10', 'DE11', 'DE12', 'DE13', 'DE14', 'DE15', 'DE16']);
  assert.equal((await hub.call('GET', '/api/v1/devices?cursor=bm9ib2R5')).status, 400);
  for (const limit of ['1001', '0', '', '1.5', 'true', '1&limit=2']) {
    const { status, body } = await hub.call('GET', `/api/v1/devices?limit=${limit}`);
    assert.deepEqual([status, body.errors[0].pointer], [400, '/limit'], limit);
  }
  assert.equal((await hub.call('GET', '/api/v1/devices?colour=red')).status, 400);
});

test('devices: offline is not unknown, and only who is offline can be forgotten', async (t) => {
  const hub = await startTestHub(t);
  const device = await join(t, hub, '127.0.0.11');
  const online = await hub.call('DELETE', '/api/v1/devices/DE11');
  assert.equal(online.status, 409);
  assert.equal(online.body.type, 'urn:recado:problem:device-online');
  device.socket.destroy();
  await until(
    'offline',
    async () => (await hub.call('GET', '/api/v1/devices/DE11')).body.presence.status === 'offline',
  );
  const call = await hub.call('POST', '/api/v1/devices/DE11/commands/ligar', {});
  assert.equal(call.status, 503);
  assert.equal(call.body.code, 'DEVICE_OFFLINE');
  assert.equal(call.headers.get('retry-after'), '5');
  assert.equal(call.headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.equal((await hub.call('DELETE', '/api/v1/devices/DE11')).status, 204);
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/commands'],
    ['GET', '/telemetry'],
    ['POST', '/commands/ligar'],
  ] as const) {
    const { status, body } = await hub.call(method, `/api/v1/devices/DE11${path}`);
    assert.equal(status, 404, path);
    assert.equal(body.code, 'DEVICE_UNKNOWN');
  }
});

test('devices: only maxOfflineDevices are kept after they left', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.devices.maxOfflineDevices = 2;
  });
  for (const last of [11, 12, 13]) {
    const device = await join(t, hub, `127.0.0.${last}`);
    device.socket.destroy();
    await until('left', async () => (await hub.call('GET', '/devices')).body.length === 0);
  }
  const { devices } = (await hub.call('GET', '/api/v1/devices')).body;
  assert.deepEqual(
    devices.map((device: { deviceId: string }) => device.deviceId),
    ['DE12', 'DE13'],
  );
  assert.equal(hub.server.hub.devices.counters.offlineForgotten, 1);
});

test('devices: the descriptions of those who left have a budget', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.devices.maxOfflineDescriptionBytes = 20_000;
  });
  for (const id of ['a', 'b', 'c', 'd']) {
    const device = await WireDevice.connect(t, hub.tcpPort);
    const title = { type: 'string', description: 'x'.repeat(8000) };
    device.send(
      `${JSON.stringify({ recado: 2, id, description: { commands: { say: { input: title } } } })}\n`,
    );
    await device.nextObject();
    device.socket.destroy();
    await until('left', async () => (await hub.call('GET', '/devices')).body.length === 0);
  }
  const { devices } = (await hub.call('GET', '/api/v1/devices')).body;
  assert.deepEqual(
    devices.map((device: Json) => device.deviceId),
    ['c', 'd'],
  );
});

test('devices: another device on an id does not show what the one before said', async (t) => {
  const hub = await startTestHub(t);
  const radio = await join(t, hub, '127.0.0.11');
  radio.serve(() => "{'Resposta': {'Descrição': 'Aparelho de som'}}");
  await hub.call('POST', '/api/v1/devices/DE11/commands/describe');
  assert.equal((await hub.call('GET', '/api/v1/devices/DE11')).body.title, 'Aparelho de som');
  const leave = async (device: WireDevice) => {
    device.socket.destroy();
    await until('left', async () => (await hub.call('GET', '/devices')).body.length === 0);
  };
  await leave(radio);
  const back = await join(t, hub, '127.0.0.11');
  assert.equal(
    (await hub.call('GET', '/api/v1/devices/DE11')).body.title,
    'Aparelho de som',
    'the same device keeps it',
  );
  await leave(back);
  await join(t, hub, '127.0.0.11', SENSOR_DESCRIPTION);
  assert.equal((await hub.call('GET', '/api/v1/devices/DE11')).body.title, null);
});

test('commands whose titles would give the same name are told apart, and describe is only what it says', async (t) => {
  const hub = await startTestHub(t);
  const named = async (address: string, description: object) => {
    await join(t, hub, address, description);
    const id = `DE${address.split('.')[3]}`;
    return (await hub.call('GET', `/api/v1/devices/${id}/commands`)).body.commands.map((command: Json) => [
      command.number,
      command.name,
    ]);
  };
  const titles = (...list: string[]) =>
    Object.fromEntries(list.map((title, index) => [index + 1, { Descrição: title }]));
  assert.deepEqual(await named('127.0.0.21', titles('porta', 'porta 3', 'porta')), [
    [1, 'porta'],
    [2, 'porta-3'],
    [3, 'porta-4'],
    [4, 'describe'],
  ]);
  assert.deepEqual(await named('127.0.0.22', titles('command 2', '打开')), [
    [1, 'command-2'],
    [2, 'command-2-2'],
    [3, 'describe'],
  ]);
  assert.deepEqual(await named('127.0.0.23', { '2': { Descrição: 'Abrir portão' } }), [[2, 'abrir-portao']]);
});

test('commands of a plain device get names, kinds and input schemas', async (t) => {
  const hub = await startTestHub(t);
  await join(t, hub, '127.0.0.11');
  await join(t, hub, '127.0.0.12', {
    ...SENSOR_DESCRIPTION,
    '4': { ...SENSOR_DESCRIPTION['1'] },
    '5': { Descrição: '!!!' },
  });
  const commands = async (id: string) =>
    (await hub.call('GET', `/api/v1/devices/${id}/commands`)).body.commands;
  assert.deepEqual(
    (await commands('DE11')).map((command: Json) => [
      command.number,
      command.name,
      command.kind,
      command.input,
    ]),
    [
      [1, 'ligar', 'action', null],
      [2, 'desligar', 'action', null],
      [3, 'setar-musica', 'write', { type: 'string', title: 'Música' }],
      [4, 'tocar', 'action', null],
      [5, 'pausar', 'action', null],
      [6, 'describe', 'read', null],
    ],
  );
  assert.deepEqual(
    (await commands('DE12')).map((command: Json) => command.name),
    ['ligar', 'desligar', 'retornar-medida-de-temperatura', 'ligar-4', 'command-5', 'describe'],
  );
});

test('invoke: output, and an invocation whose phases have times in order', async (t) => {
  const hub = await startTestHub(t);
  const device = await join(t, hub, '127.0.0.11');
  device.serve(() => "{'Resposta': None}");
  const { status, body } = await hub.call('POST', '/api/v1/devices/DE11/commands/ligar');
  assert.equal(status, 200);
  assert.equal(body.output, null);
  const { invocation } = body;
  assert.deepEqual(
    [invocation.deviceId, invocation.command, invocation.state],
    ['DE11', 'ligar', 'completed'],
  );
  const { accepted, sent, answered } = invocation.phases;
  assert.match(accepted, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(accepted <= sent && sent <= answered);
  const next = (await hub.call('POST', '/api/v1/devices/DE11/commands/ligar', {})).body.invocation;
  assert.ok(next.id > invocation.id, 'ids grow');
});

test('invoke: bad requests are refused with the pointer of what is wrong', async (t) => {
  const hub = await startTestHub(t);
  await join(t, hub, '127.0.0.11');
  const path = '/api/v1/devices/DE11/commands/setar-musica';
  for (const [body, pointer] of [
    [{ timeoutMs: 'soon' }, '/timeoutMs'],
    [{ timeoutMs: 0 }, '/timeoutMs'],
    [[], ''],
  ] as const) {
    const answer = await hub.call('POST', path, body);
    assert.equal(answer.status, 400);
    assert.equal(answer.body.code, 'REQUEST_INVALID');
    assert.ok(
      answer.body.errors.some((error: { pointer: string }) => error.pointer === pointer),
      JSON.stringify(answer.body),
    );
  }
  assert.equal(
    (await hub.call('POST', path, { surprise: 1 })).status,
    400,
    'unknown members are told, not dropped',
  );
  const missing = await hub.call('POST', path, {});
  assert.equal(missing.status, 422);
  const notJson = await fetch(hub.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  assert.equal(notJson.status, 400);
  const plain = await fetch(hub.url + path, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: 'a',
  });
  assert.equal(plain.status, 415);
  assert.match(((await plain.json()) as Json).detail, /content-type: application\/json/);
  const unknown = await hub.call('POST', path, { inputs: 19 });
  assert.deepEqual(unknown.body.errors, [{ pointer: '', message: 'has members that are not known: inputs' }]);
  const hostile = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`m${index}`, 0]));
  assert.equal((await hub.call('POST', path, hostile)).body.errors.length, 1, 'the first mistake is enough');
});

test('invoke: an input that is nested too deep, or has too many values, is refused before anybody looks into it', async (t) => {
  const hub = await startTestHub(t);
  const device = await join(t, hub, '127.0.0.11');
  const framed = await WireDevice.connect(t, hub.tcpPort);
  framed.send(
    `${JSON.stringify({ recado: 2, id: 'f', description: { commands: { put: { input: {}, concurrency: 'serial' } } } })}\n`,
  );
  await framed.nextObject();
  const path = '/api/v1/devices/f/commands/put';
  const text = `{"input":${'['.repeat(900)}${']'.repeat(900)}}`;
  for (let count = 0; count < 3; count++) {
    const deep = await fetch(hub.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    });
    assert.equal(deep.status, 422);
  }
  const wide = await hub.call('POST', path, { input: Array.from({ length: 5000 }, () => 1) });
  assert.equal(wide.status, 422);
  assert.match(wide.body.detail, /maxInputValues/);
  const call = hub.call('POST', path, { input: [1] });
  framed.send(`${JSON.stringify({ re: (await framed.nextObject())['cmd'], output: 'put' })}\n`);
  assert.equal((await call).body.output, 'put');
  assert.equal(device.isClosed, false);
});

test('invoke: a line that the device could not take is refused, and the device stays', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.maxLineBytes = 1024;
  });
  const framed = await WireDevice.connect(t, hub.tcpPort);
  framed.send(
    `${JSON.stringify({ recado: 2, id: 'f', description: { commands: { put: { input: { type: 'string' } } } } })}\n`,
  );
  await framed.nextObject();
  const { status, body } = await hub.call('POST', '/api/v1/devices/f/commands/put', {
    input: 'ç'.repeat(600),
  });
  assert.equal(status, 422);
  assert.match(body.errors[0].message, /1024 bytes/);
  assert.deepEqual((await hub.call('GET', '/devices')).body, ['f']);
});

test('invoke: nobody may wait longer than invocations.maxTimeoutMs', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.invocations.maxTimeoutMs = 2000;
  });
  await join(t, hub, '127.0.0.11');
  const { status, body } = await hub.call('POST', '/api/v1/devices/DE11/commands/ligar', { timeoutMs: 2001 });
  assert.equal(status, 400);
  assert.deepEqual(body.errors, [
    { pointer: '/timeoutMs', message: 'must be at most 2000 (invocations.maxTimeoutMs)' },
  ]);
});

test('invoke: a body beyond http.maxBodyBytes is refused', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.maxBodyBytes = 1024;
  });
  await join(t, hub, '127.0.0.11');
  const { status, body } = await hub.call('POST', '/api/v1/devices/DE11/commands/setar-musica', {
    input: 'x'.repeat(2000),
  });
  assert.equal(status, 413);
  assert.equal(body.code, 'BODY_TOO_LARGE');
});

test('invoke: an input that a plain device could not take in one message is refused', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.maxCommandBytes = 512;
  });
  await join(t, hub, '127.0.0.11', {
    '1': { Descrição: 'Set', Entrada: 'Text', 'Método HTTP': 'PATCH', 'Coleta de dados UDP': false },
  });
  const { status, body } = await hub.call('POST', '/api/v1/devices/DE11/commands/set', {
    input: 'ç'.repeat(300),
  });
  assert.equal(status, 422);
  assert.match(body.errors[0].message, /512 bytes/);
});

test('what nobody serves is a problem, too', async (t) => {
  const hub = await startTestHub(t);
  const { status, body } = await hub.call('GET', '/api/v2/devices');
  assert.equal(status, 404);
  assert.equal(body.code, 'ROUTE_UNKNOWN');
});

test('a hub that strangers could reach does not start, in a program either', async () => {
  const config = defaultConfig();
  const open = { ...config, inMemory: true, http: { ...config.http, host: '0.0.0.0', port: 0 } };
  await assert.rejects(startServer(open, { log: silentLogger }), { code: 'LISTENER_UNSAFE' });
});

test('tokens: who is not in a trusted network needs one', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = ['rcd-0123456789abcdef'];
    config.http.trustedNetworks = ['127.0.0.2'];
  });
  const none = await hub.call('GET', '/api/v1/devices');
  assert.equal(none.status, 401);
  assert.equal(none.body.code, 'UNAUTHENTICATED');
  assert.match(none.headers.get('www-authenticate') ?? '', /^Bearer/);
  assert.equal((await hub.call('GET', '/devices')).status, 401, 'the old routes are no way around');
  assert.equal(
    (await hub.call('GET', '/api/v1/devices', undefined, { authorization: 'Bearer rcd-0123456789abcdeX' }))
      .status,
    401,
  );
  assert.equal(
    (await hub.call('GET', '/api/v1/devices', undefined, { authorization: 'Bearer rcd-0123456789abcdef' }))
      .status,
    200,
  );
});

test('browsers: pages of other sites and names that anybody could point here are refused', async (t) => {
  const hub = await startTestHub(t, ({ http }) => (http.hostNames = ['panel.example']));
  const status = async (headers: Record<string, string>) =>
    (await hub.call('GET', '/devices', undefined, headers)).status;
  assert.equal(await status({ origin: 'http://evil.example' }), 403);
  assert.equal(await status({ origin: 'null' }), 403);
  assert.equal(await status({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await status({ referer: 'http://evil.example/page' }), 403);
  assert.equal(await status({ origin: hub.url }), 200);
  assert.equal(await status({ referer: `${hub.url}/console` }), 200);
  // fetch does not let Host be set.
  const { request } = await import('node:http');
  const withHost = (host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${hub.url}/devices`, { headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  // Whoever runs the network decides where names without a dot, and those of `.lan` and its like, lead.
  for (const host of ['evil.example', 'raspberrypi', 'hub.local', 'hub.lan:5070', 'x.home', 'x.localhost'])
    assert.equal(await withHost(host), 403, host);
  const own = ['localhost:5070', 'LOCALHOST.', '127.0.0.1', '[::1]:5070', hostname(), 'Panel.example:80'];
  for (const host of own) assert.equal(await withHost(host), 200, host);
});

test('metrics: counters of the hub and its gateway in Prometheus text', async (t) => {
  const hub = await startTestHub(t);
  const device = await join(t, hub, '127.0.0.11');
  device.serve(() => "{'Resposta': 'ok'}");
  await hub.call('POST', '/devices/DE11/commands/1');
  const { text, headers } = await hub.call('GET', '/metrics');
  assert.match(headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(text, /^recado_devices_online 1$/m);
  assert.match(text, /^recado_devices_invocations_completed_total 1$/m);
  assert.match(text, /^recado_socket_connections_open 1$/m);
});

test('openapi.json describes every route of v1', async (t) => {
  const hub = await startTestHub(t);
  const { body } = await hub.call('GET', '/openapi.json');
  assert.equal(body.openapi, '3.1.0');
  assert.deepEqual(Object.keys(body.paths).sort(), [
    '/.well-known/wot',
    '/api/v1/audit',
    '/api/v1/broker/clients',
    '/api/v1/broker/clients/{client}',
    '/api/v1/broker/sessions',
    '/api/v1/broker/sessions/{client}',
    '/api/v1/commands',
    '/api/v1/commands/{bulkId}',
    '/api/v1/devices',
    '/api/v1/devices/{deviceId}',
    '/api/v1/devices/{deviceId}/commands',
    '/api/v1/devices/{deviceId}/commands/{commandName}',
    '/api/v1/devices/{deviceId}/telemetry',
    '/api/v1/devices/{deviceId}/telemetry/{metric}',
    '/api/v1/events',
    '/api/v1/health',
    '/api/v1/hub',
    '/api/v1/invocations',
    '/api/v1/invocations/{invocationId}',
    '/api/v1/services',
    '/api/v1/session',
    '/api/v1/tickets',
    '/api/v1/tokens',
    '/api/v1/tokens/{tokenId}',
    '/api/v1/topics',
    '/api/v1/topics/{topic}',
    '/api/v1/users',
    '/api/v1/users/{name}',
    '/api/v1/webhooks',
    '/api/v1/webhooks/{webhookId}',
    '/events',
    '/events/{type}',
    '/healthz',
    '/readyz',
    '/things',
    '/things/{deviceId}',
    '/things/{deviceId}/actions/{commandName}',
    '/things/{deviceId}/events/{eventName}',
    '/things/{deviceId}/properties/{metric}',
    '/things/{deviceId}/properties/{metric}/observe',
  ]);
});

test('commands: what a caller still waits for when it leaves is cancelled, and nothing else', async (t) => {
  const hub = await startTestHub(t);
  const device = await join(t, hub, '127.0.0.11');
  const caller = connect(Number(new URL(hub.url).port), '127.0.0.1');
  t.after(() => caller.destroy());
  const call = 'POST /api/v1/devices/DE11/commands/describe HTTP/1.1\r\nhost: localhost\r\n\r\n';
  caller.write(call);
  await device.nextObject();
  device.send("{'Resposta': 'ok'}");
  const [answer] = (await once(caller, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  // The second of two pipelined ones waits in the queue of the device.
  caller.write(call + call);
  await device.nextObject();
  caller.destroy();
  const { counters } = hub.server.hub.devices;
  await until('both are cancelled', () => counters.invocationsCancelled === 2);
  assert.equal(counters.invocationsCompleted, 1);
});
