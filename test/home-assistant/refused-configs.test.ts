import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { KeptKind } from '../../src/base/kept-kinds.ts';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

const TOPIC = 'homeassistant/sensor/lamp/config';
const config = (name: string): string =>
  JSON.stringify({ device: { identifiers: ['lamp-7'], name }, state_topic: 'acme/lamp' });

async function start(t: TestContext) {
  const hub = await startTestHub(t, ({ gateways }) => void (gateways.homeAssistant.settleMs = 50));
  const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'bridge');
  const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
  const { ledger, devices } = hub.server.hub;
  const others = ledger.open('others');
  const all = ledger.limitOf(KeptKind.DESCRIPTION);
  return {
    hub,
    counters,
    devices,
    say: (topic: string, payload: string) => client.publishAsync(topic, payload, { qos: 1, retain: true }),
    fill: () => others.charge(KeptKind.DESCRIPTION, all),
    empty: () => others.release(KeptKind.DESCRIPTION, all),
    configs: () => ledger.totals()[KeptKind.DISCOVERY_CONFIG]!,
  };
}

describe('a config whose device cannot be described', () => {
  it('is not kept, is told, and is read again when it comes again', async (t) => {
    const { hub, counters, devices, say, fill, empty, configs } = await start(t);
    fill();
    await say(TOPIC, config('Lamp'));
    await until('it is refused', () => counters['configsRefused'] === 1);
    assert.deepEqual([configs().bytes, configs().count, devices.get('lamp-7')], [0, 0, undefined]);
    const told = `the config at ${TOPIC} was not taken: the hub keeps as many descriptions as it may`;
    assert.ok(hub.logged.some(({ text }) => text.includes(told)));
    empty();
    await say(TOPIC, config('Lamp'));
    await until('it is taken', () => devices.get('lamp-7')?.title === 'Lamp');
    assert.equal(configs().count, 1);
  });

  it('is asked for again when there may be room', async (t) => {
    const { counters, devices, say, fill, empty } = await start(t);
    await say('homeassistant/sensor/other/config', JSON.stringify({ state_topic: 'other', unique_id: 'o' }));
    await until('another one is there', () => devices.get('o'));
    fill();
    await say(TOPIC, config('Lamp'));
    await until('it is refused', () => counters['configsRefused'] === 1);
    empty();
    await say('homeassistant/sensor/other/config', '');
    await until('it is taken', () => devices.get('lamp-7')?.title === 'Lamp');
  });

  it('leaves what was known, and comes again when somebody has a device forgotten', async (t) => {
    const { counters, devices, say, fill, empty, configs } = await start(t);
    await say(TOPIC, config('Lamp'));
    await say('homeassistant/sensor/other/config', JSON.stringify({ state_topic: 'other', unique_id: 'o' }));
    await until(
      'both are there',
      () => devices.get('lamp-7') !== undefined && devices.get('o') !== undefined,
    );
    const before = configs();
    fill();
    for (const [index, name] of ['Lantern', 'Light'].entries()) {
      await say(TOPIC, config(name));
      await until('it is refused', () => counters['configsRefused'] === index + 1);
    }
    assert.deepEqual([configs(), devices.get('lamp-7')?.title], [before, 'Lamp']);
    empty();
    assert.equal(devices.forget('o'), 'forgotten');
    await until('the last one is taken', () => devices.get('lamp-7')?.title === 'Light');
    assert.equal(configs().count, 1);
  });
});
