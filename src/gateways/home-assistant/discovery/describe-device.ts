import { definedMembers } from '../../../base/defined-members.ts';
import type { Command } from '../../../devices/command.ts';
import {
  MAX_COMMANDS_PER_DEVICE,
  MAX_TITLE_CHARACTERS,
  type DeviceDescription,
} from '../../../devices/description.ts';
import { checkSchema } from '../../../devices/json-schema.ts';
import { MAX_METRICS_PER_DEVICE } from '../../../devices/telemetry.ts';
import { scalarText } from '../template/python-text.ts';
import type { JsonMembers, PythonValue } from '../template/python-value.ts';
import type {
  AvailabilityPart,
  CommandPart,
  ComponentParts,
  EventPart,
  MetricPart,
} from './component-part.ts';
import type { DiscoveryOrigin } from './read-config.ts';

/** What one config topic came to. */
export type DiscoveredItem = {
  readonly topicName: string;
  readonly device: JsonMembers | undefined;
  readonly origin: DiscoveryOrigin | undefined;
  readonly components: readonly ComponentParts[];
  /** It speaks of a whole device, and not of one component. */
  readonly isWholeDevice: boolean;
};

/** A device out of all configs that speak of it: what it says of itself, and how to speak with it. */
export type DescribedDevice = {
  readonly description: DeviceDescription;
  readonly metrics: ReadonlyMap<string, MetricPart>;
  readonly commands: ReadonlyMap<string, CommandPart>;
  readonly events: ReadonlyMap<string, EventPart>;
  /** Each once; undefined stands for components that are there while the broker is. */
  readonly availability: ReadonlyMap<string, AvailabilityPart | undefined>;
};

type Named = { readonly name: string; readonly title: string };

const MAX_MODEL_CHARACTERS = 256;
const MAX_NOT_UNDERSTOOD = 64;
/** What is told of what a command did. */
const OUTPUT = {
  type: 'object',
  properties: { effect: { type: 'string', enum: ['seen', 'cannot be seen'] } },
};

/** In the order of their topics, so that the same configs are the same device however they come. */
export function describeDevice(
  items: readonly DiscoveredItem[],
  identities: readonly string[],
): DescribedDevice {
  const sorted = items.toSorted((one, other) => (one.topicName < other.topicName ? -1 : 1));
  const components = distinctComponents(sorted);
  const metrics = collect(components, ({ metrics: each }) => each, MAX_METRICS_PER_DEVICE);
  const commands = collect(
    components,
    ({ commands: each }) => each.filter(isAccepted),
    MAX_COMMANDS_PER_DEVICE,
  );
  const events = collect(components, ({ events: each }) => each, MAX_COMMANDS_PER_DEVICE);
  const notUnderstood = components
    .flatMap((component) => component.notUnderstood)
    .slice(0, MAX_NOT_UNDERSTOOD);
  const description: DeviceDescription = {
    ...wordsOf(sorted),
    commands: [...commands].map(([name, part], index) => toCommand(name, part, index + 1)),
    telemetry: [...metrics].map(([metric, { title, unit, type }]) => ({
      metric,
      title: shorten(title),
      ...definedMembers({ unit: unit && shorten(unit) }),
      type,
    })),
    ...(events.size > 0 && {
      events: [...events].map(([name, { title }]) => ({ name, title: shorten(title) })),
    }),
    discovered: {
      identities,
      origins: [...new Set(sorted.map(({ origin }) => originText(origin)).filter((text) => text !== ''))],
      notUnderstood,
    },
  };
  const availability = new Map(
    components.map((each) => [each.availability?.key ?? '', each.availability] as const),
  );
  return { description, metrics, commands, events, availability };
}

/** One thing that two topics describe is described by the one for the whole device, as after a migration. */
function distinctComponents(items: readonly DiscoveredItem[]): readonly ComponentParts[] {
  const byId = new Map<string, ComponentParts>();
  for (const { components, isWholeDevice } of items)
    for (const component of components) {
      const { platform, uniqueId, key } = component;
      const id = uniqueId === undefined ? `${platform} ${key} ${byId.size}` : `${platform} ${uniqueId}`;
      if (isWholeDevice || !byId.has(id)) byId.set(id, component);
    }
  return [...byId.values()];
}

/** By name; where a name is taken, the kind of the component is said with it. */
function collect<T extends Named>(
  components: readonly ComponentParts[],
  partsOf: (component: ComponentParts) => readonly T[],
  most: number,
): ReadonlyMap<string, T> {
  const collected = new Map<string, T>();
  for (const component of components)
    for (const part of partsOf(component)) {
      if (collected.size >= most) return collected;
      const name = collected.has(part.name) ? `${part.name}-${component.platform}`.slice(0, 64) : part.name;
      if (!collected.has(name)) collected.set(name, part);
    }
  return collected;
}

/** A schema that the hub would not take from any device is not taken from this one. */
function isAccepted({ input }: CommandPart): boolean {
  return input === undefined || checkSchema(input, '').length === 0;
}

function toCommand(name: string, { title, kind, input, expectedMs }: CommandPart, number: number): Command {
  return {
    name,
    number,
    title: shorten(title),
    kind,
    ...definedMembers({ input }),
    output: OUTPUT,
    idempotent: kind === 'write',
    concurrency: 'serial',
    expectedMs,
  };
}

/** Its name and model, from the first config that says them. */
function wordsOf(items: readonly DiscoveredItem[]): { readonly title?: string; readonly model?: string } {
  const said = (key: string): string | undefined => {
    const value = items.map(({ device }) => device?.[key]).find((each) => isWord(each));
    return scalarText(value)?.slice(0, MAX_MODEL_CHARACTERS);
  };
  const model = [said('manufacturer'), said('model')].filter((word) => word !== undefined).join(' ');
  const title = said('name');
  return definedMembers({ title, model: model === '' ? undefined : model.slice(0, MAX_MODEL_CHARACTERS) });
}

function isWord(value: PythonValue): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

/** Who published a config: `Zigbee2MQTT 2.1.0`. */
function originText(origin: DiscoveryOrigin | undefined): string {
  if (origin === undefined) return '';
  return (origin.version === undefined ? origin.name : `${origin.name} ${origin.version}`).slice(
    0,
    MAX_MODEL_CHARACTERS,
  );
}

function shorten(title: string): string {
  return title.slice(0, MAX_TITLE_CHARACTERS);
}
