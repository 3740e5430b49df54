import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

/** A hub with a good device that a bad one must not disturb. */
async function withGoodDevice(
  t: TestContext,
  change: Parameters<typeof startTestHub>[1] = () => {},
): Promise<TestHub> {
  const hub = await startTestHub(t, change);
  const good = await WireDevice.connect(t, hub.tcpPort, '127.0.0.2');
  await good.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE2'));
  good.serve((command) => `{'Resposta': 'echo ${command.Entrada ?? ''}'}`);
  return hub;
}

async function stillServes(hub: TestHub): Promise<void> {
  const value = String(Math.random());
  assert.deepEqual((await hub.call('PATCH', `/devices/DE2/commands/3/${value}`)).body, {
    Resposta: `echo ${value}`,
  });
}

test('a connection that says nothing is closed after handshakeTimeoutMs', async (t) => {
  const hub = await withGoodDevice(t, (config) => {
    // The good device has to be through within this time too.
    config.gateways.socket.handshakeTimeoutMs = 1000;
  });
  const silent = await WireDevice.connect(t, hub.tcpPort);
  const half = await WireDevice.connect(t, hub.tcpPort);
  half.send('Cone');
  const noDescription = await WireDevice.connect(t, hub.tcpPort);
  noDescription.send('Conexão');
  const framed = await WireDevice.connect(t, hub.tcpPort);
  framed.send('{"recado":2,');
  // The time counts from the connection, not from what was heard last.
  const dripping = await WireDevice.connect(t, hub.tcpPort);
  dripping.send('{"recado":2,"id":"');
  const drip = setInterval(() => dripping.send('x'), 20);
  t.after(() => clearInterval(drip));
  await Promise.all([silent, half, noDescription, framed, dripping].map((device) => device.closed()));
  assert.equal(hub.counters['handshakeTimeouts'], 5);
  await stillServes(hub);
});

test('a message that does not end is closed after messageTimeoutMs', async (t) => {
  const hub = await withGoodDevice(t, (config) => {
    config.gateways.socket.messageTimeoutMs = 200;
  });
  const slow = await WireDevice.connect(t, hub.tcpPort);
  await slow.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE1'));
  slow.send("{'Resposta': '");
  const drip = setInterval(() => slow.send('x'), 20);
  t.after(() => clearInterval(drip));
  await slow.closed();
  const framed = await WireDevice.connect(t, hub.tcpPort);
  framed.send('{"recado":2,"id":"slow"}\n');
  await framed.nextObject();
  framed.send('{"telemetry":');
  assert.match((await framed.nextObject())['error'].message, /did not end/);
  await framed.closed();
  assert.equal(hub.counters['messageTimeouts'], 2);
  await stillServes(hub);
});

const BROKEN_OPENINGS: [string, string | Buffer][] = [
  ['a web browser', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a TLS client', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00])],
  ['zero bytes', Buffer.alloc(64)],
  ['invalid UTF-8', Buffer.from([0xc3, 0x28, 0xff])],
  ['an answer before the handshake', "Recebido{'Resposta': 'x'}"],
  ['a description that is a list', 'Conexão[1, 2]'],
  ['a description of something else', "Conexão{'1': 5}"],
  ['a description with names instead of numbers', "Conexão{'um': {'Descrição': 'x'}}"],
  [
    'too many commands',
    `Conexão${JSON.stringify(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i + 1, { Descrição: 'x' }])))}`,
  ],
  ['brackets that do not match', "Conexão{'1': (]}"],
  ['nesting without end', `Conexão${'{"a":'.repeat(5000)}`],
  ['megabytes without an end', `Conexão{'1': '${'x'.repeat(2_000_000)}`],
];

for (const [name, bytes] of BROKEN_OPENINGS) {
  test(`${name}: closed, and nobody else notices`, async (t) => {
    const hub = await withGoodDevice(t);
    const bad = await WireDevice.connect(t, hub.tcpPort);
    bad.send(bytes);
    await bad.closed();
    assert.deepEqual((await hub.call('GET', '/devices')).body, ['DE2']);
    await stillServes(hub);
  });
}

test('an answer of megabytes: its caller is told, its connection closed', async (t) => {
  const hub = await withGoodDevice(t);
  const bad = await WireDevice.connect(t, hub.tcpPort);
  await bad.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE1'));
  const call = hub.call('POST', '/api/v1/devices/DE1/commands/ligar', {});
  await bad.expect('{"Comando":"1"}');
  bad.send(`{'Resposta': '${'x'.repeat(3_000_000)}'}`);
  const { status, body } = await call;
  assert.equal(status, 502);
  assert.equal(body.code, 'BAD_ANSWER');
  await bad.closed();
  assert.equal(hub.counters['messagesTooLarge'], 1);
  await stillServes(hub);
});

test('the largest message that is allowed is taken', async (t) => {
  const hub = await withGoodDevice(t);
  const big = await WireDevice.connect(t, hub.tcpPort);
  await big.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE1'));
  const call = hub.call('POST', '/devices/DE1/commands/1');
  await big.expect('{"Comando":"1"}');
  const text = 'x'.repeat(65_536 - "{'Resposta': ''}".length);
  big.send(`{'Resposta': '${text}'}`);
  assert.equal((await call).body.Resposta, text);
});

test('answers that nobody asked for: counted, and too many end the connection', async (t) => {
  const hub = await withGoodDevice(t);
  const bad = await WireDevice.connect(t, hub.tcpPort);
  await bad.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE1'));
  bad.send('Recebido'.repeat(8) + "{'Resposta': 'x'}".repeat(8));
  await until('counted', () => hub.counters['messagesUnasked'] === 16);
  await stillServes(hub);
  bad.send('Recebido');
  await bad.closed();
  assert.equal((await hub.call('GET', '/api/v1/devices/DE1')).body.presence.reason, 'protocol-error');
});

test('a device that never reads costs a bounded outbox', async (t) => {
  const hub = await withGoodDevice(t, (config) => {
    config.gateways.socket.maxOutboxBytes = 65_536;
    config.devices.maxQueuedInvocations = 1000;
    config.devices.maxQueuedPerCaller = 1000;
  });
  const deaf = await WireDevice.connect(t, hub.tcpPort);
  deaf.send(
    `${JSON.stringify({ recado: 2, id: 'deaf', description: { commands: { say: { input: { type: 'string' } } } } })}\n`,
  );
  await deaf.nextObject();
  deaf.socket.pause();
  const outcomes: string[] = [];
  const text = 'x'.repeat(200_000);
  for (let index = 0; index < 200 && !outcomes.includes('TOO_MANY_INVOCATIONS'); index++) {
    void hub.server.hub
      .invoke('deaf', 'say', { input: text, timeoutMs: 60_000 })
      .then((outcome) => outcomes.push(outcome.ok ? 'ok' : outcome.failure.code));
    await stillServes(hub);
  }
  assert.ok(outcomes.includes('TOO_MANY_INVOCATIONS'));
  assert.ok((hub.counters['outboxFull'] ?? 0) >= 1);
});

test('a framed device that asks and does not read is let go', async (t) => {
  const hub = await withGoodDevice(t, (config) => {
    config.gateways.socket.maxOutboxBytes = 65_536;
  });
  const deaf = await WireDevice.connect(t, hub.tcpPort);
  deaf.send('{"recado":2,"id":"deaf"}\n');
  await deaf.nextObject();
  deaf.socket.pause();
  const pings = `{"ping":"${'x'.repeat(60)}"}\n`.repeat(2000);
  const flood = setInterval(() => deaf.socket.write(pings), 5);
  t.after(() => clearInterval(flood));
  await until('it is gone', async () => !(await hub.call('GET', '/devices')).body.includes('deaf'), 20_000);
  assert.ok((hub.counters['outboxFull'] ?? 0) >= 1);
  await stillServes(hub);
});

test('a connection that only asks whether another is good is let go', async (t) => {
  const hub = await withGoodDevice(t);
  const asking = await WireDevice.connect(t, hub.tcpPort);
  asking.send('Checagem'.repeat(100));
  await asking.closed();
  assert.equal(asking.text, 'Desconectado'.repeat(16));
  await stillServes(hub);
});

test('more connections than maxConnections, or than one address may have, are refused', async (t) => {
  const hub = await withGoodDevice(t, (config) => {
    config.gateways.socket.maxConnections = 4;
    config.gateways.socket.maxConnectionsPerAddress = 2;
  });
  await WireDevice.connect(t, hub.tcpPort, '127.0.0.3');
  await WireDevice.connect(t, hub.tcpPort, '127.0.0.3');
  const third = await WireDevice.connect(t, hub.tcpPort, '127.0.0.3');
  await third.closed();
  assert.equal(hub.counters['connectionsRefusedPerAddress'], 1);
  assert.ok(hub.logged.some(({ text }) => text.includes('maxConnectionsPerAddress is 2')));
  await WireDevice.connect(t, hub.tcpPort, '127.0.0.4');
  const another = await WireDevice.connect(t, hub.tcpPort, '127.0.0.4');
  await another.closed();
  assert.equal(hub.counters['connectionsRefusedLimit'], 1, 'nobody has more than one more');
  await stillServes(hub);
});

test('strangers that the ledger does not tell apart are not counted as one address', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.maxConnections = 5;
    config.gateways.socket.maxConnectionsPerAddress = 2;
  });
  const { ledger } = hub.server.hub;
  for (let count = 0; ledger.open(`somebody ${count}`).key !== ''; count++);
  const devices: WireDevice[] = [];
  for (let host = 3; host <= 7; host++) {
    const device = await WireDevice.connect(t, hub.tcpPort, `127.0.0.${host}`);
    await device.handshake();
    devices.push(device);
  }
  const sixth = await WireDevice.connect(t, hub.tcpPort, '127.0.0.8');
  await sixth.closed();
  assert.deepEqual(
    [hub.counters['connectionsRefusedPerAddress'], hub.counters['connectionsRefusedLimit']],
    [0, 1],
  );
  assert.deepEqual([hub.counters['connectionsYielded'], hub.counters['connectionsOpen']], [0, 5]);
});

test('who holds all connections and says nothing keeps no device out', async (t) => {
  const hub = await withGoodDevice(t, (config) => (config.gateways.socket.maxConnections = 6));
  const silent: WireDevice[] = [];
  for (let count = 0; count < 5; count++) silent.push(await WireDevice.connect(t, hub.tcpPort, '127.0.0.3'));
  const newcomer = await WireDevice.connect(t, hub.tcpPort, '127.0.0.4');
  await newcomer.handshake();
  await until('listed', async () => (await hub.call('GET', '/devices')).body.includes('DE4'));
  await silent[0]!.closed();
  assert.deepEqual([hub.counters['connectionsYielded'], hub.counters['connectionsOpen']], [1, 6]);
  await stillServes(hub);
});

test('strangers who come do not have the tokens of all devices gone through', async (t) => {
  let walks = 0;
  const tokens = new Proxy<Record<string, string>>(
    { 'greenhouse-1': 'a-secret-of-the-greenhouse' },
    { ownKeys: (target) => (walks++, Reflect.ownKeys(target)) },
  );
  const hub = await startTestHub(t, (config) => {
    config.gateways.socket.trustedNetworks = [];
    config.gateways.socket.deviceTokens = tokens;
  });
  const walksBefore = walks;
  for (let count = 0; count < 3; count++) {
    const stranger = await WireDevice.connect(t, hub.tcpPort);
    stranger.send('Conexão');
    await stranger.closed();
  }
  assert.equal(hub.counters['connectionsRefusedUntrusted'], 3);
  assert.equal(walks, walksBefore);
});

test('resets in every state leave nothing behind', async (t) => {
  const hub = await withGoodDevice(t);
  const openings = [
    '',
    'Con',
    'Conexão',
    "Conexão{'1': {'Descrição': 'x'}}",
    '{"recado":2,"id":"r"}\n',
    '{"recado"',
  ];
  for (let round = 0; round < 10; round++) {
    for (const opening of openings) {
      const device = await WireDevice.connect(t, hub.tcpPort);
      if (opening !== '') device.send(opening);
      device.socket.resetAndDestroy();
    }
  }
  await until('only the good one is left', () => hub.counters['connectionsOpen'] === 1);
  await until('and listed', async () => (await hub.call('GET', '/devices')).text === '["DE2"]');
  await stillServes(hub);
});

test('the log is not flooded by devices that are refused, and says how many there were', async (t) => {
  const hub = await startTestHub(t);
  const connecting = Array.from({ length: 60 }, () => WireDevice.connect(t, hub.tcpPort, '127.0.0.3'));
  const devices = await Promise.all(connecting);
  for (const device of devices) device.send('{"recado":9}\n');
  await Promise.all(devices.map((device) => device.closed()));
  const lines = (): string[] => hub.logged.map(({ text }) => text);
  const written = (): number => lines().filter((text) => text.includes('127.0.0.3 was refused')).length;
  const withheld = (): number =>
    lines().reduce(
      (sum, text) => sum + Number(/^faults of devices: and (\d+) more$/.exec(text)?.[1] ?? 0),
      0,
    );
  await until('all are told of', () => written() + withheld() === 60);
  assert.ok(written() < 60, `${written()} lines`);
});
