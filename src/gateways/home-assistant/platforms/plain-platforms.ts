import type { JsonSchema } from '../../../devices/command.ts';
import { readNumber, readSwitch, type ComponentBuilder } from '../discovery/component-builder.ts';

const STATE = { topic: 'state_topic', template: 'value_template' };
const MAX_OFF_DELAY_SECONDS = 86_400;
const COMMAND = { topic: 'command_topic', template: 'command_template' };

/** A number where it has a unit, or is measured or counted; else a text. */
export function buildSensor(builder: ComponentBuilder): void {
  const { settings } = builder;
  const unit = settings.text('unit_of_measurement');
  const isNumber = unit !== undefined || settings.text('state_class') !== undefined;
  builder.state({ ...STATE, type: isNumber ? 'number' : 'string', unit });
}

export function buildBinarySensor(builder: ComponentBuilder): void {
  const { settings } = builder;
  const read = readSwitch(settings.textOr('payload_on', 'ON'), settings.textOr('payload_off', 'OFF'));
  const offDelay = settings.number('off_delay', 0);
  const offDelayMs = offDelay > 0 && offDelay <= MAX_OFF_DELAY_SECONDS ? { offDelayMs: offDelay * 1000 } : {};
  builder.state({ ...STATE, type: 'boolean', read, ...offDelayMs });
}

export function buildSwitch(builder: ComponentBuilder): void {
  const { settings } = builder;
  const [on, off] = [settings.textOr('payload_on', 'ON'), settings.textOr('payload_off', 'OFF')];
  const read = readSwitch(settings.textOr('state_on', on), settings.textOr('state_off', off));
  builder.state({ ...STATE, type: 'boolean', read });
  builder.command<boolean>({ ...COMMAND, input: { type: 'boolean' }, value: (input) => (input ? on : off) });
}

export function buildNumber(builder: ComponentBuilder): void {
  const { settings } = builder;
  const reset = settings.textOr('payload_reset', 'None');
  builder.state({
    ...STATE,
    type: 'number',
    unit: settings.text('unit_of_measurement'),
    read: (text) => (text === reset ? undefined : readNumber(text)),
  });
  const input = rangeOf(
    builder,
    { least: 'min', most: 'max', step: 'step' },
    { least: 1, most: 100, step: 1 },
  );
  builder.command<number>({ ...COMMAND, input, value: (number) => number });
}

/** A schema of numbers between two settings. Where all of them are whole, the input is. */
export function rangeOf(
  { settings }: ComponentBuilder,
  keys: { readonly least: string; readonly most: string; readonly step?: string },
  otherwise: { readonly least: number; readonly most: number; readonly step?: number },
): JsonSchema {
  const minimum = settings.number(keys.least, otherwise.least);
  const maximum = settings.number(keys.most, otherwise.most);
  const step = keys.step === undefined ? 1 : settings.number(keys.step, otherwise.step ?? 1);
  const isWhole = Number.isInteger(step) && Number.isInteger(minimum);
  return { type: isWhole ? 'integer' : 'number', minimum, maximum };
}

export function buildSelect(builder: ComponentBuilder): void {
  const options = builder.settings.list('options');
  builder.state({ ...STATE, type: 'string' });
  builder.command<string>({ ...COMMAND, input: choiceOf(options), value: (option) => option });
}

/** A schema of the texts of a list; of any text where there is none. */
export function choiceOf(options: readonly string[]): JsonSchema {
  return options.length === 0 ? { type: 'string' } : { type: 'string', enum: [...options] };
}

export function buildButton(builder: ComponentBuilder): void {
  const press = builder.settings.textOr('payload_press', 'PRESS');
  builder.command({ ...COMMAND, kind: 'action', value: () => press });
}

export function buildScene(builder: ComponentBuilder): void {
  const on = builder.settings.textOr('payload_on', 'ON');
  builder.command({ ...COMMAND, kind: 'action', value: () => on });
}

export function buildText(builder: ComponentBuilder): void {
  const { settings } = builder;
  builder.state({ ...STATE, type: 'string' });
  const minLength = Math.max(0, Math.trunc(settings.number('min', 0)));
  const maxLength = Math.max(minLength, Math.trunc(settings.number('max', 255)));
  const pattern = settings.text('pattern');
  const description = pattern === undefined ? {} : { description: `A text that matches ${pattern}` };
  builder.command<string>({
    ...COMMAND,
    input: { type: 'string', minLength, maxLength, ...description },
    value: (text) => text,
  });
}

/** Dates and times travel as texts, in the form of RFC 3339. */
export function buildTime(builder: ComponentBuilder): void {
  const { platform } = builder.settings;
  builder.state({ ...STATE, type: 'string' });
  const format = platform === 'datetime' ? 'date-time' : platform;
  builder.command<string>({ ...COMMAND, input: { type: 'string', format }, value: (text) => text });
}

export function buildNotify(builder: ComponentBuilder): void {
  builder.command<string>({ ...COMMAND, kind: 'action', input: { type: 'string' }, value: (text) => text });
}
