import { readTasmotaConfig } from './tasmota/tasmota-config.ts';
import { TASMOTA_BELOW } from './tasmota/tasmota-reader.ts';
import { isList, isJsonMembers, type JsonMembers } from './template/python-value.ts';
import { readDiscoveryTopic } from './discovery/discovery-topic.ts';
import { readDiscoveryConfig } from './discovery/read-config.ts';

/** The topics that a config names: whoever publishes it would have the hub listen and publish there. */
type NamedTopics = { readonly heard: readonly string[]; readonly told: readonly string[] };

/** `command_topic`, `brightness_command_topic`, `set_position_topic`. */
const IS_TOLD = /(?:^|_)command_topic$|^set_\w+_topic$/;
const NONE: NamedTopics = { heard: [], told: [] };

/** Whether a topic may carry a config of Home Assistant's discovery, or Tasmota's. */
export function isBelowConfigs(topicName: string, prefix: string): boolean {
  return (
    topicName.startsWith(TASMOTA_BELOW) || (topicName.startsWith(prefix) && topicName[prefix.length] === '/')
  );
}

/** All topics that a config names, used or not; none where it is no config that the hub would take. */
export function readNamedTopics(topicName: string, payload: string, prefix: string): NamedTopics {
  if (topicName.startsWith(TASMOTA_BELOW)) return ofTasmota(payload);
  const topic = readDiscoveryTopic(topicName, prefix);
  const config = topic && readDiscoveryConfig(payload, topic);
  if (config?.ok !== true || config.value === 'migrating') return NONE;
  const heard = new Set<string>();
  const told = new Set<string>();
  const note = (members: JsonMembers): void => {
    for (const [key, value] of Object.entries(members))
      if (key.endsWith('topic') && typeof value === 'string') (IS_TOLD.test(key) ? told : heard).add(value);
  };
  for (const { members } of config.value.components) {
    note(members);
    const { availability } = members;
    for (const source of isList(availability) ? availability : [availability])
      if (isJsonMembers(source)) note(source);
  }
  return { heard: [...heard], told: [...told] };
}

/** All its topics are below three that the config says; what sensors it has is told elsewhere. */
function ofTasmota(payload: string): NamedTopics {
  const topics = readTasmotaConfig(payload)?.topics;
  if (topics === undefined) return NONE;
  const { command, state, telemetry } = topics;
  const heard = [`${state}RESULT`, ...['STATE', 'SENSOR', 'LWT'].map((last) => telemetry + last)];
  return { heard, told: [`${command}+`] };
}
