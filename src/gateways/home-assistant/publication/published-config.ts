import { createHash } from 'node:crypto';
import { definedMembers } from '../../../base/defined-members.ts';
import { isJsonObject, parseJsonObject } from '../../../base/json.ts';
import { version } from '../../../base/version.ts';
import type { Command, JsonSchema } from '../../../devices/command.ts';
import type { DeviceDescription } from '../../../devices/description.ts';
import type { Device } from '../../../devices/device.ts';
import type { MetricType } from '../../../devices/reading.ts';

/** Where a device is shown over MQTT. */
type ShownDevice = Pick<Device, 'id' | 'title' | 'model' | 'description'>;

type ShownTopics = {
  /** `recado/hubs/{hubId}`. */
  readonly hub: string;
  /** Empty where nobody is told. */
  readonly hubUrl: string;
  readonly presence: string;
  readonly metric: (metric: string) => string;
  /** Of commands that Home Assistant gives; each has an id of its own. */
  readonly command: (name: string) => string;
};

/** The `origin` of what the hub publishes: it never reads that back. */
const OWN_ORIGIN = 'Recado';
/** Object ids of the hub's own configs begin with it. */
const OWN_ID = 'recado_';
const HASH_CHARACTERS = 8;
const JSON_VALUE = '{{ value_json }}';
const JSON_INPUT = '{{ value | tojson }}';

type Component = { readonly platform: string } & Readonly<Record<string, unknown>>;

/** The topic of the config of a device: `homeassistant/device/recado_radio/config`. */
export function ownConfigTopic(prefix: string, deviceId: string): string {
  return `${prefix}/device/${OWN_ID}${objectIdOf(deviceId)}/config`;
}

/** Whether a topic is one of those. */
export function isOwnConfigTopic(prefix: string, topicName: string): boolean {
  return topicName.startsWith(`${prefix}/device/${OWN_ID}`);
}

/** Whether a config is one that a hub has published which says at this topic that it is there. */
export function isConfigOfHub(payload: string, hubTopic: string): boolean {
  const config = parseJsonObject(payload);
  const origin = config?.['origin'];
  const availability = config?.['availability'];
  const [first] = Array.isArray(availability) ? (availability as unknown[]) : [];
  return (
    isJsonObject(origin) &&
    origin['name'] === OWN_ORIGIN &&
    isJsonObject(first) &&
    first['topic'] === hubTopic
  );
}

/** A device as Home Assistant wants to be told of it, as JSON; undefined where it would have nothing to show. */
export function publishedConfig(device: ShownDevice, topics: ShownTopics): string | undefined {
  const { id, title, model, description } = device;
  const components = componentsOf(description, topics);
  if (components.size === 0) return undefined;
  const unique = `${OWN_ID}${id}`;
  const named = [...components].map(([key, component]) => {
    const entityId = `${component.platform}.${objectIdOf(`${unique}_${key}`).toLowerCase().replaceAll('-', '_')}`;
    return [key, { ...component, unique_id: `${unique}_${key}`, default_entity_id: entityId }] as const;
  });
  return JSON.stringify({
    device: {
      identifiers: [unique],
      name: title ?? id,
      ...definedMembers({ model, configuration_url: topics.hubUrl === '' ? undefined : topics.hubUrl }),
    },
    origin: { name: OWN_ORIGIN, sw_version: version },
    availability: [topics.hub, topics.presence].map((topic) => ({
      topic,
      value_template: '{{ value_json.state }}',
    })),
    availability_mode: 'all',
    qos: 1,
    components: Object.fromEntries(named),
  });
}

function componentsOf(
  { commands, telemetry }: DeviceDescription,
  topics: ShownTopics,
): ReadonlyMap<string, Component> {
  const components = new Map<string, Component>();
  const types = new Map(telemetry.map(({ metric, type }) => [metric, type] as const));
  for (const command of commands) {
    const component = componentOf(command, types.get(command.name));
    if (component === undefined) continue;
    const state = types.has(command.name) ? stateOf(topics.metric(command.name)) : {};
    const { name, title } = command;
    components.set(name, { ...component, name: title, command_topic: topics.command(name), ...state });
  }
  for (const { metric, title = metric, unit, type } of telemetry) {
    if (components.has(metric)) continue;
    const isNumber = type === 'number' || type === 'integer' || (type === undefined && unit !== undefined);
    const kind =
      type === 'boolean'
        ? { platform: 'binary_sensor', payload_on: 'True', payload_off: 'False' }
        : { platform: 'sensor', ...(isNumber && { state_class: 'measurement' }) };
    const measured = definedMembers({ unit_of_measurement: unit });
    components.set(metric, { ...kind, name: title, ...measured, ...stateOf(topics.metric(metric)) });
  }
  return components;
}

function stateOf(topic: string): { readonly state_topic: string; readonly value_template: string } {
  return { state_topic: topic, value_template: JSON_VALUE };
}

/** What a command is there; undefined for one whose input Home Assistant has nothing for. Reading is no control. */
function componentOf({ kind, input }: Command, type: MetricType | undefined): Component | undefined {
  if (kind === 'read') return undefined;
  if (input === undefined) return { platform: 'button', payload_press: '' };
  switch (input['type']) {
    case 'boolean': {
      const states = type === 'boolean' ? { state_on: 'True', state_off: 'False' } : { optimistic: true };
      return { platform: 'switch', payload_on: 'true', payload_off: 'false', ...states };
    }
    case 'number':
    case 'integer':
      return numberOf(input);
    case 'string':
      return textOf(input);
    default:
      return undefined;
  }
}

/** Without bounds Home Assistant would take 1 to 100. */
function numberOf({ type, minimum, maximum }: JsonSchema): Component | undefined {
  if (typeof minimum !== 'number' || typeof maximum !== 'number' || minimum >= maximum) return undefined;
  return {
    platform: 'number',
    min: minimum,
    max: maximum,
    step: type === 'integer' ? 1 : 0.001,
    mode: 'box',
  };
}

function textOf({ enum: options, minLength, maxLength }: JsonSchema): Component | undefined {
  if (Array.isArray(options))
    return options.every((option) => typeof option === 'string')
      ? { platform: 'select', options, command_template: JSON_INPUT }
      : undefined;
  const most = typeof maxLength === 'number' ? Math.min(maxLength, 255) : 255;
  const least = typeof minLength === 'number' ? Math.min(minLength, most) : 0;
  return { platform: 'text', min: least, max: most, command_template: JSON_INPUT };
}

/** What an object id may hold; with a hash where something of it is lost. */
function objectIdOf(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9_-]/g, '_');
  if (plain === id) return plain;
  return `${plain}_${createHash('sha256').update(id).digest('hex').slice(0, HASH_CHARACTERS)}`;
}
