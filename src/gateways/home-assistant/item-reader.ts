import { fail, succeed, type Result } from '../../base/result.ts';
import type { DiscoveredItem } from './discovery/describe-device.ts';
import { readDiscoveryTopic } from './discovery/discovery-topic.ts';
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

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** What is wrong with all of it is told in words. */
  read(topicName: string, payload: string): Result<ReadItems | 'migrating', string> {
    return catchFaults(() => this.#read(topicName, payload));
  }

  #read(topicName: string, payload: string): Result<ReadItems | 'migrating', string> {
    if (TasmotaReader.isTopic(topicName)) {
      const items = this.#tasmota.read(topicName, payload);
      return items.ok ? succeed({ items: items.value, broken: [] }) : items;
    }
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
    return succeed({ items: [item], broken: [...broken, ...refused] });
  }

  /** A topic says nothing any more. */
  forget(topicName: string): void {
    if (TasmotaReader.isTopic(topicName)) this.#tasmota.forget(topicName);
  }
}
