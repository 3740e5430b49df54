import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { Ledger } from '../../src/base/ledger.ts';
import { ConfigQueue } from '../../src/gateways/home-assistant/config-queue.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const LIMIT = 1_000_000;

function makeQueue() {
  const ledger = new Ledger({ limits: { [KeptKind.DISCOVERY_CONFIG]: LIMIT } });
  const taken: string[] = [];
  const queue = new ConfigQueue({
    take: ({ topicName }) => void taken.push(topicName),
    describe: () => false,
  });
  const party = ledger.open('bridge');
  const add = (topicName: string, payload: string): boolean =>
    queue.add({ topicName, payload, digest: payload, from: 'bridge' }, party);
  const bookedBytes = (): number => ledger.heldBy(party);
  return { queue, taken, add, bookedBytes };
}

describe('configs that wait', () => {
  it('are booked, refused where there is no room, and give it back', async () => {
    const { queue, add, bookedBytes } = makeQueue();
    const payload = 'x'.repeat(9000);
    assert.ok(add('a', payload) && add('b', payload));
    const ofTwo = bookedBytes();
    assert.ok(ofTwo > 2 * payload.length);
    assert.equal(add('a', payload.replace('x', 'y')), true);
    assert.equal(bookedBytes(), ofTwo);
    const accepted = Array.from({ length: 100 }, (_, index) => add(`c${index}`, payload)).filter(Boolean);
    assert.ok(accepted.length < 100, `${accepted.length} accepted`);
    queue.close();
    assert.equal(bookedBytes(), 0);
    await turn();
  });

  it('are read a few in a turn, and fewer where they are large', async () => {
    const ofFirstTurn = async (payload: string): Promise<number> => {
      const { taken, add, queue } = makeQueue();
      for (let index = 0; index < 20; index++) add(`c${index}`, payload);
      await turn();
      queue.close();
      return taken.length;
    };
    assert.equal(await ofFirstTurn('x'), 16);
    assert.ok((await ofFirstTurn('x'.repeat(40_000))) <= 2);
  });
});

describe('a config that is changed without end', () => {
  it('leaves no identities but those that it says now', async (t) => {
    const hub = await startTestHub(t);
    const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'bridge');
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    for (let count = 1; count <= 10; count++) {
      const device = { identifiers: ['lamp-7', ...Array.from({ length: 20 }, (_, n) => `${count}-${n}`)] };
      const config = JSON.stringify({ device, state_topic: 'acme/lamp' });
      await client.publishAsync('homeassistant/sensor/lamp/config', config, { qos: 1 });
      await until(`config ${count} is taken`, () => counters['configsTaken'] === count);
    }
    const identities = await until('it is described', () => {
      const found = hub.server.hub.devices.get('lamp-7')?.description.discovered?.identities;
      return found?.includes('10-0') === true && found;
    });
    assert.deepEqual([identities[0], identities.length], ['lamp-7', 21]);
  });
});

describe('an event that is nested without end', () => {
  it('is left out as one that does not fit, and is no fault of the hub', async (t) => {
    const hub = await startTestHub(t);
    const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'bridge');
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    const config = JSON.stringify({ device: { identifiers: ['bell'] }, state_topic: 'acme/bell' });
    await client.publishAsync('homeassistant/event/bell/config', config, { qos: 1 });
    await until('it is there', () => hub.server.hub.devices.get('bell')?.isOnline);
    const deep = `{"event_type": "ring", "deep": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    await client.publishAsync('acme/bell', deep, { qos: 1 });
    await until('it is refused', () => counters['eventsRefused'] === 1);
    await client.publishAsync('acme/bell', '{"event_type": "ring"}', { qos: 1 });
    await until('the next one is taken', () => counters['eventsTaken'] === 1);
    assert.deepEqual(
      hub.logged.filter(({ level }) => level === 'error'),
      [],
    );
  });
});

describe('a device that was taken off the list, whose id another gateway has now', () => {
  it('does not take it back, and does not have it forgotten', async (t) => {
    const hub = await startTestHub(t, ({ devices }) => void (devices.maxOfflineDevices = 1));
    const url = `mqtt://127.0.0.1:${hub.mqttPort}`;
    const { client } = await MqttDeviceClient.connect(t, url, 'bridge');
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    const { devices } = hub.server.hub;
    const say = (id: string, name: string): Promise<unknown> => {
      const config = {
        device: { identifiers: [id], name },
        state_topic: 'a/b',
        availability_topic: 'a/there',
      };
      return client.publishAsync(`homeassistant/sensor/${id}/config`, JSON.stringify(config), { qos: 1 });
    };
    await say('pump-9', 'Stranger');
    await until('it is listed', () => devices.get('pump-9'));
    await say('pump-8', 'Another');
    await until('there is no room for it', () => devices.get('pump-9') === undefined);
    const pump = await MqttDeviceClient.connect(t, url, 'pump-9');
    await pump.come({ title: 'Pump', commands: {}, telemetry: {} });
    const device = await until('it comes by itself', () => devices.get('pump-9'));
    await say('pump-9', 'Stranger again');
    await until('the config is refused', () => counters['configsRefused'] === 1);
    assert.deepEqual([device.gateway, device.title, devices.get('pump-9')], ['mqtt', 'Pump', device]);
    await pump.retain('presence', 'offline');
    await until('it is offline', () => !device.isOnline);
    await client.publishAsync('homeassistant/sensor/pump-9/config', '', { qos: 1 });
    await until('it is taken away', () => counters['configsRemoved'] === 1);
    // What has no config any more ends in the turn that follows.
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(devices.get('pump-9'), device);
  });
});

describe('a device whose description alone is more than the list takes', () => {
  it('is not listed, and the hub goes on', async (t) => {
    const hub = await startTestHub(t, ({ devices }) => void (devices.maxOfflineDescriptionBytes = 1));
    const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'bridge');
    const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
    const config = JSON.stringify({ device: { identifiers: ['lamp-7'] }, state_topic: 'acme/lamp' });
    await client.publishAsync('homeassistant/sensor/lamp/config', config, { qos: 1 });
    await until('it is taken', () => counters['configsTaken'] === 1);
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(hub.server.hub.devices.get('lamp-7'), undefined);
    assert.equal((await hub.call('GET', '/healthz')).status, 200);
  });
});
