import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeDevice } from '../../src/gateways/home-assistant/discovery/describe-device.ts';
import { ItemReader } from '../../src/gateways/home-assistant/item-reader.ts';
import { availabilityOf, payloadOf, stateOf } from './read-device.ts';

const CONFIG = {
  ip: '192.168.15.10',
  dn: 'Kitchen',
  fn: ['Lamp', null, null, null, null, null, null, null],
  hn: 'tasmota-8A1F02-7938',
  mac: '68C63A8A1F02',
  md: 'MagicHome',
  ofln: 'Offline',
  onln: 'Online',
  state: ['OFF', 'ON', 'TOGGLE', 'HOLD'],
  sw: '15.0.1',
  t: 'kitchen',
  ft: 'home/%prefix%/%topic%/',
  tp: ['cmnd', 'stat', 'tele'],
  rl: [2, 0, 0, 0, 0, 0, 0, 0],
  swc: [-1, -1, -1, -1],
  btn: [0, 0, 0, 0],
  so: { 4: 0, 11: 0, 13: 0, 17: 0, 20: 0, 30: 0, 68: 0, 73: 0, 82: 0, 114: 0, 117: 0 },
  lk: 1,
  lt_st: 5,
  sho: [0, 0, 0, 0],
  ver: 1,
};
const SENSORS = {
  sn: {
    Time: '2026-12-01T04:00:00',
    AM2301: { Temperature: 21.3, Humidity: 44.1, DewPoint: 8.7 },
    ENERGY: { TotalStartTime: '2026-01-01T00:00:00', Total: 12.5, Power: 8 },
    TempUnit: 'C',
  },
  ver: 1,
};

function read(config: object, sensors?: object, order: 'config first' | 'sensors first' = 'config first') {
  const reader = new ItemReader('homeassistant');
  const messages = [
    ['tasmota/discovery/68C63A8A1F02/config', config] as const,
    ...(sensors === undefined ? [] : [['tasmota/discovery/68C63A8A1F02/sensors', sensors] as const]),
  ];
  const items = new Map(
    (order === 'config first' ? messages : messages.toReversed()).flatMap(([topic, message]) => {
      const result = reader.read(topic, JSON.stringify(message));
      assert.ok(result.ok && result.value !== 'migrating', JSON.stringify(result));
      return result.value.items.map((item) => [item.topicName, item] as const);
    }),
  );
  return describeDevice([...items.values()], ['68C63A8A1F02']);
}

describe("Tasmota's own discovery", () => {
  it('is a light with its parts, and sensors, in whatever order they come', () => {
    for (const order of ['config first', 'sensors first'] as const) {
      const device = read(CONFIG, SENSORS, order);
      assert.deepEqual(
        [device.description.title, device.description.model],
        ['Kitchen', 'Tasmota MagicHome'],
      );
      assert.deepEqual(device.description.discovered?.origins, ['Tasmota 15.0.1']);
      assert.deepEqual(stateOf(device, 'home/stat/kitchen/RESULT', { POWER: 'ON', Dimmer: 40 }), {
        light: true,
        'light.brightness': 40,
      });
      const state = { POWER: 'OFF', CT: 300, HSBColor: '10,20,30' };
      assert.deepEqual(stateOf(device, 'home/tele/kitchen/STATE', state), {
        light: false,
        'light.color_temp': 300,
        'light.hsb': '10,20,30',
      });
      assert.deepEqual(stateOf(device, 'home/tele/kitchen/SENSOR', SENSORS.sn), {
        'AM2301.Temperature': 21.3,
        'AM2301.Humidity': 44.1,
        'AM2301.DewPoint': 8.7,
        'ENERGY.TotalStartTime': '2026-01-01T00:00:00',
        'ENERGY.Total': 12.5,
        'ENERGY.Power': 8,
      });
      const units = device.description.telemetry.map(({ metric, unit }) => `${metric} ${unit ?? ''}`);
      assert.ok(
        units.includes('AM2301.Temperature °C') && units.includes('ENERGY.Total kWh'),
        units.join(', '),
      );
      assert.equal(availabilityOf(device, 'home/tele/kitchen/LWT', 'Online'), true);
    }
  });

  it('is told', () => {
    const device = read(CONFIG);
    assert.equal(payloadOf(device, 'light', true), 'home/cmnd/kitchen/POWER1 ON');
    assert.equal(payloadOf(device, 'light.brightness', 70), 'home/cmnd/kitchen/Dimmer 70');
    assert.equal(payloadOf(device, 'light.hsb', [1, 2, 3]), 'home/cmnd/kitchen/HSBColor 1,2,3');
    assert.equal(device.commands.get('light')?.proof?.metric, 'light');
  });

  it('has relays and shutters', () => {
    const device = read({ ...CONFIG, rl: [1, 1, 3, 3], fn: ['One', 'Two', 'Blind', null], lt_st: 0 });
    assert.deepEqual(
      [...device.commands.keys()].toSorted(),
      ['cover1.close', 'cover1.open', 'cover1.position', 'cover1.stop', 'switch1', 'switch2'].map((name) =>
        name.replace('cover1', 'cover1'),
      ),
    );
    assert.deepEqual(stateOf(device, 'home/stat/kitchen/RESULT', { POWER2: 'ON' }), { switch2: true });
    assert.equal(payloadOf(device, 'switch2', false), 'home/cmnd/kitchen/POWER2 OFF');
    assert.deepEqual(stateOf(device, 'home/stat/kitchen/RESULT', { Shutter1: { Position: 30 } }), {
      'cover1.position': 30,
    });
    assert.equal(payloadOf(device, 'cover1.position', 55), 'home/cmnd/kitchen/ShutterPosition1 55');
  });

  it('may have sensors that are called like members of all objects', () => {
    const device = read(CONFIG, { sn: { A: { constructor: 1, toString: 2 } } });
    assert.deepEqual(
      device.description.telemetry.filter(({ metric }) => metric.startsWith('A.')).map(({ unit }) => unit),
      [undefined, undefined],
    );
  });

  it('is left out where its topics are none', () => {
    for (const ft of ['#', '+/%prefix%/', '$share/g/%prefix%/', '\0%prefix%/'])
      assert.equal(read({ ...CONFIG, ft }).description.commands.length, 0, ft);
  });

  it('is refused where it is none', () => {
    const reader = new ItemReader('homeassistant');
    for (const payload of [
      '{}',
      'x',
      JSON.stringify({ ...CONFIG, mac: '../..' }),
      JSON.stringify({ ...CONFIG, tp: 1 }),
    ])
      assert.deepEqual(reader.read('tasmota/discovery/68C63A8A1F02/config', payload), {
        ok: false,
        failure: 'is no config of Tasmota',
      });
  });
});
