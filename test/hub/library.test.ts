import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHub, defaultConfig, startServer } from '../../src/index.ts';

const ANY_PORTS = {
  inMemory: true,
  http: { port: 0 },
  gateways: { socket: { tcpPort: 0, udpPort: 0 } },
  mqtt: { port: 0 },
} as const;

test('a hub wants nothing to be said', () => {
  for (const hub of [createHub(), createHub({}), createHub(defaultConfig())]) {
    assert.deepEqual(
      hub.gateways.map(({ name }) => name),
      ['socket', 'mqtt', 'mqtt-topics', 'home-assistant'],
    );
    assert.notEqual(hub.broker, undefined);
  }
  assert.equal(createHub({ mqtt: { enabled: false } }).broker, undefined);
});

test('a server takes the keys that differ from the defaults', async () => {
  const server = await startServer(ANY_PORTS);
  const { address = '' } = server.listening.find(({ name }) => name === 'http') ?? {};
  assert.equal((await fetch(`${address}/healthz`)).status, 200);
  assert.equal(await server.close(), true);
});

test('a configuration that is wrong is told whole, before anything is opened', async () => {
  const wrong = {
    http: { port: 70_000, prot: 1 },
    mqtt: 5,
    gateways: { socket: { deviceTokens: { 'a b': 'x' } } },
  } as never;
  const error = {
    code: 'CONFIG_INVALID',
    message:
      /^The configuration is wrong:\n {2}http\.port: must be .*\n {2}http\.prot: is not a key .*\n {2}mqtt: must be an object .*\n {2}gateways\.socket\.deviceTokens\./,
  };
  assert.throws(() => createHub(wrong), error);
  await assert.rejects(startServer(wrong), error);
  assert.throws(() => createHub({ http: { port: 5050 } }), {
    code: 'CONFIG_INVALID',
    message: /each needs its own/,
  });
  assert.throws(() => createHub(null as never), { code: 'CONFIG_INVALID' });
});
