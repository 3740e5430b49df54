import { overlaps } from '../../../mqtt/access/filter-relations.ts';
import type { ComponentParts } from './component-part.ts';
import { isStateTopic } from './component-settings.ts';

/**
 * The hub listens and publishes for whoever may publish configs: a config must not have it do that on topics that are
 * its own, where other devices would take it for the hub, or it would hear what is for the hub alone.
 */
export class ForeignTopics {
  readonly #own: readonly string[];

  /** @param own - Topic Filters of the hub's own topics */
  constructor(own: readonly string[]) {
    this.#own = own;
  }

  /** What is wrong with the topics of a component, in words; undefined where nothing is. */
  findFault({ metrics, commands, events, availability }: ComponentParts): string | undefined {
    const heard = [
      ...metrics.flatMap(({ topics }) => topics),
      ...events.map(({ topic }) => topic),
      ...(availability?.sources ?? []).map(({ topic }) => topic),
    ];
    const told = commands.map(({ topic }) => topic);
    const unfit = [...heard, ...told].find((topic) => !isStateTopic(topic)) ?? told.find(hasWildcard);
    if (unfit !== undefined) return `has ${JSON.stringify(unfit)} for a topic`;
    // One with a wildcard, as of any gateway that has heard a sensor, is heard but for the hub's own topics.
    const own = [...heard.filter((topic) => !hasWildcard(topic)), ...told].find((topic) => this.isOwn(topic));
    return own === undefined ? undefined : `has the topic ${JSON.stringify(own)}, which is the hub's own`;
  }

  /** Of what begins with `$` brokers tell of themselves, and share messages out. */
  isOwn(topic: string): boolean {
    return topic.startsWith('$') || this.#own.some((filter) => overlaps(filter, topic));
  }
}

function hasWildcard(topic: string): boolean {
  return topic.includes('+');
}
