import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MqttDeviceClient } from '../helpers/mqtt-device.ts';
import { startTestHub } from '../helpers/start-test-hub.ts';
import { until } from '../helpers/until.ts';

async function start(t: TestContext) {
  const hub = await startTestHub(t);
  const { client } = await MqttDeviceClient.connect(t, `mqtt://127.0.0.1:${hub.mqttPort}`, 'bridge');
  const { counters } = hub.server.hub.gateways.find(({ name }) => name === 'home-assistant')!;
  const { devices } = hub.server.hub;
  const say = (topic: string, payload: object | string, retain = false): Promise<unknown> =>
    client.publishAsync(topic, typeof payload === 'string' ? payload : JSON.stringify(payload), {
      qos: 1,
      retain,
    });
  return {
    counters,
    say,
    describeSensor: (id: string, value_template: string) =>
      say(`homeassistant/sensor/${id}/config`, { unique_id: id, state_topic: 'acme/state', value_template }),
    reads: (id: string) => devices.get(id)?.telemetry.latest()[0]?.value,
  };
}

describe('a topic that many devices are heard on', () => {
  it('is listened on once; what is retained comes to those that are new', async (t) => {
    const { counters, say, describeSensor, reads } = await start(t);
    await say('acme/state', { x: 1 }, true);
    await describeSensor('one', '{{ value_json.x }}');
    await describeSensor('two', '{{ value_json.x }}');
    await until('both have read it', () => reads('one') === '1' && reads('two') === '1');
    const taken = counters['readingsTaken']!;
    await describeSensor('three', '{{ value_json.x }}');
    await until('the third one has, too', () => reads('three') === '1');
    assert.equal(counters['readingsTaken'], taken + 1);
    const messages = counters['statesTaken']!;
    await say('acme/state', { x: 2 });
    await until('all read the next', () => ['one', 'two', 'three'].every((id) => reads(id) === '2'));
    assert.equal(counters['statesTaken'], messages + 1);
    await say('homeassistant/sensor/one/config', '');
    await until('one has gone', () => counters['configsRemoved'] === 1);
    await say('acme/state', { x: 3 });
    await until('the others read on', () => reads('two') === '3' && reads('three') === '3');
  });

  it('has its templates do no more together than one may, and none is worse for the others', async (t) => {
    const { counters, say, describeSensor, reads } = await start(t);
    const count = 60;
    const list = Array.from({ length: 10_000 }, (_, index) => index);
    const costly = '{{ value_json.some == value_json.same }}';
    for (let index = 0; index < count; index++) await describeSensor(`costly-${index}`, costly);
    await describeSensor('plain', '{{ value_json.x }}');
    await say('acme/state', { x: 6 }, true);
    await until('the last one is described', () => reads('plain') === '6');
    await say('acme/state', { some: list, same: list, x: 7 });
    await until('it is read', () => reads('plain') === '7');
    assert.equal(counters['readingsRefused'], count);
    // Twice as many could do this.
    await say('acme/state', { some: list.slice(0, 3000), same: [...list.slice(0, 2999), 0], x: 8 });
    await until('it is read', () => reads('plain') === '8');
    assert.ok(
      Array.from({ length: count }, (_, index) => reads(`costly-${index}`)).every(
        (value) => value === 'False',
      ),
    );
  });
});
