import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const PUMP = { title: 'Pump', commands: { run: { kind: 'action' } } };

const pumpOf = (hub: TestHub) => hub.server.hub.devices.get('pump-1');

test('what a broker retains of a device that is gone does not raise it when the hub starts again', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'recado-mqtt-restart-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const start = () =>
    startTestHub(t, (config) => {
      config.inMemory = false;
      config.dataDir = dataDir;
    });
  const first = await start();
  const pump = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${first.mqttPort}`, 'pump-1');
  await pump.come(PUMP);
  await until('it is online', () => pumpOf(first)?.isOnline === true);
  await first.server.close();
  const second = await start();
  const url = `mqtt://127.0.0.1:${second.mqttPort}`;
  const reader = await MqttDeviceClient.connect(t, url, 'pump-1');
  await reader.client.subscribeAsync('recado/devices/pump-1/+', { qos: 1 });
  assert.equal((await reader.next('presence')).text, 'online');
  assert.deepEqual([pumpOf(second)?.title, pumpOf(second)?.isOnline], ['Pump', false]);
  assert.equal(pumpOf(second)?.version, 1);
  // It is back, and takes its commands.
  const again = await MqttDeviceClient.connect(t, url, 'pump-1');
  await again.client.subscribeAsync('recado/devices/pump-1/commands/#', { qos: 1 });
  await until('it is online', () => pumpOf(second)?.isOnline === true);
});

test('with another broker, what it retains is how it is', { skip: whyNoMosquitto() }, async (t) => {
  const mosquitto = await new Mosquitto().start();
  t.after(() => mosquitto.remove());
  const start = () =>
    startTestHub(t, (config) => {
      config.mqtt.enabled = false;
      config.mqtt.external = mosquitto.url;
    });
  const first = await start();
  const will = { topic: 'recado/devices/pump-1/presence', payload: Buffer.from('offline'), retain: true };
  const pump = await MqttDeviceClient.connect(t, mosquitto.url, 'pump-1', { will });
  await pump.come(PUMP);
  await until('it is online', () => pumpOf(first)?.isOnline === true);
  await first.server.close();
  const second = await start();
  await until('it is online at once', () => pumpOf(second)?.isOnline === true);
  await second.server.close();
  pump.drop();
  const third = await start();
  await until('it is listed', () => pumpOf(third) !== undefined);
  await until('its presence was heard', async () => {
    const reader = await MqttDeviceClient.connect(t, mosquitto.url, 'pump-1');
    await reader.client.subscribeAsync('recado/devices/pump-1/presence', { qos: 1 });
    return (await reader.next('presence')).text === 'offline';
  });
  await until('it is offline', () => pumpOf(third)?.isOnline === false);
});
