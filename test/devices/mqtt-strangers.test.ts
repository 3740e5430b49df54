import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { MqttClient } from 'mqtt';
import { memoryBytes } from '../helpers/measured-growth.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type MutableConfig } from '../helpers/start-test-hub.ts';

const ROUND = 10_000;
/** What a round may leave: a place that is not given back takes more than 500 bytes. */
const MAX_LEFT_BYTES = ROUND * 200;

/** The same word about many ids that nobody knew; the last one is acknowledged. */
async function flood(client: MqttClient, round: number, rest: string, payload: string): Promise<void> {
  for (let id = 0; id < ROUND; id++) client.publish(`recado/devices/d${round}-${id}/${rest}`, payload);
  await client.publishAsync(`recado/devices/last/${rest}`, payload, { qos: 1 });
}

/** By how much the hub has grown in one round, after a first one, beyond what is booked. */
async function growthOf(
  t: TestContext,
  rest: string,
  payload: string,
  change: (config: MutableConfig) => void = () => {},
): Promise<number> {
  const hub = await startTestHub(t, change);
  const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'stranger');
  await flood(client, 0, rest, payload);
  const { ledger } = hub.server.hub;
  const before = (await memoryBytes()) - ledger.totalBytes;
  await flood(client, 1, rest, payload);
  return (await memoryBytes()) - ledger.totalBytes - before;
}

describe('a stranger who speaks of devices without end', () => {
  it('leaves nothing of those for which the list has no room', async (t) => {
    const grown = await growthOf(
      t,
      'description',
      '{"commands": {}, "telemetry": {}}',
      ({ devices }) => void (devices.maxOfflineDevices = 10),
    );
    assert.ok(grown < MAX_LEFT_BYTES, `${grown} bytes`);
  });

  it('leaves nothing of those that it says the hub shows', async (t) => {
    const grown = await growthOf(
      t,
      'presence',
      '{"state": "online", "hub": "this-hub"}',
      ({ gateways }) => void (gateways.mqtt.hubId = 'this-hub'),
    );
    assert.ok(grown < MAX_LEFT_BYTES, `${grown} bytes`);
  });
});
