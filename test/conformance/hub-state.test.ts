import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClient } from '../../src/client/index.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';
import { WireDevice } from '../helpers/wire-device.ts';

const TOKEN = 'the-token-of-the-configuration';
const ADMIN = { authorization: `Bearer ${TOKEN}` };

test('the hub tells where it listens, who is there, and what it keeps', async (t) => {
  const hub = await startTestHub(t, (config) => {
    config.http.tokens = [TOKEN];
    config.services.sameOrigin = true;
  });
  const client = createClient({ url: hub.url, token: TOKEN });
  await WireDevice.connect(t, hub.tcpPort, '127.0.0.1');
  await until('the device is counted', async () => (await client.state()).connections.devices === 1);
  const state = await client.state();
  const address = (name: string) => state.listeners.find((listener) => listener.name === name)?.address;
  assert.equal(address('http'), hub.url);
  assert.equal(address('mqtt'), `mqtt://127.0.0.1:${hub.mqttPort}`);
  assert.ok(state.listeners.every(({ isEncrypted }) => !isEncrypted));
  assert.ok(state.connections.http >= 1);
  assert.equal(state.connections.mqtt, 0);
  assert.deepEqual([state.stores, state.disk, state.externalBroker], [[], null, null]);
  assert.ok(Date.parse(state.started) <= Date.now());
  assert.ok(state.kept.every(({ bytes, limitBytes }) => bytes <= limitBytes));
  assert.ok(state.eventLoop.activeMs > 0);
  assert.ok(state.warnings?.some((warning) => warning.startsWith('services.sameOrigin is set')));
  assert.equal((await hub.call('GET', '/api/v1/hub', undefined, { authorization: 'Bearer no' })).status, 401);
});

test('stores and their disk; and what is not for who only reads', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'recado-hub-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const hub = await startTestHub(t, (config) => {
    config.inMemory = false;
    config.dataDir = folder;
    config.http.tokens = [TOKEN];
    // Nobody listens there.
    config.mqtt.external = 'mqtt://ana:secret@127.0.0.1:9';
  });
  const { body } = await hub.call('GET', '/api/v1/hub', undefined, ADMIN);
  assert.deepEqual(
    body.stores.map(({ name, state }: { name: string; state: string }) => [name, state]),
    [
      ['sessions', 'ready'],
      ['hub', 'ready'],
      ['telemetry', 'ready'],
    ],
  );
  assert.equal(body.disk.folder, folder);
  assert.ok(body.disk.storedBytes > 0 && body.disk.freeBytes > 0);
  assert.deepEqual(body.externalBroker, { address: 'mqtt://127.0.0.1:9', isConnected: false });
  const wanted = { name: 'eye', roles: ['viewer'] };
  const { token } = (await hub.call('POST', '/api/v1/tokens', wanted, ADMIN)).body;
  const seen = await createClient({ url: hub.url, token }).state();
  assert.deepEqual([seen.disk?.folder, seen.externalBroker?.address, seen.warnings], [null, null, null]);
  assert.ok(seen.listeners.length > 0 && seen.listeners.every(({ address }) => address === null));
});
