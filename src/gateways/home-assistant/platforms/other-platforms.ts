import { parseJson } from '../../../base/json.ts';
import { fail, succeed } from '../../../base/result.ts';
import { renderState, type ComponentBuilder } from '../discovery/component-builder.ts';
import { jsonText, scalarText } from '../template/python-text.ts';
import { TemplateWork } from '../template/template-work.ts';
import { isJsonMembers, type PythonValue } from '../template/python-value.ts';
import { choiceOf } from './plain-platforms.ts';
import { buildOnOff } from './climate-platforms.ts';

const MAX_EVENT_DEPTH = 32;
const VACUUM_ORDERS = {
  start: ['start', 'payload_start'],
  pause: ['pause', 'payload_pause'],
  stop: ['stop', 'payload_stop'],
  return_home: ['return_to_base', 'payload_return_to_base'],
  clean_spot: ['clean_spot', 'payload_clean_spot'],
  locate: ['locate', 'payload_locate'],
} as const;
const DEFAULT_VACUUM_FEATURES = ['start', 'stop', 'return_home', 'status', 'battery', 'clean_spot'];
const ALARM_ORDERS = {
  arm_home: 'ARM_HOME',
  arm_away: 'ARM_AWAY',
  arm_night: 'ARM_NIGHT',
  arm_vacation: 'ARM_VACATION',
  arm_custom_bypass: 'ARM_CUSTOM_BYPASS',
  trigger: 'TRIGGER',
} as const;
const ARMED: Readonly<Record<string, string>> = {
  arm_home: 'armed_home',
  arm_away: 'armed_away',
  arm_night: 'armed_night',
  arm_vacation: 'armed_vacation',
  arm_custom_bypass: 'armed_custom_bypass',
  disarm: 'disarmed',
  trigger: 'triggered',
};

/** JSON with the type of what happened. A retained one happened before. */
export function buildEvent(builder: ComponentBuilder): void {
  const { settings } = builder;
  const topic = settings.stateTopic('state_topic');
  const template = settings.template('value_template');
  if (topic === undefined || template === 'bad') return;
  const types = settings.list('event_types');
  builder.event({
    topic,
    read: (message) => {
      if (message.isRetained) return succeed(undefined);
      const text = renderState(template, message);
      if (!text.ok || text.value === '') return text.ok ? succeed(undefined) : text;
      const data = parseMembers(text.value);
      const type = data?.['event_type'];
      if (typeof type !== 'string') return fail('is no JSON object with an event_type');
      if (types.length > 0 && !types.includes(type))
        return fail(`has the event_type ${JSON.stringify(type)}`);
      if (data !== undefined && isTooDeep(data)) return fail('is nested too deep');
      return succeed({ data });
    },
  });
}

/** What could not be written as JSON again. */
function isTooDeep(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= MAX_EVENT_DEPTH || Object.values(value).some((member) => isTooDeep(member, depth + 1));
}

function parseMembers(text: string): Record<string, unknown> | undefined {
  const value = parseJson(text);
  return isJsonMembers(value as PythonValue) ? (value as Record<string, unknown>) : undefined;
}

/** A button that was pressed, where its payload is the one that it waits for. */
export function buildTrigger(builder: ComponentBuilder): void {
  const { settings } = builder;
  const topic = settings.stateTopic('topic');
  const template = settings.template('value_template');
  if (topic === undefined || template === 'bad') return;
  const payload = settings.text('payload');
  const data = { type: settings.textOr('type', ''), subtype: settings.textOr('subtype', '') };
  builder.event({
    topic,
    read: (message) => {
      if (message.isRetained) return succeed(undefined);
      const text = renderState(template, message);
      if (!text.ok) return text;
      return succeed(payload === undefined || payload === text.value ? { data } : undefined);
    },
  });
}

export function buildTag(builder: ComponentBuilder): void {
  const topic = builder.settings.stateTopic('topic');
  const template = builder.settings.template('value_template');
  if (topic === undefined || template === 'bad') return;
  builder.event({
    topic,
    read: (message) => {
      if (message.isRetained) return succeed(undefined);
      const text = renderState(template, message);
      if (!text.ok) return text;
      return succeed(text.value === '' ? undefined : { data: { tag: text.value } });
    },
  });
}

/** Versions; the state is one of them, or JSON with both. */
export function buildUpdate(builder: ComponentBuilder): void {
  const { settings } = builder;
  const topic = settings.stateTopic('state_topic');
  const template = settings.template('value_template');
  const install = settings.text('payload_install');
  const isLatestApart = settings.stateTopic('latest_version_topic') !== undefined;
  const parts = ['installed_version', ...(isLatestApart ? [] : ['latest_version'])];
  if (topic !== undefined && template !== 'bad')
    for (const part of parts)
      builder.stateOn([topic], { part, type: 'string' }, (message) => {
        const text = renderState(template, message);
        if (!text.ok) return text;
        const members = parseMembers(text.value);
        if (members === undefined) return succeed(part === 'installed_version' ? text.value : undefined);
        const version = members[part];
        return succeed(
          typeof version === 'string' || typeof version === 'number' ? String(version) : undefined,
        );
      });
  if (isLatestApart)
    builder.state({
      part: 'latest_version',
      topic: 'latest_version_topic',
      template: 'latest_version_template',
      type: 'string',
    });
  if (install !== undefined)
    builder.command({ topic: 'command_topic', kind: 'action', value: () => install });
}

/** Without templates a siren is told its state as JSON. */
export function buildSiren(builder: ComponentBuilder): void {
  const { settings } = builder;
  if (settings.text('command_template') !== undefined) return buildOnOff(builder);
  buildOnOff(builder);
  const command = builder.commands.pop();
  if (command === undefined) return;
  builder.commands.push({
    ...command,
    makePayload: (input) => {
      const payload = command.makePayload(input);
      return payload.ok ? succeed(jsonText({ state: payload.value }, new TemplateWork())) : payload;
    },
  });
}

export function buildVacuum(builder: ComponentBuilder): void {
  const { settings } = builder;
  const topic = settings.stateTopic('state_topic');
  if (topic !== undefined)
    for (const [part, member] of [
      [undefined, 'state'],
      ['fan_speed', 'fan_speed'],
    ] as const)
      builder.stateOn([topic], { ...(part !== undefined && { part }), type: 'string' }, (message) => {
        const { json } = message;
        if (!isJsonMembers(json)) return fail('is no JSON object');
        return succeed(scalarText(json[member]));
      });
  const written = settings.list('supported_features');
  const features = written.length === 0 ? DEFAULT_VACUUM_FEATURES : written;
  const orders = Object.entries(VACUUM_ORDERS)
    .filter(([feature]) => features.includes(feature))
    .map(([, [word, key]]) => [word, settings.textOr(key, word)] as const);
  buildActions(builder, orders);
  builder.command<string>({
    part: 'fan_speed',
    topic: 'set_fan_speed_topic',
    input: choiceOf(settings.list('fan_speed_list')),
    value: (speed) => speed,
  });
  builder.command<string>({
    part: 'send',
    topic: 'send_command_topic',
    kind: 'action',
    input: { type: 'string' },
    value: (text) => text,
  });
}

/** One command that takes one of some words, and whose effect no state shows. */
function buildActions(builder: ComponentBuilder, orders: readonly (readonly [string, string])[]): void {
  const payloads = new Map(orders);
  const topic = builder.settings.topic('command_topic');
  if (topic === undefined) return;
  builder.commandOn<string>(
    topic,
    { part: 'order', kind: 'action', input: choiceOf([...payloads.keys()]) },
    (word) => succeed(payloads.get(word) ?? word),
  );
}

export function buildLawnMower(builder: ComponentBuilder): void {
  builder.state({ topic: 'activity_state_topic', template: 'activity_value_template', type: 'string' });
  for (const part of ['start_mowing', 'pause', 'dock'])
    builder.command({
      part,
      topic: `${part}_command_topic`,
      template: `${part}_command_template`,
      kind: 'action',
      value: () => part,
    });
}

export function buildAlarm(builder: ComponentBuilder): void {
  const { settings } = builder;
  builder.state({ topic: 'state_topic', template: 'value_template', type: 'string' });
  const written = settings.list('supported_features');
  const features = written.length === 0 ? Object.keys(ALARM_ORDERS) : written;
  const payloads = new Map<string, string>([['disarm', settings.textOr('payload_disarm', 'DISARM')]]);
  for (const [word, otherwise] of Object.entries(ALARM_ORDERS))
    if (features.includes(word)) payloads.set(word, settings.textOr(`payload_${word}`, otherwise));
  builder.command<string>({
    topic: 'command_topic',
    template: 'command_template',
    input: choiceOf([...payloads.keys()]),
    value: (word) => payloads.get(word),
    variables: (word) => ({ action: payloads.get(word), code: null }),
    wants: (word) => ARMED[word] ?? word,
  });
}

/** Where it is: `home`, `not_home`, or the name of a place. */
export function buildTracker(builder: ComponentBuilder): void {
  const { settings } = builder;
  const home = settings.textOr('payload_home', 'home');
  const away = settings.textOr('payload_not_home', 'not_home');
  const read = (text: string): string => (text === home ? 'home' : text === away ? 'not_home' : text);
  builder.state({ topic: 'state_topic', template: 'value_template', type: 'string', read });
}

/** Pictures themselves are no readings; where they are, is. */
export function buildImage(builder: ComponentBuilder): void {
  builder.state({ topic: 'url_topic', template: 'url_template', type: 'string' });
}
