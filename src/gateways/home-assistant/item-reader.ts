import { fail, succeed, type Result } from '../../base/result.ts';
import type { DiscoveredItem } from './discovery/describe-device.ts';
import { readDiscoveryTopic } from './discovery/discovery-topic.ts';
import { readDiscoveryConfig } from './discovery/read-config.ts';
import { buildComponent } from './platforms/build-component.ts';
import { TemplateCache } from './template/template-cache.ts';

/** A config that was read, and those of its components that could not be used. */
type ReadItem = {
  readonly item: DiscoveredItem;
  readonly broken: readonly { readonly key: string; readonly why: string }[];
};

/** Reads configs as they come. Templates that many have are read once. */
export class ItemReader {
  readonly #prefix: string;
  readonly #templates = new TemplateCache();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What is wrong with all of it is told in words. */
  read(topicName: string, payload: string): Result<ReadItem | 'migrating', string> {
    const topic = readDiscoveryTopic(topicName, this.#prefix);
    if (topic === undefined) return fail('is at a topic whose ids have characters that are not allowed');
    const read = readDiscoveryConfig(payload, topic);
    if (!read.ok || read.value === 'migrating') return read as Result<'migrating', string>;
    const { device, origin, components, broken } = read.value;
    const built = components.map((config) => ({
      key: config.key,
      result: buildComponent(config, this.#templates),
    }));
    const item = {
      topicName,
      device,
      origin,
      components: built.flatMap(({ result }) => (result.ok ? [result.value] : [])),
      isWholeDevice: topic.component === 'device',
    };
    const refused = built.flatMap(({ key, result }) => (result.ok ? [] : [{ key, why: result.failure }]));
    return succeed({ item, broken: [...broken, ...refused] });
  }
}
