import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { availabilityOf, payloadOf, readDevice, stateOf } from './read-device.ts';

/* As the programs publish them, after their documentation. */

const ZIGBEE_DEVICE = {
  identifiers: ['zigbee2mqtt_0x54ef441000123456'],
  manufacturer: 'IKEA',
  model: 'TRADFRI bulb E27 CWS',
  name: 'reading lamp',
  via_device: 'zigbee2mqtt_bridge_0x00124b0022',
};
const ZIGBEE = {
  availability: [
    { topic: 'zigbee2mqtt/bridge/state', value_template: '{{ value_json.state }}' },
    { topic: 'zigbee2mqtt/reading lamp/availability', value_template: '{{ value_json.state }}' },
  ],
  availability_mode: 'all',
  device: ZIGBEE_DEVICE,
  origin: { name: 'Zigbee2MQTT', sw: '2.1.3', url: 'https://www.zigbee2mqtt.io' },
};

describe('Zigbee2MQTT', () => {
  const { device } = readDevice({
    'light/0x54ef441000123456/light': {
      ...ZIGBEE,
      brightness: true,
      brightness_scale: 254,
      command_topic: 'zigbee2mqtt/reading lamp/set',
      effect: true,
      effect_list: ['blink', 'breathe'],
      max_mireds: 454,
      min_mireds: 250,
      name: null,
      schema: 'json',
      state_topic: 'zigbee2mqtt/reading lamp',
      supported_color_modes: ['xy', 'color_temp'],
      unique_id: '0x54ef441000123456_light_zigbee2mqtt',
    },
    'select/0x54ef441000123456/power_on_behavior': {
      ...ZIGBEE,
      command_topic: 'zigbee2mqtt/reading lamp/set/power_on_behavior',
      name: 'Power-on behavior',
      options: ['off', 'on', 'previous'],
      state_topic: 'zigbee2mqtt/reading lamp',
      value_template: '{{ value_json["power_on_behavior"] }}',
    },
    'sensor/0x54ef441000123456/linkquality': {
      ...ZIGBEE,
      enabled_by_default: false,
      entity_category: 'diagnostic',
      state_class: 'measurement',
      state_topic: 'zigbee2mqtt/reading lamp',
      unit_of_measurement: 'lqi',
      value_template: '{{ value_json["linkquality"] }}',
    },
    'update/0x54ef441000123456/update': {
      ...ZIGBEE,
      command_topic: 'zigbee2mqtt/bridge/request/device/ota_update/update',
      device_class: 'firmware',
      latest_version_template: "{{ value_json['update']['latest_version'] }}",
      latest_version_topic: 'zigbee2mqtt/reading lamp',
      payload_install: '{"id": "0x54ef441000123456"}',
      state_topic: 'zigbee2mqtt/reading lamp',
      value_template:
        '{"latest_version":"{{ value_json[\'update\'][\'latest_version\'] }}",' +
        '"installed_version":"{{ value_json[\'update\'][\'installed_version\'] }}"}',
    },
    'device_automation/0x54ef441000123456/action_toggle': {
      ...ZIGBEE,
      automation_type: 'trigger',
      payload: 'toggle',
      subtype: 'toggle',
      topic: 'zigbee2mqtt/reading lamp/action',
      type: 'action',
    },
  });

  it('is one device with its name, model and origin', () => {
    const { title, model, discovered } = device.description;
    assert.deepEqual([title, model], ['reading lamp', 'IKEA TRADFRI bulb E27 CWS']);
    assert.deepEqual(discovered?.origins, ['Zigbee2MQTT 2.1.3']);
    assert.deepEqual(discovered?.notUnderstood, []);
  });

  it('tells what it reads', () => {
    const state = {
      state: 'ON',
      brightness: 120,
      color: { x: 0.4599, y: 0.4106 },
      color_mode: 'color_temp',
      color_temp: 370,
      linkquality: 87,
      power_on_behavior: 'previous',
      update: { installed_version: 16, latest_version: 17, state: 'available' },
    };
    assert.deepEqual(stateOf(device, 'zigbee2mqtt/reading lamp', state), {
      light: true,
      'light.brightness': 120,
      'light.color_temp': 370,
      'light.color': '{"x":0.4599,"y":0.4106}',
      'light.color_mode': 'color_temp',
      linkquality: 87,
      power_on_behavior: 'previous',
      'update.installed_version': '16',
      'update.latest_version': '17',
    });
    assert.deepEqual(stateOf(device, 'zigbee2mqtt/reading lamp', { linkquality: 90 }), {
      linkquality: 90,
      'update.installed_version': '! an item of undefined',
      'update.latest_version': '! an item of undefined',
    });
  });

  it('takes what it can be told', () => {
    assert.equal(payloadOf(device, 'light', true), 'zigbee2mqtt/reading lamp/set {"state":"ON"}');
    assert.equal(
      payloadOf(device, 'light.brightness', 200),
      'zigbee2mqtt/reading lamp/set {"state":"ON","brightness":200}',
    );
    assert.equal(
      payloadOf(device, 'light.color', { x: 0.1, y: 0.2 }),
      'zigbee2mqtt/reading lamp/set {"state":"ON","color":{"x":0.1,"y":0.2}}',
    );
    assert.equal(
      payloadOf(device, 'power_on_behavior', 'on'),
      'zigbee2mqtt/reading lamp/set/power_on_behavior on',
    );
    assert.equal(
      payloadOf(device, 'update'),
      'zigbee2mqtt/bridge/request/device/ota_update/update {"id": "0x54ef441000123456"}',
    );
    assert.deepEqual(device.commands.get('light.brightness')?.input, {
      type: 'integer',
      minimum: 0,
      maximum: 254,
    });
    assert.deepEqual(device.commands.get('power_on_behavior')?.input, {
      type: 'string',
      enum: ['off', 'on', 'previous'],
    });
  });

  it('is there when all of its topics say so, and has an event for its button', () => {
    assert.equal(device.availability.size, 1);
    assert.equal([...device.availability.values()][0]?.mode, 'all');
    assert.equal(availabilityOf(device, 'zigbee2mqtt/bridge/state', '{"state":"online"}'), true);
    assert.equal(
      availabilityOf(device, 'zigbee2mqtt/reading lamp/availability', '{"state":"offline"}'),
      false,
    );
    assert.deepEqual([...device.events.keys()], ['action_toggle']);
  });
});

describe('ESPHome', () => {
  const common = {
    avty_t: 'greenhouse/status',
    dev: {
      ids: 'a4cf12f03c5b',
      name: 'greenhouse',
      sw: 'esphome v2026.5.1',
      mdl: 'esp32dev',
      mf: 'espressif',
      cns: [['mac', 'a4cf12f03c5b']],
    },
  };
  const { device } = readDevice({
    'sensor/greenhouse/soil_moisture': {
      ...common,
      dev_cla: 'moisture',
      unit_of_meas: '%',
      stat_cla: 'measurement',
      name: 'Soil moisture',
      stat_t: '~/sensor/soil_moisture/state',
      '~': 'greenhouse',
    },
    'climate/greenhouse/heater': {
      ...common,
      curr_temp_t: 'greenhouse/climate/heater/current_temperature/state',
      mode_cmd_t: 'greenhouse/climate/heater/mode/command',
      mode_stat_t: 'greenhouse/climate/heater/mode/state',
      modes: ['off', 'heat'],
      temp_cmd_t: 'greenhouse/climate/heater/target_temperature/command',
      temp_stat_t: 'greenhouse/climate/heater/target_temperature/state',
      min_temp: '5.0',
      max_temp: '30.0',
      temp_step: '0.5',
      act_t: 'greenhouse/climate/heater/action/state',
    },
    'cover/greenhouse/window': {
      ...common,
      cmd_t: 'greenhouse/cover/window/command',
      stat_t: 'greenhouse/cover/window/state',
      pos_t: 'greenhouse/cover/window/position/state',
      set_pos_t: 'greenhouse/cover/window/position/command',
    },
    'fan/greenhouse/vent': {
      ...common,
      cmd_t: 'greenhouse/fan/vent/command',
      stat_t: 'greenhouse/fan/vent/state',
      osc_cmd_t: 'greenhouse/fan/vent/oscillation/command',
      osc_stat_t: 'greenhouse/fan/vent/oscillation/state',
      pct_cmd_t: 'greenhouse/fan/vent/speed_level/command',
      pct_stat_t: 'greenhouse/fan/vent/speed_level/state',
      spd_rng_max: 3,
    },
    'button/greenhouse/restart': { ...common, cmd_t: 'greenhouse/button/restart/command', pl_prs: 'PRESS' },
    'number/greenhouse/interval': {
      ...common,
      cmd_t: 'greenhouse/number/interval/command',
      stat_t: 'greenhouse/number/interval/state',
      min: 0.5,
      max: 60,
      step: 0.5,
      unit_of_meas: 's',
    },
  });

  it('is read with short names and a base', () => {
    assert.deepEqual(stateOf(device, 'greenhouse/sensor/soil_moisture/state', '41.50'), {
      soil_moisture: 41.5,
    });
    assert.deepEqual(stateOf(device, 'greenhouse/climate/heater/mode/state', 'heat'), {
      'heater.mode': 'heat',
    });
    assert.deepEqual(stateOf(device, 'greenhouse/climate/heater/action/state', 'idle'), {
      'heater.action': 'idle',
    });
    assert.deepEqual(stateOf(device, 'greenhouse/cover/window/position/state', '35'), {
      'window.position': 35,
    });
    assert.deepEqual(stateOf(device, 'greenhouse/fan/vent/speed_level/state', '2'), {
      'vent.percentage': 66,
    });
    assert.equal(availabilityOf(device, 'greenhouse/status', 'online'), true);
    const moisture = device.description.telemetry.find(({ metric }) => metric === 'soil_moisture');
    assert.deepEqual(moisture, {
      metric: 'soil_moisture',
      title: 'Soil moisture',
      unit: '%',
      type: 'number',
    });
  });

  it('is told', () => {
    assert.equal(payloadOf(device, 'heater.mode', 'off'), 'greenhouse/climate/heater/mode/command off');
    assert.equal(
      payloadOf(device, 'heater.temperature', 21.5),
      'greenhouse/climate/heater/target_temperature/command 21.5',
    );
    assert.deepEqual(device.commands.get('heater.temperature')?.input, {
      type: 'number',
      minimum: 5,
      maximum: 30,
    });
    assert.equal(payloadOf(device, 'window', 'close'), 'greenhouse/cover/window/command CLOSE');
    assert.equal(payloadOf(device, 'window.position', 10), 'greenhouse/cover/window/position/command 10');
    assert.equal(payloadOf(device, 'vent.percentage', 50), 'greenhouse/fan/vent/speed_level/command 2');
    assert.equal(
      payloadOf(device, 'vent.oscillation', true),
      'greenhouse/fan/vent/oscillation/command oscillate_on',
    );
    assert.equal(payloadOf(device, 'restart'), 'greenhouse/button/restart/command PRESS');
    assert.equal(payloadOf(device, 'interval', 30), 'greenhouse/number/interval/command 30');
    assert.equal(device.description.commands.find(({ name }) => name === 'restart')?.kind, 'action');
  });

  it('is judged by the state that shows the effect', () => {
    const proofOf = (name: string): unknown => device.commands.get(name)?.proof?.metric;
    assert.equal(proofOf('heater.temperature'), 'heater.temperature');
    assert.equal(device.commands.get('window')?.proof?.wants('close'), 'closed');
    assert.equal(device.commands.get('vent.percentage')?.proof?.wants(50), 66);
    assert.equal(proofOf('restart'), undefined);
  });
});

describe("Tasmota's discovery for Home Assistant", () => {
  const { device } = readDevice({
    'switch/DC4F22_RL_1': {
      name: 'Pump',
      cmd_t: '~cmnd/pump/POWER',
      stat_t: '~tele/pump/STATE',
      val_tpl: '{{value_json.POWER}}',
      pl_off: 'OFF',
      pl_on: 'ON',
      avty_t: '~tele/pump/LWT',
      pl_avail: 'Online',
      pl_not_avail: 'Offline',
      uniq_id: 'DC4F22_RL_1',
      device: { identifiers: ['DC4F22'], connections: [['mac', 'DC:4F:22:00:11:22']] },
      '~': 'garden/',
    },
    'sensor/DC4F22_ENERGY_Power': {
      name: 'Pump ENERGY Power',
      stat_t: 'garden/tele/pump/SENSOR',
      avty_t: 'garden/tele/pump/LWT',
      pl_avail: 'Online',
      pl_not_avail: 'Offline',
      unit_of_meas: 'W',
      val_tpl: "{{value_json['ENERGY']['Power']}}",
      device: { identifiers: ['DC4F22'] },
    },
  });

  it('is read and told', () => {
    assert.deepEqual(stateOf(device, 'garden/tele/pump/STATE', { POWER: 'ON', Vcc: 3.1 }), {
      DC4F22_RL_1: true,
    });
    assert.deepEqual(stateOf(device, 'garden/tele/pump/SENSOR', { ENERGY: { Power: 310 } }), {
      DC4F22_ENERGY_Power: 310,
    });
    assert.equal(payloadOf(device, 'DC4F22_RL_1', false), 'garden/cmnd/pump/POWER OFF');
    assert.equal(availabilityOf(device, 'garden/tele/pump/LWT', 'Offline'), false);
    assert.equal(device.availability.size, 1);
  });
});

describe('a config for a whole device', () => {
  const config = {
    dev: { ids: 'shelly-plus1pm-44179394c7f4', name: 'Boiler', mf: 'Shelly', mdl: 'Plus 1PM' },
    o: { name: 'shelly-mqtt', sw: '1.4' },
    avty_t: 'boiler/online',
    pl_avail: 'true',
    pl_not_avail: 'false',
    qos: 1,
    cmps: {
      switch: {
        p: 'switch',
        uniq_id: 'boiler-switch-0',
        stat_t: 'boiler/status/switch:0',
        val_tpl: '{{ value_json.output }}',
        stat_on: 'True',
        stat_off: 'False',
        cmd_t: 'boiler/rpc',
        cmd_tpl:
          '{"id":1,"src":"recado","method":"Switch.Set","params":{"id":0,"on":{{ "true" if value == "ON" else "false" }}}}',
      },
      power: {
        p: 'sensor',
        uniq_id: 'boiler-power-0',
        unit_of_meas: 'W',
        stat_t: 'boiler/status/switch:0',
        val_tpl: '{{ value_json.apower | round(1) }}',
      },
      gone: { p: 'sensor' },
      broken: { uniq_id: 'x' },
      strange: { p: 'hovercraft', uniq_id: 'y', stat_t: 'a' },
      later: {
        p: 'sensor',
        uniq_id: 'boiler-seen',
        stat_t: 'boiler/status/sys',
        val_tpl: '{{ value_json.unixtime | timestamp_custom }}',
      },
    },
  };
  const { device, broken } = readDevice({ 'device/boiler': config });

  it('gives what it says to all of its components, and none takes the others with it', () => {
    assert.deepEqual(broken, [
      'broken has no platform',
      'strange is of the kind hovercraft, which is not known',
    ]);
    assert.deepEqual([...device.metrics.keys()], ['switch', 'power']);
    assert.deepEqual(stateOf(device, 'boiler/status/switch:0', { output: true, apower: 12.34 }), {
      switch: true,
      power: 12.3,
    });
    assert.equal(device.commands.get('switch')?.qos, 1);
    assert.equal(
      payloadOf(device, 'switch', true),
      'boiler/rpc {"id":1,"src":"recado","method":"Switch.Set","params":{"id":0,"on":true}}',
    );
    assert.equal(availabilityOf(device, 'boiler/online', 'true'), true);
  });

  it('names what is not understood, with its place', () => {
    assert.deepEqual(device.description.discovered?.notUnderstood, [
      {
        component: 'sensor',
        key: 'value_template',
        template: '{{ value_json.unixtime | timestamp_custom }}',
        why: 'the filter or test timestamp_custom',
        at: 23,
      },
    ]);
  });
});

describe('other programs', () => {
  it('OpenMQTTGateway: a sensor without a unit is a text, and one that is not told raises', () => {
    const { device } = readDevice({
      'sensor/A4C138AABBCC-tempc': {
        stat_t: '+/+/BTtoMQTT/A4C138AABBCC',
        name: 'LYWSD03MMC-tempc',
        val_tpl: '{{ value_json.tempc | is_defined }}',
        unit_of_meas: '°C',
      },
      'sensor/A4C138AABBCC-hum': {
        stat_t: 'home/OMG_ESP32/BTtoMQTT/A4C138AABBCC',
        val_tpl: '{{ value_json.hum | is_defined }}',
      },
    });
    assert.deepEqual(stateOf(device, '+/+/BTtoMQTT/A4C138AABBCC', { tempc: 20.3 }), {
      'A4C138AABBCC-tempc': 20.3,
    });
    const topic = 'home/OMG_ESP32/BTtoMQTT/A4C138AABBCC';
    assert.deepEqual(stateOf(device, topic, { hum: 55.2 }), { 'A4C138AABBCC-hum': '55.2' });
    assert.deepEqual(stateOf(device, topic, { tempc: 20 }), {
      'A4C138AABBCC-hum': '! is_defined of undefined',
    });
  });

  it('Valetudo: a robot', () => {
    const { device } = readDevice({
      'vacuum/robot/robot_vacuum': {
        state_topic: 'valetudo/robot/hass/robot_state',
        command_topic: 'valetudo/robot/hass/command',
        supported_features: ['start', 'stop', 'pause', 'return_home', 'status', 'locate', 'fan_speed'],
        payload_return_to_base: 'HOME',
        fan_speed_list: ['low', 'max'],
        set_fan_speed_topic: 'valetudo/robot/FanSpeedControlCapability/preset/set',
        dev: { ids: ['robot'] },
      },
    });
    assert.deepEqual(
      stateOf(device, 'valetudo/robot/hass/robot_state', { state: 'docked', fan_speed: 'low' }),
      {
        robot_vacuum: 'docked',
        'robot_vacuum.fan_speed': 'low',
      },
    );
    assert.equal(
      payloadOf(device, 'robot_vacuum.order', 'return_to_base'),
      'valetudo/robot/hass/command HOME',
    );
    assert.equal(
      payloadOf(device, 'robot_vacuum.fan_speed', 'max'),
      'valetudo/robot/FanSpeedControlCapability/preset/set max',
    );
  });

  it('zwave-js-ui: a light by templates, and a lock', () => {
    const { device } = readDevice({
      'light/node7/rgb_dimmer': {
        state_topic: 'zwave/7/switch_multilevel/currentValue',
        state_value_template: '{{ "OFF" if value_json.value == 0 else "ON" }}',
        command_topic: 'zwave/7/switch_multilevel/targetValue/set',
        on_command_type: 'brightness',
        brightness_state_topic: 'zwave/7/switch_multilevel/currentValue',
        brightness_value_template: '{{ value_json.value | round(0) }}',
        brightness_command_topic: 'zwave/7/switch_multilevel/targetValue/set',
        brightness_scale: 99,
        payload_off: 0,
        payload_on: 255,
        state_on: 'ON',
        state_off: 'OFF',
        rgb_command_topic: 'zwave/7/color/set',
        rgb_command_template: "{{ {'red': red, 'green': green, 'blue': blue}|to_json }}",
        rgb_state_topic: 'zwave/7/color',
        rgb_value_template:
          '{{ value_json.value.red }},{{ value_json.value.green }},{{ value_json.value.blue }}',
        device: { identifiers: ['zwavejs2mqtt_0xe1_node7'] },
      },
      'lock/node7/lock': {
        command_topic: 'zwave/7/door_lock/set',
        state_topic: 'zwave/7/door_lock/currentMode',
        value_template: '{{ value_json.value }}',
        payload_lock: 255,
        payload_unlock: 0,
        state_locked: 255,
        state_unlocked: 0,
        device: { identifiers: ['zwavejs2mqtt_0xe1_node7'] },
      },
    });
    assert.deepEqual(stateOf(device, 'zwave/7/switch_multilevel/currentValue', { value: 50 }), {
      rgb_dimmer: true,
      'rgb_dimmer.brightness': 50,
    });
    assert.deepEqual(stateOf(device, 'zwave/7/color', { value: { red: 1, green: 2, blue: 3 } }), {
      'rgb_dimmer.rgb': '1,2,3',
    });
    assert.equal(
      payloadOf(device, 'rgb_dimmer.rgb', [9, 8, 7]),
      'zwave/7/color/set {"red":9,"green":8,"blue":7}',
    );
    assert.equal(payloadOf(device, 'rgb_dimmer', false), 'zwave/7/switch_multilevel/targetValue/set 0');
    assert.deepEqual(stateOf(device, 'zwave/7/door_lock/currentMode', { value: 255 }), { lock: 'locked' });
    assert.equal(payloadOf(device, 'lock', 'unlock'), 'zwave/7/door_lock/set 0');
  });

  it('an alarm, a siren, a humidifier, a text, a template light and a valve', () => {
    const dev = { ids: ['x'] };
    const { device } = readDevice({
      'alarm_control_panel/alarm': {
        dev,
        stat_t: 'a/s',
        cmd_t: 'a/c',
        supported_features: ['arm_home', 'arm_away'],
      },
      'siren/siren': { dev, stat_t: 's/s', cmd_t: 's/c' },
      'humidifier/hum': {
        dev,
        cmd_t: 'h/c',
        hum_cmd_t: 'h/h',
        hum_stat_t: 'h/hs',
        min_hum: 30,
        max_hum: 80,
        modes: ['eco'],
      },
      'text/note': { dev, cmd_t: 't/c', stat_t: 't/s', min: 1, max: 8 },
      'light/strip': {
        dev,
        schema: 'template',
        cmd_t: 'l/c',
        stat_t: 'l/s',
        cmd_on_tpl: 'on{%if brightness is defined%},{{ brightness }}{%endif%}',
        cmd_off_tpl: 'off',
        stat_tpl: "{{ value.split(',')[0] }}",
        bri_tpl: "{{ value.split(',')[1] }}",
      },
      'valve/valve': { dev, cmd_t: 'v/c', stat_t: 'v/s', pos: true, pos_open: 200 },
    });
    assert.equal(payloadOf(device, 'alarm', 'arm_away'), 'a/c ARM_AWAY');
    assert.deepEqual(device.commands.get('alarm')?.input, {
      type: 'string',
      enum: ['disarm', 'arm_home', 'arm_away'],
    });
    assert.equal(payloadOf(device, 'siren', true), 's/c {"state":"ON"}');
    assert.deepEqual(device.commands.get('hum.target_humidity')?.input, {
      type: 'integer',
      minimum: 30,
      maximum: 80,
    });
    assert.deepEqual(device.commands.get('note')?.input, { type: 'string', minLength: 1, maxLength: 8 });
    assert.equal(payloadOf(device, 'strip.brightness', 40), 'l/c on,40');
    assert.equal(payloadOf(device, 'strip', false), 'l/c off');
    assert.deepEqual(stateOf(device, 'l/s', 'on,77'), { strip: true, 'strip.brightness': 77 });
    assert.equal(payloadOf(device, 'valve.position', 50), 'v/c 100');
    assert.deepEqual(stateOf(device, 'v/s', '200'), { 'valve.position': 100 });
  });
});
