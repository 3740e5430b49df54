import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const CONFIG = JSON.stringify({
  dev: { ids: ['fan'], name: 'Fan' },
  cmd_t: 'fan/set',
  stat_t: 'fan/state',
  uniq_id: 'fan-1',
});

async function startMosquitto(t: TestContext): Promise<string> {
  const mosquitto = new Mosquitto();
  await mosquitto.start();
  t.after(() => mosquitto.remove());
  return mosquitto.url;
}

const startHub = (t: TestContext, external: string, dataDir?: string): Promise<TestHub> =>
  startTestHub(t, (config) => {
    config.mqtt.external = external;
    config.mqtt.enabled = false;
    config.gateways.homeAssistant.settleMs = 100;
    if (dataDir === undefined) return;
    config.inMemory = false;
    config.dataDir = dataDir;
  });

describe('discovery over Mosquitto', { skip: whyNoMosquitto() }, () => {
  it('asks for configs, and carries commands and states', async (t) => {
    const url = await startMosquitto(t);
    const { client } = await MqttDeviceClient.connect(t, url, 'fan');
    const retain = { qos: 1, retain: true } as const;
    client.on('message', (topicName, payload) => {
      const text = payload.toString();
      if (topicName === 'homeassistant/status' && text === 'online')
        void client.publishAsync('homeassistant/switch/fan/config', CONFIG, retain);
      if (topicName === 'fan/set') void client.publishAsync('fan/state', text, retain);
    });
    await client.subscribeAsync(['homeassistant/status', 'fan/set'], { qos: 1 });
    const hub = await startHub(t, url);
    await until('it is online', async () => {
      const { body } = await hub.call('GET', '/api/v1/devices/fan');
      return body.presence?.status === 'online';
    });
    const { status, body } = await hub.call('POST', '/api/v1/devices/fan/commands/fan', { input: true });
    assert.deepEqual([status, body.output], [200, { effect: 'seen' }]);
  });

  it('hears a topic of several devices once, and each that comes gets what is retained there', async (t) => {
    const url = await startMosquitto(t);
    const { client } = await MqttDeviceClient.connect(t, url, 'bridge');
    const hub = await startHub(t, url);
    const { devices } = hub.server.hub;
    const reads = (id: string): unknown => devices.get(id)?.telemetry.latest()[0]?.value;
    await client.publishAsync('acme/state', 'one', { qos: 1, retain: true });
    for (const id of ['a', 'b', 'c']) {
      const config = JSON.stringify({ unique_id: id, state_topic: 'acme/state' });
      await client.publishAsync(`homeassistant/sensor/${id}/config`, config, { qos: 1, retain: true });
      await until(`${id} has read it`, () => reads(id) === 'one');
    }
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    const messages = counters['statesTaken']!;
    await client.publishAsync('acme/state', 'two', { qos: 1 });
    await until('all have read the next', () => ['a', 'b', 'c'].every((id) => reads(id) === 'two'));
    assert.equal(counters['statesTaken'], messages + 1);
  });

  it('forgets a device whose config has gone while the hub was away, and keeps the id of the others', async (t) => {
    const url = await startMosquitto(t);
    const dataDir = mkdtempSync(join(tmpdir(), 'recado-discovery-'));
    t.after(() => rmSync(dataDir, { recursive: true, force: true }));
    const { client } = await MqttDeviceClient.connect(t, url, 'fan');
    const retain = { qos: 1, retain: true } as const;
    const lamp = CONFIG.replace('"fan"', '"fan","lamp/1"').replace('fan-1', 'lamp-1');
    await client.publishAsync('homeassistant/switch/lamp/config', lamp.replace('"fan",', ''), retain);
    await client.publishAsync('homeassistant/switch/fan/config', CONFIG, retain);
    const first = await startHub(t, url, dataDir);
    await until('both are there', async () => (await first.call('GET', '/api/v1/devices')).body.total === 2);
    await first.server.close();
    await client.publishAsync('homeassistant/switch/fan/config', '', retain);
    // It has another name now before the one that it is known by.
    await client.publishAsync('homeassistant/switch/lamp/config', lamp.replace('"fan"', '"new"'), retain);
    const second = await startHub(t, url, dataDir);
    await until('one is left', async () => (await second.call('GET', '/api/v1/devices')).body.total === 1);
    const { body } = await second.call('GET', '/api/v1/devices');
    assert.equal(body.devices[0].deviceId, 'lamp-1');
  });
});
