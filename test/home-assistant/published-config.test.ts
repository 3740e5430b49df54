import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDescription } from '../../src/devices/description.ts';
import {
  isOwnConfigTopic,
  ownConfigTopic,
  publishedConfig,
} from '../../src/gateways/home-assistant/publication/published-config.ts';
import { payloadOf, readDevice, stateOf } from './read-device.ts';

const read = readDescription({
  title: 'Radio',
  commands: {
    turnOn: { title: 'Turn on', kind: 'action' },
    status: { title: 'Status', kind: 'read' },
    on: { title: 'On', kind: 'write', input: { type: 'boolean' } },
    muted: { title: 'Muted', kind: 'write', input: { type: 'boolean' } },
    volume: { title: 'Volume', kind: 'write', input: { type: 'integer', minimum: 0, maximum: 30 } },
    band: { title: 'Band', kind: 'write', input: { type: 'string', enum: ['AM', 'FM'] } },
    song: { title: 'Song', kind: 'write', input: { type: 'string', maxLength: 40 } },
    scan: { title: 'Scan', kind: 'action', input: { type: 'object' } },
    any: { title: 'Any number', kind: 'write', input: { type: 'number' } },
  },
  telemetry: {
    on: { title: 'On', type: 'boolean' },
    volume: { title: 'Volume', type: 'integer' },
    temperature: { title: 'Temperature', unit: '°C', type: 'number' },
    door: { title: 'Door', type: 'boolean' },
    song: { title: 'Song', type: 'string' },
  },
});
assert.ok(read.ok);
const description = read.value;
const topics = {
  hub: 'recado/hubs/h',
  hubUrl: '',
  presence: 'recado/devices/radio-1/presence',
  metric: (metric: string) => `recado/devices/radio-1/telemetry/${metric}`,
  command: (name: string) => `recado/devices/radio-1/commands/${name}/ha`,
};
const device = { id: 'radio-1', title: 'Radio', model: 'R-1', description };

describe('what Home Assistant is told of a device', () => {
  const text = publishedConfig(device, topics)!;
  const config = JSON.parse(text) as { components: Record<string, Record<string, unknown>> };

  it('has a component for each command and metric that it can show', () => {
    const platforms = Object.entries(config.components).map(
      ([key, { platform }]) => `${key} ${String(platform)}`,
    );
    assert.deepEqual(platforms.toSorted(), [
      'band select',
      'door binary_sensor',
      'muted switch',
      'on switch',
      'song text',
      'temperature sensor',
      'turnOn button',
      'volume number',
    ]);
    assert.deepEqual(config.components['temperature'], {
      platform: 'sensor',
      state_class: 'measurement',
      name: 'Temperature',
      unit_of_measurement: '°C',
      state_topic: 'recado/devices/radio-1/telemetry/temperature',
      value_template: '{{ value_json }}',
      unique_id: 'recado_radio-1_temperature',
      default_entity_id: 'sensor.recado_radio_1_temperature',
    });
    assert.ok(!text.includes('object_id'));
  });

  it('is understood by whoever reads discovery', () => {
    const { device: understood, broken } = readDevice({ 'device/other': config });
    assert.deepEqual(broken, []);
    const state = (metric: string, value: unknown) =>
      stateOf(understood, `recado/devices/radio-1/telemetry/${metric}`, JSON.stringify(value));
    assert.deepEqual(state('on', true), { on: true });
    assert.deepEqual(state('door', false), { door: false });
    assert.deepEqual(state('temperature', 21.5), { temperature: 21.5 });
    assert.deepEqual(state('song', 'Wave'), { song: 'Wave' });
    const sent = (name: string, input?: unknown) =>
      payloadOf(understood, name, input).replace(/^recado\/devices\/radio-1\/commands\/\w+\/ha /, '');
    assert.equal(sent('on', true), 'true');
    assert.equal(sent('volume', 7), '7');
    assert.equal(sent('band', 'FM'), '"FM"');
    assert.equal(sent('song', 'Águas "de" Março'), '"Águas \\"de\\" Março"');
    assert.equal(sent('turnOn'), '');
    assert.equal(understood.commands.get('on')?.proof?.metric, 'on');
    assert.equal(understood.commands.get('muted')?.proof, undefined);
  });

  it('stands at a topic that is known as the own one', () => {
    assert.equal(ownConfigTopic('homeassistant', 'radio-1'), 'homeassistant/device/recado_radio-1/config');
    assert.match(ownConfigTopic('ha', 'a.b'), /^ha\/device\/recado_a_b_[0-9a-f]{8}\/config$/);
    assert.ok(isOwnConfigTopic('ha', ownConfigTopic('ha', 'a.b')));
    assert.ok(!isOwnConfigTopic('ha', 'ha/device/other/config'));
  });

  it('is nothing where there is nothing to show', () => {
    assert.equal(
      publishedConfig({ ...device, description: { commands: [], telemetry: [] } }, topics),
      undefined,
    );
  });
});
