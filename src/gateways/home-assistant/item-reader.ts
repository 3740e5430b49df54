import { fail, succeed, type Result } from '../../base/result.ts';
import type { DiscoveredItem } from './discovery/describe-device.ts';
import { readDiscoveryTopic } from './discovery/discovery-topic.ts';
import { ForeignTopics } from './discovery/foreign-topics.ts';
import { readDiscoveryConfig } from './discovery/read-config.ts';
import { buildComponent } from './platforms/build-component.ts';
import { TasmotaReader } from './tasmota/tasmota-reader.ts';
import { catchFaults } from './template/template-fault.ts';
import { TemplateCache } from './template/template-cache.ts';

/** What follows from a config, and those of its components that could not be used. */
type ReadItems = {
  /** That of its own topic first. */
  readonly items: readonly DiscoveredItem[];
  readonly broken: readonly { readonly key: string; readonly why: string }[];
};

/** Reads configs as they come. Templates that many have are read once. */
export class ItemReader {
  readonly #prefix: string;
  readonly #templates = new TemplateCache();
  readonly #tasmota = new TasmotaReader(this.#templates);
  readonly #foreign: ForeignTopics;

  /** @param foreign - knows the hub's own topics */
  constructor(prefix: string, foreign = new ForeignTopics([])) {
    this.#prefix = prefix;
    this.#foreign = foreign;
  }

  /** What is wrong with all of it is told in words. */
  read(topicName: string, payload: string): Result<ReadItems | 'migrating', string> {
    return catchFaults(() => this.#read(topicName, payload));
  }

  #read(topicName: string, payload: string): Result<ReadItems | 'migrating', string> {
    if (TasmotaReader.isTopic(topicName)) {
      const items = this.#tasmota.read(topicName, payload);
      return items.ok ? succeed(this.#withoutOwn(items.value)) : items;
    }
    const topic = readDiscoveryTopic(topicName, this.#prefix);
    if (topic === undefined) return fail('is at a topic whose ids have characters that are not allowed');
    const config = readDiscoveryConfig(payload, topic);
    if (!config.ok || config.value === 'migrating') return config as Result<'migrating', string>;
    const { device, origin, components, broken } = config.value;
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
    const read = this.#withoutOwn([item]);
    return succeed({ items: read.items, broken: [...broken, ...refused, ...read.broken] });
  }

  /** Components that would have the hub listen or publish on topics of its own are none. */
  #withoutOwn(items: readonly DiscoveredItem[]): ReadItems {
    const broken: { key: string; why: string }[] = [];
    const kept = items.map((item) => ({
      ...item,
      components: item.components.filter((component) => {
        const why = this.#foreign.findFault(component);
        if (why !== undefined) broken.push({ key: component.key, why });
        return why === undefined;
      }),
    }));
    return { items: kept, broken };
  }

  /** A topic says nothing any more. */
  forget(topicName: string): void {
    if (TasmotaReader.isTopic(topicName)) this.#tasmota.forget(topicName);
  }
}
