import { fail, succeed, type Result } from '../../../base/result.ts';
import { parsePayloadJson } from '../template/payload-json.ts';
import { scalarText } from '../template/python-text.ts';
import { isJsonMembers, isList, type JsonMembers, type PythonValue } from '../template/python-value.ts';
import { expandAbbreviations } from './abbreviations.ts';
import type { DiscoveryTopic } from './discovery-topic.ts';

/** The program that published a config. */
export type DiscoveryOrigin = { readonly name: string; readonly version: string | undefined };

/** One component of a config, with all keys by their long names. */
export type ComponentConfig = {
  /** In a device's config its key there, else its object id. */
  readonly key: string;
  readonly platform: string;
  readonly members: JsonMembers;
};

/** What one topic says: a component, or a device with all of its own. */
type DiscoveryConfig = {
  readonly device: JsonMembers | undefined;
  readonly origin: DiscoveryOrigin | undefined;
  readonly components: readonly ComponentConfig[];
  /** Components that are none, and why. The others are not worse for them. */
  readonly broken: readonly { readonly key: string; readonly why: string }[];
};

/** Keys of a device's config that each of its components has where it says nothing else. */
const SHARED_KEYS = [
  'availability',
  'availability_mode',
  'availability_topic',
  'availability_template',
  'payload_available',
  'payload_not_available',
  'command_topic',
  'state_topic',
  'qos',
  'encoding',
];

/**
 * Reads the payload of a config. `migrating` is one that only announces that another topic will carry the config: what
 * was known stays.
 *
 * @returns what is wrong with all of it, in words
 */
export function readDiscoveryConfig(
  payload: string,
  topic: DiscoveryTopic,
): Result<DiscoveryConfig | 'migrating', string> {
  const parsed = parsePayloadJson(payload);
  if (!isJsonMembers(parsed)) return fail('is no JSON object');
  if (parsed['migrate_discovery'] === true || parsed['migr_discvry'] === true) return succeed('migrating');
  const members = expandAbbreviations(parsed);
  const origin = readOrigin(members['origin']);
  const device = isJsonMembers(members['device']) ? members['device'] : undefined;
  if (topic.component === 'device') return readDeviceConfig(members, { device, origin });
  const component = {
    key: topic.objectId,
    platform: topic.component,
    members: replaceBase(members),
  };
  return succeed({ device, origin, components: [component], broken: [] });
}

function readDeviceConfig(
  members: JsonMembers,
  { device, origin }: { device: JsonMembers | undefined; origin: DiscoveryOrigin | undefined },
): Result<DiscoveryConfig, string> {
  const { components: written } = members;
  if (device === undefined) return fail('has no device');
  if (origin === undefined) return fail('has no origin with a name');
  if (!isJsonMembers(written)) return fail('has no components');
  const shared = Object.fromEntries(
    SHARED_KEYS.filter((key) => key in members).map((key) => [key, members[key]] as const),
  );
  const components: ComponentConfig[] = [];
  const broken: { key: string; why: string }[] = [];
  for (const [key, value] of Object.entries(written)) {
    const platform = isJsonMembers(value) ? value['platform'] : undefined;
    if (!isJsonMembers(value) || typeof platform !== 'string') broken.push({ key, why: 'has no platform' });
    // One that holds its platform alone is taken away.
    else if (Object.keys(value).length > 1)
      components.push({ key, platform, members: { ...shared, ...replaceBase(value) } });
  }
  return succeed({ device, origin, components, broken });
}

function readOrigin(value: PythonValue): DiscoveryOrigin | undefined {
  const name = isJsonMembers(value) ? value['name'] : undefined;
  if (!isJsonMembers(value) || typeof name !== 'string' || name === '') return undefined;
  const version = value['sw_version'];
  return { name, version: scalarText(version) };
}

/** `~` stands for a base, as the first or the last character of topics. */
function replaceBase(members: JsonMembers): JsonMembers {
  const { '~': base, ...rest } = members;
  if (typeof base !== 'string') return members;
  const { availability } = rest;
  const items = isList(availability)
    ? availability
    : isJsonMembers(availability)
      ? [availability]
      : undefined;
  const replaced = replaceTopics(rest, base);
  if (items === undefined) return replaced;
  return {
    ...replaced,
    availability: items.map((item) => (isJsonMembers(item) ? replaceTopics(item, base) : item)),
  };
}

function replaceTopics(members: JsonMembers, base: string): JsonMembers {
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => [
      key,
      typeof value === 'string' && key.endsWith('topic') ? replaceEnds(value, base) : value,
    ]),
  );
}

function replaceEnds(topic: string, base: string): string {
  const begun = topic.startsWith('~') ? base + topic.slice(1) : topic;
  return begun.endsWith('~') ? begun.slice(0, -1) + base : begun;
}
