import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createDevice } from '../../src/device/index.ts';
import { ALLOW } from '../../src/mqtt/broker/hooks.ts';
import { ReasonCode } from '../../src/mqtt/codec/reason-code.ts';
import { openBrokerOnTcp } from '../helpers/broker-on-tcp.ts';
import { lastLevel, MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { Mosquitto, whyNoMosquitto } from '../helpers/mosquitto.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const BELOW = 'recado/devices/lamp-1';

const exporting =
  (change: (config: MutableConfig) => void = () => {}) =>
  (config: MutableConfig) => {
    config.gateways.mqtt.export = true;
    config.gateways.mqtt.hubId = 'one';
    change(config);
  };

/** A device over TCP, as Node-RED shall see it over MQTT. */
async function startLamp(t: TestContext, hub: TestHub, id = 'lamp-1') {
  const aborted: unknown[] = [];
  const lamp = createDevice({
    id,
    title: 'Lamp',
    hub: `tcp://127.0.0.1:${hub.tcpPort}`,
    telemetry: { 'power/W': { unit: 'W', type: 'number' } },
    events: { switched: {} },
    commands: {
      set: { kind: 'write', input: { type: 'boolean' }, run: ({ input }) => ({ on: input }) },
      wait: {
        run: ({ signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              aborted.push(signal.reason);
              resolve(null);
            });
          }),
      },
    },
  });
  t.after(() => lamp.stop());
  assert.equal((await lamp.start()).status, 'online');
  return { lamp, aborted };
}

/** Somebody at the broker who reads the topics of the lamp. */
async function readerAt(t: TestContext, url: string, options: object = {}): Promise<MqttDeviceClient> {
  const reader = await MqttDeviceClient.connect(t, url, 'lamp-1', options);
  await reader.client.subscribeAsync([`${BELOW}/+`, `${BELOW}/answers/+`, `${BELOW}/+/+`], { qos: 1 });
  return reader;
}

const urlOf = (hub: TestHub): string => `mqtt://127.0.0.1:${hub.mqttPort}`;
const heard = (reader: MqttDeviceClient, rest: string, text: string) =>
  until(`${rest} is ${text}`, () =>
    reader.heard.find((each) => each.topicName === `${BELOW}/${rest}` && each.text.includes(text)),
  );

type Described = { commands: object; telemetry: object; events: object; hub: string };

describe('devices of other gateways over MQTT', () => {
  it('are described, observed and commanded as if they spoke it', async (t) => {
    const hub = await startTestHub(t, exporting());
    const reader = await readerAt(t, urlOf(hub));
    const { lamp, aborted } = await startLamp(t, hub);
    const described = await heard(reader, 'description', '"title":"Lamp"');
    const { commands, telemetry, events, hub: from } = JSON.parse(described.text) as Described;
    assert.deepEqual([Object.keys(commands), from], [['set', 'wait'], 'one']);
    assert.deepEqual([telemetry, events], [{ 'power/W': { unit: 'W', type: 'number' } }, { switched: {} }]);
    await heard(reader, 'presence', '"online"');
    lamp.report({ 'power/W': 7 });
    lamp.emit('switched', { on: true });
    await heard(reader, 'telemetry/power%2FW', '7');
    await heard(reader, 'events/switched', '{"on":true}');
    const correlationData = Buffer.from('mine');
    await reader.say('commands/set/a1', 'true', { correlationData });
    const { packet } = await heard(reader, 'answers/a1', '{"on":true}');
    assert.equal(packet.properties?.correlationData?.toString(), 'mine');
    await reader.say('commands/set/a2', '"no boolean"');
    await heard(reader, 'answers/a2', '"status":422');
    await reader.say('commands/nothing/a3', '');
    await heard(reader, 'answers/a3', 'COMMAND_UNKNOWN');
    await reader.say('commands/wait/a4', '');
    await until('it runs', () => hub.server.hub.devices.get('lamp-1')?.lane.inFlight === 1);
    await reader.say('cancel/a4', '');
    await heard(reader, 'answers/a4', 'INVOCATION_CANCELLED');
    await until('the device is told', () => aborted.length === 1);
    await lamp.stop();
    await heard(reader, 'presence', '"offline"');
    const { body } = await hub.call('GET', '/api/v1/devices');
    assert.deepEqual(
      (body.devices as { deviceId: string; gateway: string }[]).map(({ deviceId, gateway }) => [
        deviceId,
        gateway,
      ]),
      [['lamp-1', 'socket']],
    );
    const { descriptionsTaken, messagesUnknown, answersUnasked } = hub.server.hub.gateways.find(
      ({ name }) => name === 'mqtt',
    )!.counters;
    assert.deepEqual([descriptionsTaken, messagesUnknown, answersUnasked], [0, 0, 0]);
    assert.equal((await hub.call('DELETE', '/api/v1/devices/lamp-1')).status, 204);
    await until('what was retained is gone', () =>
      reader.heard.some(({ topicName, text }) => topicName === `${BELOW}/description` && text === ''),
    );
  });

  it('are commanded by whoever may command them, and devices over MQTT by nobody', async (t) => {
    const hub = await startTestHub(t, exporting());
    await startLamp(t, hub);
    const { tokens } = hub.server.hub.accounts;
    const connect = async (role: 'operator' | 'viewer' | 'device', id: string) => {
      const scopes = role === 'device' ? [{ devices: [id] }] : [];
      const made = await tokens.create({ name: role, roles: [role], scopes });
      assert.ok(made.ok);
      return MqttDeviceClient.connect(t, urlOf(hub), id, { username: 'x', password: made.value.text });
    };
    const operator = await connect('operator', 'lamp-1');
    const viewer = await connect('viewer', 'lamp-1');
    const pump = await connect('device', 'pump-1');
    await pump.come({ commands: { run: {} } });
    await operator.client.subscribeAsync(`${BELOW}/answers/+`);
    await operator.say('commands/set/b1', 'false');
    await operator.next('answers/b1');
    const denied = { code: 0x87 };
    await assert.rejects(viewer.say('commands/set/b2', 'true'), denied);
    await assert.rejects(pump.client.publishAsync(`${BELOW}/commands/set/b3`, 'true', { qos: 1 }), denied);
    await assert.rejects(
      operator.client.publishAsync('recado/devices/pump-1/commands/run/b4', '', { qos: 1 }),
      denied,
    );
  });

  it('are devices of another hub at the same broker', { skip: whyNoMosquitto() }, async (t) => {
    const mosquitto = await new Mosquitto().start();
    t.after(() => mosquitto.remove());
    const external = (config: MutableConfig): void => {
      config.mqtt.external = mosquitto.url;
      config.mqtt.enabled = false;
    };
    const one = await startTestHub(t, exporting(external));
    const two = await startTestHub(t, (config) => {
      external(config);
      config.gateways.mqtt.hubId = 'two';
    });
    const { lamp } = await startLamp(t, one);
    await until('the other hub has it online', () => two.server.hub.devices.get('lamp-1')?.isOnline === true);
    const path = '/api/v1/devices/lamp-1/commands/set';
    const { status, body } = await two.call('POST', path, { input: true });
    assert.deepEqual([status, body.output], [200, { on: true }]);
    await lamp.stop();
    await until('it is offline there too', () => two.server.hub.devices.get('lamp-1')?.isOnline === false);
  });

  it('leave nothing behind when a hub shows them no more', { skip: whyNoMosquitto() }, async (t) => {
    const mosquitto = await new Mosquitto().start();
    t.after(() => mosquitto.remove());
    const change = exporting((config) => {
      config.mqtt.external = mosquitto.url;
      config.mqtt.enabled = false;
    });
    const first = await startTestHub(t, change);
    await startLamp(t, first);
    const reader = await readerAt(t, mosquitto.url);
    await heard(reader, 'presence', '"online"');
    await first.server.close();
    await heard(reader, 'presence', 'hub-stopping');
    // It knows nothing of the lamp: a hub in memory has forgotten it.
    const second = await startTestHub(t, change);
    await until('what was retained is gone', () =>
      reader.heard.some(({ topicName, text }) => topicName === `${BELOW}/description` && text === ''),
    );
    assert.equal(second.server.hub.devices.get('lamp-1'), undefined);
  });

  it('keep their ids: what others say on these topics is refused', async (t) => {
    const hub = await startTestHub(t, exporting());
    await startLamp(t, hub);
    const impostor = await MqttDeviceClient.connect(t, urlOf(hub), 'lamp-1');
    await impostor.retain('description', '{"title":"Not the lamp"}');
    await until('it is told', () =>
      hub.logged.some(({ text }) => text.includes('lamp-1 is a device of the gateway socket')),
    );
    assert.equal(hub.server.hub.devices.get('lamp-1')?.title, 'Lamp');
    assert.equal(lastLevel(BELOW), 'lamp-1');
  });

  it('are shown where the broker does not let the hub hear their commands, which is told', async (t) => {
    const { close, url } = await openBrokerOnTcp({
      hooks: [
        {
          name: 'no commands',
          authorizeSubscribe: (_, topicFilter) =>
            topicFilter.includes('/commands/')
              ? { allow: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reasonString: 'not for hubs' }
              : ALLOW,
        },
      ],
    });
    t.after(close);
    const change = exporting((config) => {
      config.mqtt.external = url;
      config.mqtt.enabled = false;
    });
    const hub = await startTestHub(t, change);
    await startLamp(t, hub);
    const reader = await MqttDeviceClient.connect(t, url, 'lamp-1');
    await reader.client.subscribeAsync(`${BELOW}/+`, { qos: 1 });
    await heard(reader, 'presence', '"online"');
    await until('it is told', () =>
      hub.logged.some(({ text }) => text.startsWith('devices cannot be shown over MQTT')),
    );
    assert.equal((await hub.call('GET', '/healthz')).status, 200);
  });

  it('keep no hub from stopping whose broker has gone', async (t) => {
    const { close, url } = await openBrokerOnTcp();
    const change = exporting((config) => {
      config.mqtt.external = url;
      config.mqtt.enabled = false;
      config.shutdownTimeoutMs = 3_600_000;
    });
    const hub = await startTestHub(t, change);
    await startLamp(t, hub);
    const reader = await readerAt(t, url);
    await heard(reader, 'presence', '"online"');
    await close();
    assert.equal(await hub.server.close(), true);
  });
});
