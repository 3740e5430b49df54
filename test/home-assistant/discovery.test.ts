import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub, type MutableConfig, type TestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const LAMP = {
  device: { identifiers: ['lamp-7'], name: 'Lamp', manufacturer: 'Acme' },
  origin: { name: 'acme2mqtt', sw: '1.0' },
  availability_topic: 'acme/lamp/status',
  state_topic: 'acme/lamp',
  command_topic: 'acme/lamp/set',
  value_template: '{{ value_json.state }}',
  unique_id: 'lamp-7-switch',
};
const POWER = {
  device: { identifiers: ['lamp-7'] },
  availability_topic: 'acme/lamp/status',
  state_topic: 'acme/lamp',
  unit_of_measurement: 'W',
  value_template: '{{ value_json.power }}',
  unique_id: 'lamp-7-power',
};
const PATH = '/api/v1/devices/lamp-7';

async function start(t: TestContext, change: (config: MutableConfig) => void = () => {}) {
  const hub = await startTestHub(t, change);
  const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'lamp-7');
  const retain = (topic: string, payload: object | string): Promise<unknown> =>
    client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), {
      qos: 1,
      retain: true,
    });
  return { hub, client, retain };
}

async function withLamp(t: TestContext) {
  const rig = await start(t);
  await rig.retain('homeassistant/switch/lamp/config', LAMP);
  await rig.retain('homeassistant/sensor/lamp/power/config', POWER);
  await rig.retain('acme/lamp/status', 'online');
  await rig.retain('acme/lamp', { state: 'OFF', power: 0.4 });
  await untilReads(rig.hub, { lamp: false, power: 0.4 });
  await untilIs(rig.hub, 'online');
  return rig;
}

async function readingsOf(hub: TestHub, path = PATH): Promise<Record<string, unknown>> {
  const { body } = await hub.call('GET', `${path}/telemetry`);
  const readings = (body.readings ?? []) as { metric: string; value: unknown }[];
  return Object.fromEntries(readings.map(({ metric, value }) => [metric, value]));
}

function untilReads(hub: TestHub, wanted: Record<string, unknown>, path = PATH): Promise<unknown> {
  return until(`it reads ${JSON.stringify(wanted)}`, async () => {
    const readings = await readingsOf(hub, path);
    return Object.entries(wanted).every(([metric, value]) => readings[metric] === value);
  });
}

function untilIs(hub: TestHub, status: string, path = PATH): Promise<unknown> {
  return until(`it is ${status}`, async () => (await hub.call('GET', path)).body.presence?.status === status);
}

const countersOf = (hub: TestHub): Readonly<Record<string, number>> =>
  hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!.counters;

describe("devices of Home Assistant's discovery", () => {
  it('are one device out of all their configs, with readings, presence and who describes them', async (t) => {
    const { hub, retain } = await withLamp(t);
    const { body } = await hub.call('GET', PATH);
    assert.deepEqual(
      [body.title, body.model, body.gateway, body.commandCount],
      ['Lamp', 'Acme', 'home-assistant', 1],
    );
    assert.deepEqual(body.discovered, { origins: ['acme2mqtt 1.0'], notUnderstood: [] });
    assert.deepEqual(body.telemetry, [
      { metric: 'power', title: 'Power', unit: 'W', type: 'number' },
      { metric: 'lamp', title: 'Lamp', type: 'boolean' },
    ]);
    await retain('acme/lamp/status', 'offline');
    await untilIs(hub, 'offline');
    const refused = await hub.call('POST', `${PATH}/commands/lamp`, { input: true });
    assert.deepEqual([refused.status, refused.body.code], [503, 'DEVICE_OFFLINE']);
  });

  it('keep their readings when they describe themselves otherwise', async (t) => {
    const { hub, client, retain } = await withLamp(t);
    await client.publishAsync('acme/lamp', '{"state": "ON", "power": 8.5}');
    await untilReads(hub, { lamp: true, power: 8.5 });
    await retain('homeassistant/sensor/lamp/energy/config', {
      ...POWER,
      unique_id: 'lamp-7-energy',
      name: 'E',
    });
    await until(
      'the new metric is described',
      async () => (await hub.call('GET', PATH)).body.telemetry.length === 3,
    );
    await untilReads(hub, { power: 8.5 });
  });

  it('have done a command when their state shows it', async (t) => {
    const { hub, client } = await withLamp(t);
    client.on('message', (topicName, payload) => {
      const state = payload.toString();
      if (topicName === 'acme/lamp/set')
        void client.publishAsync('acme/lamp', JSON.stringify({ state, power: 8 }));
    });
    await client.subscribeAsync('acme/lamp/set', { qos: 1 });
    const { status, body } = await hub.call('POST', `${PATH}/commands/lamp`, { input: true });
    assert.equal(status, 200);
    assert.deepEqual([body.output, body.invocation.state], [{ effect: 'seen' }, 'completed']);
    assert.ok(body.invocation.phases.sent !== undefined);
    assert.deepEqual(await readingsOf(hub), { lamp: true, power: 8 });
    assert.equal(countersOf(hub)['effectsSeen'], 1);
  });

  it('that leave in the middle of a command are lost', async (t) => {
    const { hub, client, retain } = await withLamp(t);
    const heard = new Promise((resolve) => client.once('message', resolve));
    await client.subscribeAsync('acme/lamp/set', { qos: 1 });
    const asked = hub.call('POST', `${PATH}/commands/lamp`, { input: true });
    await heard;
    await retain('acme/lamp/status', 'offline');
    const { status, body } = await asked;
    assert.deepEqual([status, body.code], [502, 'DEVICE_LOST']);
    await untilIs(hub, 'offline');
  });

  it('that only tell when something begins are over after their delay', async (t) => {
    const { hub, client, retain } = await start(t);
    const config = { state_topic: 'motion', off_delay: 0.05, unique_id: 'motion' };
    await retain('homeassistant/binary_sensor/motion/config', config);
    await until('it is listed', async () => (await hub.call('GET', '/api/v1/devices/motion')).status === 200);
    const values: unknown[] = [];
    const reader = hub.server.hub.feed.open(
      { devices: undefined, kinds: new Set(['reading']) },
      { wake: () => {} },
    )!;
    t.after(() => reader.close());
    await client.publishAsync('motion', 'ON');
    await until('it is over', () => {
      for (let event = reader.next(); event !== undefined; event = reader.next())
        values.push((event as { value: unknown }).value);
      return values.length === 2;
    });
    assert.deepEqual(values, [true, false]);
  });

  it('cannot prove what no state shows, and the answer says so', async (t) => {
    const { hub, client, retain } = await start(t);
    await retain('homeassistant/button/bell/config', { command_topic: 'bell/ring', unique_id: 'bell' });
    await client.subscribeAsync('bell/ring', { qos: 1 });
    await until('it is listed', async () => (await hub.call('GET', '/api/v1/devices/bell')).status === 200);
    const { status, body } = await hub.call('POST', '/api/v1/devices/bell/commands/bell');
    assert.deepEqual([status, body.output], [200, { effect: 'cannot be seen' }]);
  });

  it('tell events, but not those that were retained', async (t) => {
    const { hub, client, retain } = await start(t);
    await retain('doorbell/event', { event_type: 'press', at: 'before' });
    await retain('homeassistant/event/doorbell/config', {
      state_topic: 'doorbell/event',
      event_types: ['press', 'hold'],
      unique_id: 'doorbell',
    });
    await until(
      'it is listed',
      async () => (await hub.call('GET', '/api/v1/devices/doorbell')).status === 200,
    );
    const events: unknown[] = [];
    const reader = hub.server.hub.feed.open(
      { devices: undefined, kinds: new Set(['event']) },
      { wake: () => {} },
    )!;
    t.after(() => reader.close());
    await client.publishAsync('doorbell/event', '{"event_type": "hold"}');
    await client.publishAsync('doorbell/event', '{"event_type": "kick"}');
    await until('both were judged', () => countersOf(hub)['eventsRefused'] === 1);
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
    assert.deepEqual(
      events.map((event) => (event as { data: string }).data),
      ['{"event_type":"hold"}'],
    );
  });
});

// Each waits for five seconds in vain.
describe('commands whose effect is not seen', { concurrency: true }, () => {
  it('are told apart: nobody listens, and nothing is seen', async (t) => {
    const { hub, client } = await withLamp(t);
    const unheard = await hub.call('POST', `${PATH}/commands/lamp`, { input: true });
    assert.deepEqual([unheard.status, unheard.body.code], [503, 'DEVICE_OFFLINE']);
    assert.match(unheard.body.detail, /^Nobody listens at acme\/lamp\/set/);
    assert.equal(unheard.body.safeToRetry, true);
    await client.subscribeAsync('acme/lamp/set', { qos: 1 });
    const unseen = await hub.call('POST', `${PATH}/commands/lamp`, { input: true, timeoutMs: 60_000 });
    assert.deepEqual(
      [unseen.status, unseen.body.code, unseen.body.phase],
      [504, 'ANSWER_TIMEOUT', 'delivered'],
    );
    assert.match(
      unseen.body.detail,
      /its effect was not seen within 5000 ms: lamp still shows false and not true/,
    );
  });

  it('have not got a command that their client refuses', async (t) => {
    const { hub } = await withLamp(t);
    const { client: other } = await MqttDeviceClient.connect(
      t,
      `mqtt://127.0.0.1:${hub.mqttPort}`,
      'lamp-8',
      { customHandleAcks: (_topic, _message, _packet, done) => done(0x87) },
    );
    await other.subscribeAsync('acme/lamp/set', { qos: 1 });
    const refused = await hub.call('POST', `${PATH}/commands/lamp`, { input: true, timeoutMs: 60_000 });
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.phase],
      [504, 'ANSWER_TIMEOUT', 'sent'],
    );
    assert.match(refused.body.detail, /was sent the command, and its effect was not seen/);
  });
});

describe('configs', () => {
  it('that are the same cost nothing, and one that is broken leaves what was known', async (t) => {
    const { hub, retain } = await withLamp(t);
    const { configsTaken } = countersOf(hub);
    await retain('homeassistant/switch/lamp/config', LAMP);
    await retain('homeassistant/switch/lamp/config', 'no JSON');
    await until('both were judged', () => countersOf(hub)['configsInvalid'] === 1);
    assert.equal(countersOf(hub)['configsUnchanged'], 1);
    assert.equal(countersOf(hub)['configsTaken'], configsTaken);
    assert.equal((await hub.call('GET', PATH)).body.commandCount, 1);
  });

  it('that are taken away take their part, and the last one the device', async (t) => {
    const { hub, retain } = await withLamp(t);
    await retain('homeassistant/switch/lamp/config', '');
    await until('its command has gone', async () => (await hub.call('GET', PATH)).body.commandCount === 0);
    assert.deepEqual(await readingsOf(hub), { power: 0.4 });
    await retain('homeassistant/sensor/lamp/power/config', '');
    await until('the device has gone', async () => (await hub.call('GET', PATH)).status === 404);
  });

  it('of a device that somebody has forgotten are taken off the broker', async (t) => {
    const { hub, client, retain } = await withLamp(t);
    await retain('acme/lamp/status', 'offline');
    await untilIs(hub, 'offline');
    assert.equal((await hub.call('DELETE', PATH)).status, 204);
    const { client: other } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'other');
    const heard: string[] = [];
    other.on('message', (topicName) => void heard.push(topicName));
    await other.subscribeAsync('homeassistant/#');
    await client.publishAsync('homeassistant/end', '');
    await until('all that is retained has come', () => heard.includes('homeassistant/end'));
    assert.deepEqual(heard, ['homeassistant/end']);
    assert.equal((await hub.call('GET', PATH)).status, 404);
  });

  it('without availability may be forgotten while they are taken to be there', async (t) => {
    const { hub, retain } = await start(t);
    await retain('homeassistant/button/bell/config', { command_topic: 'bell/ring', unique_id: 'bell' });
    await untilIs(hub, 'online', '/api/v1/devices/bell');
    assert.equal((await hub.call('DELETE', '/api/v1/devices/bell')).status, 204);
    assert.equal((await hub.call('GET', '/api/v1/devices/bell')).status, 404);
  });

  it('bring a device back for which there was no room while it was away', async (t) => {
    const { hub, retain } = await start(t, (config) => {
      config.devices.maxOfflineDevices = 1;
    });
    const config = (id: string): object => ({
      state_topic: id,
      unique_id: id,
      availability_topic: `${id}/status`,
    });
    await retain('homeassistant/sensor/a/config', config('a'));
    await retain('homeassistant/sensor/b/config', config('b'));
    await until('one has no room', async () => (await hub.call('GET', '/api/v1/devices')).body.total === 1);
    await retain('a/status', 'online');
    await retain('b/status', 'online');
    await untilIs(hub, 'online', '/api/v1/devices/a');
    await untilIs(hub, 'online', '/api/v1/devices/b');
  });

  it('move from one topic to that of the whole device', async (t) => {
    const { hub, retain } = await withLamp(t);
    await retain('homeassistant/switch/lamp/config', { migrate_discovery: true });
    const { device, origin, ...component } = LAMP;
    await retain('homeassistant/device/lamp/config', {
      device,
      origin,
      components: { main: { platform: 'switch', ...component } },
    });
    await until(
      'the device says it',
      async () => (await hub.call('GET', `${PATH}/commands`)).body.commands[0]?.name === 'main',
    );
    await retain('homeassistant/switch/lamp/config', '');
    await untilReads(hub, { main: false });
    assert.equal((await hub.call('GET', PATH)).body.commandCount, 1);
  });

  it('join two devices that were one', async (t) => {
    const { hub, retain } = await start(t);
    const config = (ids: string[], topic: string): object => ({
      device: { ids },
      state_topic: topic,
      unique_id: topic,
    });
    await retain('homeassistant/sensor/a/config', config(['one'], 'a'));
    await until('one is there', async () => (await hub.call('GET', '/api/v1/devices/one')).status === 200);
    await retain('homeassistant/sensor/b/config', config(['two'], 'b'));
    await until('two is there', async () => (await hub.call('GET', '/api/v1/devices/two')).status === 200);
    await retain('homeassistant/sensor/c/config', config(['one', 'two'], 'c'));
    await until(
      'one has all',
      async () => (await hub.call('GET', '/api/v1/devices/one')).body.telemetry.length === 3,
    );
    await until('two has gone', async () => (await hub.call('GET', '/api/v1/devices/two')).status === 404);
  });

  it('are counted', async (t) => {
    const { hub } = await withLamp(t);
    const { text } = await hub.call('GET', '/metrics');
    assert.match(text, /^recado_home_assistant_configs_taken_total 2$/m);
  });
});
