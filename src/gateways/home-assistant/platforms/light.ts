import { fail, succeed, type Result } from '../../../base/result.ts';
import type { JsonSchema } from '../../../devices/command.ts';
import { readSwitch, renderState, type ComponentBuilder } from '../discovery/component-builder.ts';
import type { StateMessage } from '../discovery/state-message.ts';
import type { TemplateVariables } from '../template/compile-expression.ts';
import { jsonText, scalarText } from '../template/python-text.ts';
import { TemplateWork } from '../template/template-work.ts';
import { isJsonMembers, type PythonValue } from '../template/python-value.ts';
import { buildOnOff } from './climate-platforms.ts';
import { buildMode, stateTemplateOf } from './modes.ts';
import { choiceOf } from './plain-platforms.ts';

type Channels = { readonly part: string; readonly names: readonly string[]; readonly most: number };

/** Colours as lists of numbers, and the names that templates have for them. */
const COLORS: readonly Channels[] = [
  { part: 'rgb', names: ['red', 'green', 'blue'], most: 255 },
  { part: 'rgbw', names: ['red', 'green', 'blue', 'white'], most: 255 },
  { part: 'rgbww', names: ['red', 'green', 'blue', 'cold_white', 'warm_white'], most: 255 },
  { part: 'hs', names: ['hue', 'sat'], most: 360 },
  { part: 'xy', names: ['x', 'y'], most: 1 },
];
const DEFAULT_MIREDS = [153, 500] as const;
const DEFAULT_KELVINS = [2000, 6535] as const;

/** A light in one of its three ways of writing. */
export function buildLight(builder: ComponentBuilder): void {
  const schema = builder.settings.text('schema') ?? 'default';
  if (schema === 'json') buildJsonLight(builder);
  else if (schema === 'template') buildTemplateLight(builder);
  else buildTopicLight(builder);
}

/** A topic for each thing. */
function buildTopicLight(builder: ComponentBuilder): void {
  const { settings } = builder;
  buildOnOff(builder);
  setting(builder, 'brightness', brightnessRange(builder));
  setting(builder, 'color_temp', colorTemperatureRange(builder));
  setting(builder, 'white', { type: 'integer', minimum: 0, maximum: settings.number('white_scale', 255) });
  for (const color of COLORS) buildColor(builder, color);
  buildMode(builder, { part: 'effect', options: settings.list('effect_list') });
  builder.state({
    part: 'color_mode',
    topic: 'color_mode_state_topic',
    template: 'color_mode_value_template',
    type: 'string',
  });
}

function setting(builder: ComponentBuilder, part: string, input: JsonSchema): void {
  const template = stateTemplateOf(builder, part);
  builder.state({ part, topic: `${part}_state_topic`, template, type: 'number' });
  const command = { part, topic: `${part}_command_topic`, template: `${part}_command_template`, input };
  builder.command<number>({ ...command, value: (number) => number });
}

function buildColor(builder: ComponentBuilder, { part, names, most }: Channels): void {
  const template = stateTemplateOf(builder, part);
  builder.state({ part, topic: `${part}_state_topic`, template, type: 'string' });
  builder.command<readonly number[]>({
    part,
    topic: `${part}_command_topic`,
    template: `${part}_command_template`,
    input: colorSchema(names.length, most),
    value: (color) => color.join(','),
    variables: (color) => namedChannels(names, color),
    wants: (color) => color.join(','),
  });
}

function colorSchema(count: number, maximum: number): JsonSchema {
  const items = { type: maximum === 255 ? 'integer' : 'number', minimum: 0, maximum };
  return { type: 'array', items, minItems: count, maxItems: count };
}

function namedChannels(names: readonly string[], color: readonly number[]): TemplateVariables {
  return Object.fromEntries(names.map((name, index) => [name, color[index]] as const));
}

function brightnessRange({ settings }: ComponentBuilder): JsonSchema {
  return { type: 'integer', minimum: 0, maximum: settings.number('brightness_scale', 255) };
}

/** In mireds, or in kelvins where it says so. */
function colorTemperatureRange({ settings }: ComponentBuilder): JsonSchema {
  const isKelvin = settings.isTrue('color_temp_kelvin');
  const [least, most] = isKelvin ? DEFAULT_KELVINS : DEFAULT_MIREDS;
  const unit = isKelvin ? 'kelvin' : 'mireds';
  return {
    type: 'integer',
    minimum: settings.number(`min_${unit}`, least),
    maximum: settings.number(`max_${unit}`, most),
    unit: isKelvin ? 'K' : 'mired',
  };
}

/** Everything as one JSON object, to and fro. */
function buildJsonLight(builder: ComponentBuilder): void {
  const { settings } = builder;
  const modes = settings.list('supported_color_modes');
  const isColored = modes.some((mode) => ['rgb', 'rgbw', 'rgbww', 'hs', 'xy'].includes(mode));
  const isDimmed = settings.isTrue('brightness') || modes.some((mode) => mode !== 'onoff');
  jsonPart(builder, { type: 'boolean', read: readSwitch('ON', 'OFF'), input: { type: 'boolean' } });
  if (isDimmed) jsonPart(builder, { part: 'brightness', type: 'number', input: brightnessRange(builder) });
  if (modes.includes('color_temp') || settings.isTrue('color_temp'))
    jsonPart(builder, { part: 'color_temp', type: 'number', input: colorTemperatureRange(builder) });
  if (isColored) jsonPart(builder, { part: 'color', type: 'string', input: { type: 'object' } });
  if (settings.list('effect_list').length > 0)
    jsonPart(builder, { part: 'effect', type: 'string', input: choiceOf(settings.list('effect_list')) });
  if (modes.length > 0) jsonPart(builder, { part: 'color_mode', type: 'string' });
}

type JsonPart = {
  readonly part?: string;
  readonly type: 'boolean' | 'number' | 'string';
  readonly read?: (text: string) => boolean | undefined;
  /** Absent: it is only told. */
  readonly input?: JsonSchema;
};

function jsonPart(builder: ComponentBuilder, { part, type, read, input }: JsonPart): void {
  const { settings } = builder;
  const [state, command] = [settings.stateTopic('state_topic'), settings.topic('command_topic')];
  const member = part ?? 'state';
  const wish = { ...(part !== undefined && { part }), ...(read !== undefined && { read }), type };
  if (state !== undefined) builder.stateOn([state], wish, (message) => memberText(message, member));
  if (command === undefined || input === undefined) return;
  builder.commandOn<PythonValue>(
    command,
    { ...(part !== undefined && { part }), input, isUnproven: part === 'color' },
    (value) =>
      succeed(
        jsonText(
          part === undefined ? { state: value === true ? 'ON' : 'OFF' } : { state: 'ON', [part]: value },
          new TemplateWork(),
        ),
      ),
  );
}

/** A member of a JSON state as text; nothing where the message does not tell it. */
function memberText({ json, work }: StateMessage, member: string): Result<string | undefined, string> {
  if (!isJsonMembers(json)) return fail('is no JSON object');
  const value = json[member];
  return succeed(isJsonMembers(value) ? jsonText(value, work) : scalarText(value));
}

/** One topic, and templates for each thing on it. */
function buildTemplateLight(builder: ComponentBuilder): void {
  const { settings } = builder;
  const state = (key: string, part: string | undefined, type: 'boolean' | 'number' | 'string'): void => {
    if (settings.text(key) === undefined) return;
    const read = type === 'boolean' ? { read: readSwitch('on', 'off') } : {};
    builder.state({
      ...(part !== undefined && { part }),
      topic: 'state_topic',
      template: key,
      type,
      ...read,
    });
  };
  state('state_template', undefined, 'boolean');
  state('brightness_template', 'brightness', 'number');
  state('color_temp_template', 'color_temp', 'number');
  state('effect_template', 'effect', 'string');
  buildTemplateColor(builder);
  const on = settings.template('command_on_template');
  const off = settings.template('command_off_template');
  const topic = settings.topic('command_topic');
  if (topic === undefined || on === undefined || off === undefined || on === 'bad' || off === 'bad') return;
  builder.commandOn<boolean>(topic, { input: { type: 'boolean' } }, (input) =>
    (input ? on : off).render({ state: input ? 'on' : 'off' }),
  );
  const command = (
    part: string,
    input: JsonSchema,
    variables: (input: PythonValue) => TemplateVariables,
  ): void =>
    builder.commandOn<PythonValue>(topic, { part, input, wants: wantedText }, (value) =>
      on.render({ state: 'on', ...variables(value) }),
    );
  if (settings.text('brightness_template') !== undefined)
    command('brightness', brightnessRange(builder), (brightness) => ({ brightness }));
  if (settings.text('color_temp_template') !== undefined)
    command('color_temp', colorTemperatureRange(builder), (color_temp) => ({ color_temp }));
  if (settings.text('red_template') !== undefined)
    command('rgb', colorSchema(3, 255), (color) =>
      namedChannels(['red', 'green', 'blue'], color as readonly number[]),
    );
  if (settings.list('effect_list').length > 0)
    command('effect', choiceOf(settings.list('effect_list')), (effect) => ({ effect }));
}

function wantedText(input: unknown): string | number {
  return Array.isArray(input) ? input.join(',') : (input as string | number);
}

/** Three templates are one colour. */
function buildTemplateColor(builder: ComponentBuilder): void {
  const { settings } = builder;
  const topic = settings.stateTopic('state_topic');
  const templates = ['red', 'green', 'blue'].map((name) => settings.template(`${name}_template`));
  const readable = templates.filter((template) => template !== undefined && template !== 'bad');
  if (topic === undefined || readable.length < templates.length) return;
  builder.stateOn([topic], { part: 'rgb', type: 'string' }, (message) => {
    const channels = readable.map((template) => renderState(template, message));
    const failed = channels.find(({ ok }) => !ok);
    if (failed !== undefined) return failed;
    const texts = channels.map((channel) => (channel.ok ? channel.value : ''));
    return succeed(texts.includes('') ? undefined : texts.join(','));
  });
}
