import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { MqttClient, Packet } from 'mqtt';
import type { Role, Scope } from '../../src/accounts/permissions.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { passwordLines, TestFolder } from '../helpers/mqtt-hub-rig.ts';
import { startTestHub, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const NOT_AUTHORIZED = 0x87;
const LAMP = { identifiers: ['lamp-7'], name: 'Lamp' };
const SWITCH = { device: LAMP, state_topic: 'acme/lamp', command_topic: 'acme/lamp/set' };

/** What each would have the hub do with topics of others, and the topic that is told. */
const FOREIGN: readonly (readonly [topic: string, config: object, told: string])[] = [
  [
    'homeassistant/switch/mallory/a/config',
    { command_topic: 'acme/lamp/set' },
    'acme/lamp/set, where .* publish',
  ],
  ['homeassistant/sensor/mallory/b/config', { stat_t: 'acme/lamp' }, 'acme/lamp, where .* subscribe'],
  ['homeassistant/sensor/mallory/c/config', { stat_t: '+/lamp' }, '\\+/lamp, where .* subscribe'],
  [
    'homeassistant/cover/mallory/d/config',
    { '~': 'acme', set_pos_t: '~/lamp/set' },
    'acme/lamp/set, where .* publish',
  ],
  [
    'homeassistant/sensor/mallory/e/config',
    { state_topic: 'mallory/x', avty: [{ t: 'acme/there' }] },
    'acme/there, where .* subscribe',
  ],
  [
    'homeassistant/device/mallory/f/config',
    {
      device: { identifiers: ['m'] },
      origin: { name: 'm' },
      cmps: { x: { p: 'button', cmd_t: 'acme/lamp/set', uniq_id: 'm' } },
    },
    'acme/lamp/set, where .* publish',
  ],
  [
    'tasmota/discovery/DC4F22123456/config',
    { mac: 'DC4F22123456', t: 'lamp', ft: '%prefix%/%topic%/', tp: ['acme', 'mallory', 'mallory'], rl: [1] },
    'acme/lamp/\\+, where .* publish',
  ],
];

/** The Reason Code of a config, and why. */
async function publish(client: MqttClient, topic: string, config: object): Promise<[number, string]> {
  let why = '';
  const onPacket = (packet: Packet): void => {
    if (packet.cmd === 'puback') why = packet.properties?.reasonString ?? '';
  };
  client.on('packetreceive', onPacket);
  try {
    await client.publishAsync(topic, JSON.stringify(config), { qos: 1, retain: true });
    return [0, why];
  } catch (error) {
    return [(error as { code: number }).code, why];
  } finally {
    client.off('packetreceive', onPacket);
  }
}

async function comeAs(t: TestContext, hub: TestHub, role: Exclude<Role, 'let-in'>, scopes: readonly Scope[]) {
  const made = await hub.server.hub.accounts.tokens.create({
    name: role,
    roles: [role],
    scopes: [...scopes],
  });
  assert.ok(made.ok);
  const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
  const login = { username: 'x', password: made.value.text };
  return MqttDeviceClient.connect(t, url, 'x', login);
}

const countersOf = (hub: TestHub) =>
  hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!.counters;

describe('who publishes a config, where there are accounts', () => {
  it('has the hub do nothing that it may not do itself', async (t) => {
    const hub = await startTestHub(t);
    const { client: mallory } = await comeAs(t, hub, 'operator', [
      { topics: ['mallory/#', '+/lamp/x', 'homeassistant/+/mallory/+/config', 'tasmota/discovery/#'] },
    ]);
    for (const [topic, config, told] of FOREIGN) {
      const [code, why] = await publish(mallory, topic, config);
      assert.equal(code, NOT_AUTHORIZED, topic);
      assert.match(why, new RegExp(told));
    }
    const own = { state_topic: 'mallory/x', command_topic: 'mallory/x/set', unique_id: 'm' };
    assert.deepEqual(await publish(mallory, 'homeassistant/switch/mallory/x/config', own), [0, '']);
    const { devices } = hub.server.hub;
    await until('it is there', () => devices.get('m')?.isOnline);
    assert.deepEqual([...devices.all()].length, 1);
    const kept = await hub.server.hub.accounts.audit.read({ limit: 100 });
    const [topic, config] = FOREIGN[0]!;
    assert.deepEqual(
      kept.filter(({ target }) => target === topic).map(({ action }) => action),
      ['publishMqtt'],
    );
    const { client: admin } = await comeAs(t, hub, 'admin', []);
    assert.deepEqual(await publish(admin, topic, config), [0, '']);
    // Who may read there, and no more.
    const { client: reader } = await comeAs(t, hub, 'operator', [
      { verbs: ['read'], topics: ['#'] },
      { verbs: ['command'], topics: ['homeassistant/#'] },
    ]);
    assert.equal((await publish(reader, 'homeassistant/switch/r/config', own))[0], NOT_AUTHORIZED);
    const seen = { state_topic: 'mallory/x', unique_id: 'r' };
    assert.deepEqual(await publish(reader, 'homeassistant/sensor/r/config', seen), [0, '']);
  });

  it('has no part in a device that configs describe which it may not publish', async (t) => {
    const hub = await startTestHub(t);
    const { devices } = hub.server.hub;
    const { client: bridge } = await comeAs(t, hub, 'operator', [
      { topics: ['acme/#', 'homeassistant/+/acme/+/config'] },
    ]);
    const { client: mallory } = await comeAs(t, hub, 'operator', [
      { topics: ['mallory/#', 'homeassistant/+/mallory/+/config'] },
    ]);
    assert.deepEqual(await publish(bridge, 'homeassistant/switch/acme/lamp/config', SWITCH), [0, '']);
    // At once behind it, before the hub has read it.
    const taking = { device: { identifiers: ['lamp-7'], name: 'Mine' }, state_topic: 'mallory/x' };
    const topic = 'homeassistant/sensor/mallory/lamp/config';
    assert.deepEqual(await publish(mallory, topic, taking), [0, '']);
    await until('it is refused', () => countersOf(hub)['configsDenied'] === 1);
    const told = `the config at ${topic} was not taken: its device is described at homeassistant/switch/acme/lamp/config`;
    assert.ok(hub.logged.some(({ text }) => text.includes(told)));
    const power = { device: LAMP, state_topic: 'acme/power' };
    assert.deepEqual(await publish(bridge, 'homeassistant/sensor/acme/power/config', power), [0, '']);
    const lamp = await until('it is described', () => {
      const device = devices.get('lamp-7');
      return device?.description.telemetry.length === 2 && device;
    });
    assert.equal(lamp.title, 'Lamp');
    // It is not kept for a start at which nobody knows any more who published it.
    const { client: admin } = await comeAs(t, hub, 'admin', []);
    const heard: string[] = [];
    admin.on('message', (each) => void heard.push(each));
    await admin.subscribeAsync('homeassistant/+/+/+/config', { qos: 1 });
    await until('what is retained has come', () => heard.length === 2);
    assert.ok(!heard.includes(topic));
  });
});

describe('who publishes a config, where there is a file of rules', () => {
  it('has the hub do nothing that the rules deny', async (t) => {
    const folder = new TestFolder(t);
    const passwordFile = folder.write('passwords', await passwordLines({ ann: 'ann' }));
    const rules = [
      'user ann',
      'topic readwrite ann/#',
      'topic write homeassistant/+/ann/+/config',
      'topic read all/#',
    ];
    const aclFile = folder.write('acl', `${[...rules, 'topic deny all/secret'].join('\n')}\n`);
    const hub = await startTestHub(t, ({ mqtt }) => Object.assign(mqtt, { passwordFile, aclFile }));
    const login = { username: 'ann', password: 'ann' };
    const { client: ann } = await MqttDeviceClient.connect(
      t,
      `mqtt://127.0.0.1:${hub.mqttPort}`,
      'ann',
      login,
    );
    const codeOf = async (config: object): Promise<number> =>
      (await publish(ann, 'homeassistant/switch/ann/x/config', config))[0];
    assert.equal(await codeOf({ command_topic: 'all/x', state_topic: 'ann/x' }), NOT_AUTHORIZED);
    assert.equal(await codeOf({ command_topic: 'ann/x', state_topic: 'all/secret' }), NOT_AUTHORIZED);
    assert.equal(await codeOf({ command_topic: 'ann/x', state_topic: 'all/+' }), NOT_AUTHORIZED);
    assert.equal(await codeOf({ command_topic: 'ann/x', state_topic: 'bob/x' }), NOT_AUTHORIZED);
    assert.equal(await codeOf({ command_topic: 'ann/x', state_topic: 'all/x', unique_id: 'a' }), 0);
    await until('it is there', () => hub.server.hub.devices.get('a')?.isOnline);
  });
});
