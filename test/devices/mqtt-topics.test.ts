import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readNamedDevices } from '../../src/gateways/mqtt-topics/named-device.ts';
import { listen } from '../helpers/mqtt-hub-rig.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const DEVICES = [
  {
    id: 'hall-plug',
    title: 'Plug in the hall',
    model: 'Shelly 1PM',
    availability: { topic: 'shellies/hall/online', online: true, offline: false },
    telemetry: {
      relay: { topic: 'shellies/hall/relay/0', type: 'boolean' },
      power: { topic: 'shellies/hall/relay/0/power', unit: 'W', title: 'Power now' },
      temperature: { topic: 'tele/+/SENSOR', path: 'DS18B20.0.Temperature', unit: '°C' },
      energy: {
        topic: 'shellies/hall/relay/0/energy',
        template: '{{ (value|float / 60000)|round(2) }}',
        unit: 'kWh',
      },
    },
    commands: {
      relay: {
        topic: 'shellies/hall/relay/0/command',
        input: { type: 'boolean' },
        payload: "{{ 'on' if value else 'off' }}",
      },
      reboot: { topic: 'shellies/hall/command', payload: 'reboot', title: 'Start again' },
      say: { topic: 'shellies/hall/say', input: { type: 'object' } },
    },
  },
  { id: 'bell', commands: { ring: { topic: 'bell/ring' } } },
];
const PATH = '/api/v1/devices/hall-plug';

async function start(t: TestContext) {
  const hub = await startTestHub(
    t,
    ({ gateways }) => void Object.assign(gateways.mqtt, { devices: DEVICES }),
  );
  const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'plug');
  const say = (topic: string, payload: string, retain = false): Promise<unknown> =>
    client.publishAsync(topic, payload, { qos: 1, retain });
  return { hub, client, say };
}

async function readingsOf(hub: TestHub): Promise<Record<string, unknown>> {
  const { body } = await hub.call('GET', `${PATH}/telemetry`);
  const readings = body.readings as { metric: string; value: unknown }[];
  return Object.fromEntries(readings.map(({ metric, value }) => [metric, value]));
}

const untilIs = (hub: TestHub, status: string): Promise<unknown> =>
  until(`it is ${status}`, async () => (await hub.call('GET', PATH)).body.presence.status === status);

describe('devices whose topics are named by hand', () => {
  it('are listed, read, commanded, and there as their topic says', async (t) => {
    const { hub, client, say } = await start(t);
    const { body } = await hub.call('GET', PATH);
    assert.deepEqual(
      [body.title, body.model, body.gateway, body.presence.status],
      ['Plug in the hall', 'Shelly 1PM', 'mqtt-topics', 'offline'],
    );
    await say('shellies/hall/online', 'true', true);
    await untilIs(hub, 'online');
    await say('shellies/hall/relay/0', 'off');
    await say('shellies/hall/relay/0/power', '12.5');
    await say('shellies/hall/relay/0/energy', '90000');
    await say('tele/cellar/SENSOR', '{"Time": "now", "DS18B20": [{"Temperature": 21.5}]}');
    await say('tele/attic/SENSOR', '{"Time": "now"}');
    await say('shellies/hall/relay/0/power', 'none');
    const wanted = { relay: false, power: 12.5, energy: 1.5, temperature: 21.5 };
    await until('it reads them', async () => Object.keys(await readingsOf(hub)).length === 4);
    assert.deepEqual(await readingsOf(hub), wanted);
    const heard = await listen(
      client,
      'shellies/hall/relay/0/command',
      'shellies/hall/command',
      'shellies/hall/say',
    );
    client.on('message', (topic, payload) => {
      if (topic === 'shellies/hall/relay/0/command') client.publish('shellies/hall/relay/0', payload);
    });
    const call = (name: string, input?: unknown) => hub.call('POST', `${PATH}/commands/${name}`, { input });
    assert.deepEqual((await call('relay', true)).body.output, { effect: 'seen' });
    assert.deepEqual((await call('reboot')).body.output, { effect: 'cannot be seen' });
    assert.deepEqual((await call('say', { text: 'hi' })).body.output, { effect: 'cannot be seen' });
    assert.equal((await call('relay', 'yes')).status, 422);
    assert.deepEqual(heard, [
      'shellies/hall/relay/0/command on',
      'shellies/hall/command reboot',
      'shellies/hall/say {"text":"hi"}',
    ]);
    await say('shellies/hall/online', 'false', true);
    await untilIs(hub, 'offline');
    assert.equal((await call('relay', true)).body.code, 'DEVICE_OFFLINE');
    // One without such a topic is there while the broker is.
    assert.equal((await hub.call('GET', '/api/v1/devices/bell')).body.presence.status, 'online');
    assert.equal(
      (await hub.call('POST', '/api/v1/devices/bell/commands/ring', {})).body.code,
      'DEVICE_OFFLINE',
    );
  });
});

describe('mistakes in devices that are named by hand', () => {
  const faultsOf = (devices: unknown): readonly string[] => {
    const read = readNamedDevices(devices);
    return read.ok ? [] : read.failure.map(({ steps, message }) => `${steps.join('.')} ${message}`);
  };

  it('are told with their places', () => {
    assert.deepEqual(faultsOf(DEVICES), []);
    assert.deepEqual(faultsOf(JSON.stringify(DEVICES)), []);
    const wrong = [
      { id: 'a b', telemetry: { 'x y': { topic: 'a' }, z: { topic: 'a/#', template: '{{ x' }, v: {} } },
      { id: 'c', commands: { on: { topic: 'a/+', input: { type: 'sting' }, payload: {}, qos: 1 } } },
      { id: 'd' },
      { id: 'd', tags: [] },
    ];
    const told = faultsOf(wrong).join('\n');
    for (const place of [
      '0.id must be an id',
      '0.telemetry.x y must be a name',
      '0.telemetry.z.topic must be a topic',
      '0.telemetry.z.template has what is not understood at',
      '0.telemetry.v must have a key topic',
      '1.commands.on.topic must be a topic without',
      '1.commands.on.input.type',
      '1.commands.on.payload must be a text, a number',
      '1.commands.on.qos is not a key (allowed: topic, title, payload, input, retain)',
      '3.tags is not a key',
    ])
      assert.ok(told.includes(place), `${place} in\n${told}`);
    assert.deepEqual(faultsOf([{ id: 'd' }, { id: 'd' }]), ['1.id is the id of a device before it']);
    assert.deepEqual(faultsOf({}), [' must be a list of at most 10000 devices']);
  });
});
