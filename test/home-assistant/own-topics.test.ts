import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listen } from '../helpers/mqtt-hub-rig.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const DEVICE = { identifiers: ['stranger'] };
const GOOD = { device: DEVICE, command_topic: 'acme/set', payload_press: 'good' };

/** Below `homeassistant/`, each with one topic that is the hub's own. */
const CONFIGS: Readonly<Record<string, object>> = {
  'button/pump': { command_topic: 'recado/devices/pump-1/commands/run/forged' },
  'button/hub': { command_topic: 'recado/hubs/other', retain: true },
  'button/config': { command_topic: 'homeassistant/sensor/born/config', retain: true },
  'button/service': { command_topic: 'recado/services/billing/agents/a' },
  'sensor/one': { state_topic: 'recado/devices/pump-1/telemetry/flow' },
  'sensor/based': { '~': 'recado/devices', state_topic: '~/pump-1/telemetry/flow' },
  'sensor/broker': { state_topic: '$SYS/broker/version' },
  'sensor/group': { state_topic: '$share/group/acme/state' },
  'sensor/there': { state_topic: 'acme/state', availability_topic: 'recado/devices/pump-1/presence' },
};

describe("a config that names topics of the hub's own", () => {
  it('has no part in a device: the hub neither listens nor publishes there', async (t) => {
    const hub = await startTestHub(t);
    const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
    const { client: pump } = await MqttDeviceClient.connect(t, url, 'pump-1');
    const heard = await listen(pump, 'recado/devices/pump-1/commands/#', 'acme/set');
    const { client } = await MqttDeviceClient.connect(t, url, 'stranger');
    const retain = (topic: string, payload: object): Promise<unknown> =>
      client.publishAsync(topic, JSON.stringify(payload), { qos: 1, retain: true });
    for (const [topic, config] of Object.entries(CONFIGS))
      await retain(`homeassistant/${topic}/config`, { device: DEVICE, ...config });
    await retain('homeassistant/button/good/config', GOOD);
    const path = '/api/v1/devices/stranger';
    await until('it is described', async () => (await hub.call('GET', path)).status === 200);
    const { body } = await hub.call('GET', `${path}/commands`);
    assert.deepEqual(
      (body.commands as { name: string }[]).map(({ name }) => name),
      ['good'],
    );
    const { body: device } = await hub.call('GET', path);
    assert.deepEqual(device.telemetry, []);
    assert.equal((await hub.call('POST', `${path}/commands/good`, {})).status, 200);
    await until('the command is heard', () => heard.length > 0);
    assert.deepEqual(heard, ['acme/set good']);
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    // A sensor that any gateway may hear, as OpenMQTTGateway has it, and one that would hear what devices answer.
    await retain('homeassistant/sensor/ble/config', { device: DEVICE, state_topic: '+/+/BTtoMQTT/A4C1' });
    await retain('homeassistant/sensor/any/config', { device: DEVICE, state_topic: '+/devices/+/answers/+' });
    const readings = async (): Promise<Record<string, string>[]> =>
      (await hub.call('GET', `${path}/telemetry`)).body.readings;
    await until('both are there', async () => (await hub.call('GET', path)).body.telemetry.length === 2);
    await pump.publishAsync('recado/devices/pump-1/answers/1', 'secret', { qos: 1 });
    await client.publishAsync('home/OMG/BTtoMQTT/A4C1', '21.5', { qos: 1 });
    await until('the sensor is read', async () => (await readings()).length > 0);
    assert.deepEqual(
      (await readings()).map(({ metric, value }) => [metric, value]),
      [['ble', '21.5']],
    );
    assert.equal(counters['componentsRefused'], Object.keys(CONFIGS).length);
    assert.ok(hub.logged.some(({ text }) => /pump .* is the hub's own/.test(text)));
  });
});
