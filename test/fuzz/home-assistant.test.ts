import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeDevice } from '../../src/gateways/home-assistant/discovery/describe-device.ts';
import { identitiesOf, makeDeviceId } from '../../src/gateways/home-assistant/discovery/device-identity.ts';
import { StateMessage } from '../../src/gateways/home-assistant/discovery/state-message.ts';
import { ItemReader } from '../../src/gateways/home-assistant/item-reader.ts';
import { readTemplate } from '../../src/gateways/home-assistant/template/template.ts';
import { parsePayloadJson } from '../../src/gateways/home-assistant/template/payload-json.ts';
import { isDeviceId, readDescription } from '../../src/devices/description.ts';

/** `FUZZ_SEED=…` repeats a run. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_201);
const CONFIGS = 6000;
const TEMPLATES = 20_000;

const PLATFORMS = `alarm_control_panel binary_sensor button camera climate cover date device device_automation
  device_tracker event fan humidifier image lawn_mower light lock notify number scene select sensor siren switch tag
  text update vacuum valve water_heater nothing`.split(/\s+/);
const KEYS =
  `~ availability avty avty_t device dev device_class json_attr_t name origin o stat_t state_topic cmd_t
  command_topic val_tpl value_template cmd_tpl command_template unique_id unit_of_measurement options ops min max step
  modes payload_on pl_off state_on schema brightness brightness_scale bri_cmd_t bri_stat_t supported_color_modes
  effect_list position_open pos_t set_pos_t temp_cmd_t temp_stat_t mode_cmd_t modes components cmps platform p qos
  retain optimistic off_delay migrate_discovery identifiers ids connections cns topic t payload type encoding
  event_types speed_range_min speed_range_max pct_cmd_t pct_stat_t __proto__ constructor`.split(/\s+/);
const WORDS = [
  '{{', '}}', '{%', '%}', '{#', '#}', '-', '|', '(', ')', '[', ']', '{', '}', ':', ',', '.', '~', '=', '==', '<', 'if ',
  'else ', 'elif ', 'endif', 'set x', ' in ', ' is ', ' not ', ' and ', 'value', 'value_json', 'x', '1', '0.5', '"a"',
  "'", '"', 'float', 'int', 'round', 'default', 'regex_replace', "'(a+)+$'", 'format', "'%d%s'", 'defined', 'true', 'none',
  '\\', '\n', '🙂', '_', 'tojson', 'min', 'max', 'get', 'split', '99999999999999999999', '**', '//', '%', 'join', 'truncate',
]; // prettier-ignore
const VALUES: readonly unknown[] = [
  null, true, false, 0, -1, 1e308, 0.1, '', 'a/b', 'a/+', '#', '~/x', 'ON', 'None', [], {}, [[]], [1, 2], ['a'], [['mac', 'b']],
  { topic: 'a' }, { name: 'n' }, 'x'.repeat(2000), '\ud800', '{{ value_json.a }}', '{{ value | float }}',
]; // prettier-ignore
const PAYLOADS = [
  '',
  'ON',
  '1',
  '{"a": 1}',
  '[1]',
  'null',
  '{"state":"ON","brightness":{}}',
  '\0',
  '{"event_type":1}',
];
/** By the type of the schema. */
const INPUTS: Readonly<Record<string, unknown>> = {
  boolean: true,
  integer: 1,
  number: 0.5,
  string: 'a',
  array: [1, 2, 3],
  object: { 2: 1, 1: '\0' },
};

/** Below a limit: a Weyl sequence, well mixed. */
function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

test(`configs that nobody would write break nothing (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)]!;
  const value = (depth: number): unknown => {
    const kind = random(depth > 2 ? 4 : 8);
    if (kind < 4) return pick(VALUES);
    if (kind === 4) return template();
    if (kind === 5) return Array.from({ length: random(4) }, () => value(depth + 1));
    return members(depth + 1);
  };
  const template = (): string => Array.from({ length: random(8) }, () => pick(WORDS)).join('');
  const members = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: random(14) }, () => [pick(KEYS), value(depth)]));
  const reader = new ItemReader('homeassistant');
  let taken = 0;
  for (let count = 0; count < CONFIGS; count++) {
    const config = { ...members(0), state_topic: 'a', command_topic: 'b' };
    const read = reader.read(`homeassistant/${pick(PLATFORMS)}/x/config`, JSON.stringify(config));
    if (!read.ok || read.value === 'migrating') continue;
    const [item] = read.value.items;
    assert.ok(item !== undefined);
    taken++;
    const { description, metrics, commands, events } = describeDevice([item], identitiesOf(item.device));
    for (const identity of identitiesOf(item.device))
      assert.ok(isDeviceId(makeDeviceId(identity, () => random(2) === 0)), JSON.stringify(identity));
    // What is made of it is a description that any device may send.
    const { title, commands: listed, telemetry } = description;
    const byName = (items: readonly object[], key: string): object =>
      Object.fromEntries(items.map((each) => [(each as Record<string, string>)[key], each]));
    const said = JSON.parse(
      JSON.stringify({ title, commands: byName(listed, 'name'), telemetry: byName(telemetry, 'metric') }),
    ) as unknown;
    const checked = readDescription(said);
    assert.ok(checked.ok, JSON.stringify([checked, config]));
    for (const payload of PAYLOADS) {
      const message = new StateMessage(payload, false);
      for (const { read: readMetric } of metrics.values()) readMetric(message);
      for (const { read: readEvent } of events.values()) readEvent(message);
    }
    for (const { input, makePayload } of commands.values()) makePayload(INPUTS[String(input?.['type'])]);
  }
  assert.ok(taken > CONFIGS / 3, `${taken} were taken`);
});

test(`templates that nobody would write are refused, or give a text (seed ${seed})`, () => {
  const random = randomFrom(seed);
  let understood = 0;
  for (let count = 0; count < TEMPLATES; count++) {
    const words = Array.from({ length: 1 + random(12) }, () => WORDS[random(WORDS.length)]!).join('');
    const read = readTemplate(random(2) === 0 ? `{{ ${words} }}` : words);
    if (!read.ok) {
      assert.ok(read.failure.at >= 0 && read.failure.message !== '', JSON.stringify(read.failure));
      continue;
    }
    understood++;
    for (const payload of PAYLOADS) {
      const made = read.value.render({ value: payload, value_json: parsePayloadJson(payload) });
      assert.equal(typeof (made.ok ? made.value : made.failure), 'string');
    }
  }
  assert.ok(understood > TEMPLATES / 100, `${understood} were understood`);
});
