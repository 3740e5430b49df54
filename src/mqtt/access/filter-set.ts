import { matchesTopicFilter } from '../topics/topic-filter.ts';
import { covers, overlaps } from './filter-relations.ts';

/** Topic Filters of one kind of rule. Those without wildcards are looked up; the others are tried one by one. */
export class FilterSet {
  readonly #exact: ReadonlySet<string>;
  readonly #wild: readonly string[];

  constructor(filters: readonly string[]) {
    const isWild = (filter: string): boolean => filter.includes('+') || filter.endsWith('#');
    this.#exact = new Set(filters.filter((filter) => !isWild(filter)));
    this.#wild = [...new Set(filters.filter(isWild))];
  }

  /** Whether one of them matches a Topic Name. */
  matches(topicName: string): boolean {
    if (this.#exact.has(topicName)) return true;
    for (const filter of this.#wild) if (matchesTopicFilter(filter, topicName)) return true;
    return false;
  }

  /** Whether some Topic Name is matched by one of them and by a Topic Filter. */
  overlaps(topicFilter: string): boolean {
    if (this.#wild.some((filter) => overlaps(filter, topicFilter))) return true;
    for (const filter of this.#exact) if (overlaps(filter, topicFilter)) return true;
    return false;
  }

  /** Whether one of them alone matches every Topic Name that a Topic Filter matches. */
  covers(topicFilter: string): boolean {
    return this.#exact.has(topicFilter) || this.#wild.some((filter) => covers(filter, topicFilter));
  }
}
