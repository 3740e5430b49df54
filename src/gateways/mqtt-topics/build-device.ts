import { succeed, type Result } from '../../base/result.ts';
import type { MetricType } from '../../devices/reading.ts';
import { readAvailability } from '../home-assistant/discovery/availability.ts';
import { ComponentBuilder, renderState } from '../home-assistant/discovery/component-builder.ts';
import type { ComponentParts } from '../home-assistant/discovery/component-part.ts';
import { ComponentSettings } from '../home-assistant/discovery/component-settings.ts';
import type { DiscoveredItem } from '../home-assistant/discovery/describe-device.ts';
import type { StateMessage } from '../home-assistant/discovery/state-message.ts';
import type { TemplateCache } from '../home-assistant/template/template-cache.ts';
import type { JsonMembers, PythonValue } from '../home-assistant/template/python-value.ts';
import type { NamedCommand, NamedDevice, NamedMetric, Scalar } from './named-device.ts';

const PLATFORM = 'topic';
const TRUE_WORDS: ReadonlySet<string> = new Set(['true', 'on', '1']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['false', 'off', '0']);

/** What a device of the configuration is, in the words of one that was discovered. */
export function buildNamedDevice(device: NamedDevice, templates: TemplateCache): DiscoveredItem {
  const { id, title, model, telemetry = {}, commands = {} } = device;
  const availability = readAvailability(settingsOf(PLATFORM, availabilityMembers(device), templates));
  const names = new Set([...Object.keys(telemetry), ...Object.keys(commands)]);
  return {
    topicName: '',
    device: { identifiers: [id], name: title, model },
    origin: undefined,
    components: [...names].map((name) => ({
      ...buildPart(name, { metric: telemetry[name], command: commands[name] }, templates),
      availability,
    })),
    isWholeDevice: true,
  };
}

/** A metric and a command of one name: the one shows what the other did. */
function buildPart(
  name: string,
  { metric, command }: { metric: NamedMetric | undefined; command: NamedCommand | undefined },
  templates: TemplateCache,
): ComponentParts {
  const members = {
    name: metric?.title ?? command?.title,
    retain: command?.retain,
    template: metric?.template,
    payload: typeof command?.payload === 'string' ? command.payload : undefined,
  };
  const settings = settingsOf(name, members, templates);
  const builder = new ComponentBuilder(settings);
  if (metric !== undefined) addMetric(builder, metric);
  if (command !== undefined) addCommand(builder, command);
  const { metrics, events } = builder;
  const { notUnderstood } = settings;
  const commands = builder.commands.map((part) => ({ ...part, title: command?.title ?? part.title }));
  return {
    key: name,
    platform: PLATFORM,
    uniqueId: undefined,
    availability: undefined,
    metrics,
    commands,
    events,
    notUnderstood,
  };
}

function settingsOf(key: string, members: JsonMembers, templates: TemplateCache): ComponentSettings {
  return new ComponentSettings({ key, platform: PLATFORM, members }, templates);
}

function addMetric(builder: ComponentBuilder, { topic, path, unit, type, on, off }: NamedMetric): void {
  const shown: MetricType = type ?? (unit === undefined ? 'string' : 'number');
  const read = shown === 'boolean' ? readBoolean(on, off) : undefined;
  const template = builder.settings.template('template');
  if (template === 'bad') return;
  const getText = (message: StateMessage): Result<string | undefined, string> =>
    path === undefined ? renderState(template, message) : succeed(message.textAt(path.split('.')));
  builder.stateOn([topic], { type: shown, unit, ...(read && { read }) }, getText);
}

function readBoolean(on?: Scalar, off?: Scalar): (text: string) => boolean | undefined {
  const isOneOf = (text: string, said: Scalar | undefined, words: ReadonlySet<string>): boolean =>
    said === undefined ? words.has(text.toLowerCase()) : text === String(said);
  return (text) =>
    isOneOf(text, on, TRUE_WORDS) ? true : isOneOf(text, off, FALSE_WORDS) ? false : undefined;
}

function addCommand(builder: ComponentBuilder, { topic, payload, input }: NamedCommand): void {
  const template = builder.settings.template('payload');
  if (template === 'bad') return;
  const isUnproven = input === undefined;
  const kind = isUnproven ? 'action' : 'write';
  builder.commandOn<PythonValue>(topic, { kind, ...(input && { input }), isUnproven }, (value) => {
    if (template !== undefined) return template.render({ value });
    return succeed(payload === undefined ? textOf(value) : String(payload));
  });
}

function textOf(input: PythonValue): string {
  return typeof input === 'string' ? input : input === undefined ? '' : JSON.stringify(input);
}

function availabilityMembers({ availability }: NamedDevice): JsonMembers {
  const { topic, path, template, online, offline } = availability ?? {};
  const keys = path?.split('.').map((key) => `[${/^\d+$/.test(key) ? key : JSON.stringify(key)}]`);
  return {
    availability_topic: topic,
    availability_template: keys === undefined ? template : `{{ value_json${keys.join('')} }}`,
    payload_available: online === undefined ? undefined : String(online),
    payload_not_available: offline === undefined ? undefined : String(offline),
  };
}
