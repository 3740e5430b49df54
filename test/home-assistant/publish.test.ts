import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { checkConfig } from '../../src/cli/check-config.ts';
import { createDevice } from '../../src/device/index.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const CONFIG = 'homeassistant/device/recado_lamp-1/config';

type Config = {
  readonly device: { readonly configuration_url?: string };
  readonly components: Readonly<
    Record<string, { command_topic: string; state_topic: string; payload_on: string }>
  >;
  readonly availability: readonly { topic: string }[];
};

const publishing =
  (change: (config: MutableConfig) => void = () => {}) =>
  (config: MutableConfig) => {
    config.gateways.homeAssistant.publish = true;
    config.gateways.mqtt.hubId = 'one';
    change(config);
  };

async function startLamp(t: TestContext, hub: TestHub) {
  const set: unknown[] = [];
  const lamp = createDevice({
    id: 'lamp-1',
    title: 'Lamp',
    hub: `tcp://127.0.0.1:${hub.tcpPort}`,
    telemetry: { on: { type: 'boolean' }, power: { unit: 'W', type: 'number' } },
    commands: {
      on: {
        kind: 'write',
        input: { type: 'boolean' },
        run: ({ input }) => {
          set.push(input);
          lamp.report({ on: input });
          return null;
        },
      },
    },
  });
  t.after(() => lamp.stop());
  assert.equal((await lamp.start()).status, 'online');
  return { lamp, set };
}

/** Somebody at the broker who does what Home Assistant does with a config. */
async function homeAssistantAt(t: TestContext, url: string): Promise<MqttDeviceClient> {
  const client = await MqttDeviceClient.connect(t, url, 'home-assistant');
  await client.client.subscribeAsync(['homeassistant/#', 'recado/devices/lamp-1/#', 'recado/hubs/+'], {
    qos: 1,
  });
  return client;
}

/** What was said last on a topic. */
const lastOf = (client: MqttDeviceClient, topic: string): string | undefined =>
  client.heard.findLast(({ topicName }) => topicName === topic)?.text;

async function configOf(client: MqttDeviceClient): Promise<Config> {
  const text = await until('the config is there', () => lastOf(client, CONFIG));
  return JSON.parse(text) as Config;
}

describe('devices that Home Assistant is told of', () => {
  it('are shown, commanded and taken away again', async (t) => {
    const url = 'http://hub.local:5070';
    const hub = await startTestHub(
      t,
      publishing(({ gateways }) => void (gateways.mqtt.hubUrl = url)),
    );
    const client = await homeAssistantAt(t, `mqtt://127.0.0.1:${hub.mqttPort}`);
    const { lamp, set } = await startLamp(t, hub);
    const { device, components, availability } = await configOf(client);
    assert.equal(device.configuration_url, url);
    const status = await until('the hub is told of', () => lastOf(client, 'recado/hubs/one'));
    assert.equal((JSON.parse(status) as { url: string }).url, url);
    assert.deepEqual(Object.keys(components), ['on', 'power']);
    for (const { topic } of availability)
      await until(`${topic} says online`, () => lastOf(client, topic)?.includes('"state":"online"'));
    const { command_topic: commandTopic, state_topic: stateTopic, payload_on: payload } = components['on']!;
    await client.client.publishAsync(commandTopic, payload, { qos: 1 });
    await until('its state is shown', () => lastOf(client, stateTopic) === 'true');
    assert.deepEqual(set, [true]);
    const { body } = await hub.call('GET', '/api/v1/devices');
    assert.equal(body.total, 1, 'what the hub says itself is not read back');
    await lamp.stop();
    await until(
      'it may be forgotten',
      async () => (await hub.call('DELETE', '/api/v1/devices/lamp-1')).status === 204,
    );
    await until('its config has gone', () => lastOf(client, CONFIG) === '');
  });

  it('are told again when Home Assistant has started, with what they show', async (t) => {
    const hub = await startTestHub(t, publishing());
    const client = await homeAssistantAt(t, `mqtt://127.0.0.1:${hub.mqttPort}`);
    const { lamp } = await startLamp(t, hub);
    lamp.report({ power: 7 });
    await configOf(client);
    await until(
      'its reading is shown',
      () => lastOf(client, 'recado/devices/lamp-1/telemetry/power') === '7',
    );
    client.heard.length = 0;
    await client.client.publishAsync('homeassistant/status', 'online');
    await configOf(client);
    await until(
      'its reading is shown again',
      () => lastOf(client, 'recado/devices/lamp-1/telemetry/power') === '7',
    );
  });

  it('are shown over MQTT, and `recado check` says so', async () => {
    const checked = await checkConfig({
      folder: import.meta.dirname,
      environment: { RECADO_GATEWAYS_HOME_ASSISTANT_PUBLISH: 'true' },
    });
    assert.ok(checked.ok);
    assert.ok(
      checked.value.remarks.some((remark) => remark.startsWith('With gateways.homeAssistant.publish')),
      checked.value.remarks.join('\n'),
    );
  });

  it('and that are no more when the hub starts are taken away', { skip: whyNoMosquitto() }, async (t) => {
    const mosquitto = new Mosquitto();
    await mosquitto.start();
    t.after(() => mosquitto.remove());
    const start = (): Promise<TestHub> =>
      startTestHub(
        t,
        publishing((config) => {
          config.mqtt.external = mosquitto.url;
          config.mqtt.enabled = false;
        }),
      );
    const first = await start();
    const client = await homeAssistantAt(t, mosquitto.url);
    await startLamp(t, first);
    await configOf(client);
    await first.server.close();
    // It keeps nothing, so the next one does not know the lamp.
    await start();
    await until('its config has gone', () => lastOf(client, CONFIG) === '');
  });
});
