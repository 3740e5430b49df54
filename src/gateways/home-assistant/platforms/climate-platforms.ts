import { readSwitch, type ComponentBuilder } from '../discovery/component-builder.ts';
import { buildMode, buildSetting, buildToggle } from './modes.ts';
import { rangeOf } from './plain-platforms.ts';

const CLIMATE_MODES = ['auto', 'off', 'cool', 'heat', 'dry', 'fan_only'];
const WATER_HEATER_MODES = ['off', 'eco', 'electric', 'gas', 'heat_pump', 'high_demand', 'performance'];
const FAN_MODES = ['auto', 'low', 'medium', 'high'];
const TEMPERATURES = { least: 'min_temp', most: 'max_temp', step: 'temp_step' };

export function buildClimate(builder: ComponentBuilder): void {
  const { settings } = builder;
  buildMode(builder, { part: 'mode', options: listOr(builder, 'modes', CLIMATE_MODES) });
  buildMode(builder, { part: 'fan_mode', options: listOr(builder, 'fan_modes', FAN_MODES) });
  buildMode(builder, { part: 'preset_mode', options: settings.list('preset_modes') });
  buildMode(builder, { part: 'swing_mode', options: listOr(builder, 'swing_modes', ['on', 'off']) });
  buildMode(builder, {
    part: 'swing_horizontal_mode',
    options: listOr(builder, 'swing_horizontal_modes', ['on', 'off']),
  });
  const range = rangeOf(builder, TEMPERATURES, { least: 7, most: 35, step: 1 });
  const unit = temperatureUnit(builder);
  for (const part of ['temperature', 'temperature_low', 'temperature_high'])
    buildSetting(builder, { part, unit, range });
  buildHumidity(builder, { least: 30, most: 99 });
  buildCurrent(builder);
  buildPower(builder);
}

export function buildWaterHeater(builder: ComponentBuilder): void {
  buildMode(builder, { part: 'mode', options: listOr(builder, 'modes', WATER_HEATER_MODES) });
  const range = rangeOf(builder, TEMPERATURES, { least: 43, most: 60, step: 1 });
  buildSetting(builder, { part: 'temperature', unit: temperatureUnit(builder), range });
  buildCurrent(builder);
  buildPower(builder);
}

export function buildHumidifier(builder: ComponentBuilder): void {
  buildOnOff(builder);
  buildHumidity(builder, { least: 0, most: 100 });
  buildMode(builder, { part: 'mode', options: builder.settings.list('modes') });
  buildCurrent(builder);
}

/** The speed as a percentage of its range, as Home Assistant shows it. */
export function buildFan(builder: ComponentBuilder): void {
  const { settings } = builder;
  buildOnOff(builder);
  const [least, most] = [settings.number('speed_range_min', 1), settings.number('speed_range_max', 100)];
  const speeds = Math.max(1, most - least + 1);
  const toPercentage = (speed: number): number => Math.trunc(((speed - least + 1) * 100) / speeds);
  const reset = settings.textOr('payload_reset_percentage', 'None');
  builder.state({
    part: 'percentage',
    topic: 'percentage_state_topic',
    template: 'percentage_value_template',
    type: 'number',
    unit: '%',
    read: (text) => (text === reset || text.trim() === '' ? undefined : toPercentage(Number(text))),
  });
  const toSpeed = (percentage: number): number =>
    percentage === 0 ? least - 1 : Math.ceil((percentage * speeds) / 100) + least - 1;
  builder.command<number>({
    part: 'percentage',
    topic: 'percentage_command_topic',
    template: 'percentage_command_template',
    input: { type: 'integer', minimum: 0, maximum: 100 },
    value: toSpeed,
    wants: (percentage) => toPercentage(toSpeed(percentage)),
  });
  buildMode(builder, { part: 'preset_mode', options: settings.list('preset_modes') });
  buildToggle(builder, { part: 'oscillation', on: 'oscillate_on', off: 'oscillate_off' });
  buildMode(builder, { part: 'direction', options: ['forward', 'reverse'] });
}

/** On and off of what has other parts beside; the template has another name there than with switches. */
export function buildOnOff(builder: ComponentBuilder): void {
  const { settings } = builder;
  const [on, off] = [settings.textOr('payload_on', 'ON'), settings.textOr('payload_off', 'OFF')];
  const template =
    settings.text('state_value_template') === undefined ? 'value_template' : 'state_value_template';
  const read = readSwitch(settings.textOr('state_on', on), settings.textOr('state_off', off));
  builder.state({ topic: 'state_topic', template, type: 'boolean', read });
  builder.command<boolean>({
    topic: 'command_topic',
    template: 'command_template',
    input: { type: 'boolean' },
    value: (input) => (input ? on : off),
  });
}

function buildHumidity(
  builder: ComponentBuilder,
  otherwise: { readonly least: number; readonly most: number },
): void {
  const range = rangeOf(builder, { least: 'min_humidity', most: 'max_humidity' }, otherwise);
  buildSetting(builder, { part: 'target_humidity', unit: '%', range });
}

/** What is measured, and what it does now. */
function buildCurrent(builder: ComponentBuilder): void {
  const current = (part: string, unit: string | undefined): void =>
    builder.state({ part, topic: `${part}_topic`, template: `${part}_template`, type: 'number', unit });
  current('current_temperature', temperatureUnit(builder));
  current('current_humidity', '%');
  builder.state({ part: 'action', topic: 'action_topic', template: 'action_template', type: 'string' });
}

function buildPower(builder: ComponentBuilder): void {
  const { settings } = builder;
  const [on, off] = [settings.textOr('payload_on', 'ON'), settings.textOr('payload_off', 'OFF')];
  builder.command<boolean>({
    part: 'power',
    topic: 'power_command_topic',
    template: 'power_command_template',
    input: { type: 'boolean' },
    value: (input) => (input ? on : off),
  });
}

function temperatureUnit({ settings }: ComponentBuilder): string | undefined {
  const unit = settings.text('temperature_unit');
  return unit === undefined ? undefined : `°${unit}`;
}

function listOr(
  { settings }: ComponentBuilder,
  key: string,
  otherwise: readonly string[],
): readonly string[] {
  const list = settings.list(key);
  return list.length === 0 ? otherwise : list;
}
