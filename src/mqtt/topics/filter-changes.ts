import { randomMultiplier } from './random-seed.ts';
import { hasWildcard, matchesTopicFilter } from './topic-filter.ts';
import { endOfLevel, NUMBER_SIGN, PLUS_SIGN } from './topic-name.ts';

const PLACES = 1024;
/** Of filters that begin and end with a wildcard. */
const ANYWHERE = PLACES;

/** By what a filter has its place; mixed into the hash. */
const WHOLE = 0;
const LAST_LEVEL = 0x1f83_d9ab;
const FIRST_LEVEL = 0x2545_f491;
const TWO_LEVELS = 0x6c07_8965;

/** How many of the last changes are held against a topic, filter by filter. */
const RECENT = 64;

/** Where changes of filters that match a topic are noted. */
export type ChangePlaces = {
  readonly whole: number;
  readonly last: number;
  readonly first: number;
  readonly two: number;
};

/**
 * When Topic Filters changed last, so that a result that was kept for a topic can be seen to be still right although
 * others have subscribed since: nobody pays for subscriptions to other topics.
 *
 * Each filter has a place: by all of it when it has no wildcard; by its last level when that is none; else by the
 * levels before its first wildcard, two at most. A topic looks at the five places where a filter that matches it can
 * be. Where one of them has changed, filters that share the place by chance or because they are alike are told apart
 * while they are among the last few.
 */
export class FilterChanges {
  readonly #multiplier = randomMultiplier();
  /** By place: the generation of the last change. */
  readonly #changedAt = new Float64Array(PLACES + 1);
  /** By generation, in turn. */
  readonly #filters: string[] = Array.from({ length: RECENT }, () => '');
  readonly #places = new Int32Array(RECENT);
  #generation = 0;
  #allSince = 0;

  /** Grows with every change. */
  get generation(): number {
    return this.#generation;
  }

  /** The generation in which everything was made old at once. */
  get allSince(): number {
    return this.#allSince;
  }

  /** @param topicFilter - without `$share/{ShareName}/` */
  note(topicFilter: string): void {
    const place = this.#placeOf(topicFilter);
    const generation = ++this.#generation;
    this.#changedAt[place] = generation;
    this.#filters[generation % RECENT] = topicFilter;
    this.#places[generation % RECENT] = place;
  }

  noteAll(): void {
    this.#allSince = ++this.#generation;
  }

  /** The places of a Topic Name, for {@link concern}. */
  placesOf(topicName: string): ChangePlaces {
    const { length } = topicName;
    const firstEnd = endOfLevel(topicName, 0);
    return {
      whole: this.#hash(topicName, 0, length, WHOLE),
      last: this.#hash(topicName, topicName.lastIndexOf('/') + 1, length, LAST_LEVEL),
      first: this.#hash(topicName, 0, firstEnd, FIRST_LEVEL),
      two: this.#hash(topicName, 0, endOfLevel(topicName, firstEnd + 1), TWO_LEVELS),
    };
  }

  /** Whether a filter that matches the topic may have changed after that generation; never wrong about a "no". */
  concern(topicName: string, { whole, last, first, two }: ChangePlaces, generation: number): boolean {
    if (this.#allSince > generation) return true;
    const changedAt = this.#changedAt;
    const isUntouched =
      changedAt[whole]! <= generation &&
      changedAt[last]! <= generation &&
      changedAt[first]! <= generation &&
      changedAt[two]! <= generation &&
      changedAt[ANYWHERE]! <= generation;
    if (isUntouched) return false;
    if (this.#generation - generation > RECENT) return true;
    for (let change = generation + 1; change <= this.#generation; change++) {
      const at = change % RECENT;
      const place = this.#places[at]!;
      const isNear =
        place === whole || place === last || place === first || place === two || place === ANYWHERE;
      if (isNear && matchesTopicFilter(this.#filters[at]!, topicName)) return true;
    }
    return false;
  }

  #placeOf(topicFilter: string): number {
    const { length } = topicFilter;
    if (!hasWildcard({ topicFilter, shareName: undefined })) return this.#hash(topicFilter, 0, length, WHOLE);
    const lastStart = topicFilter.lastIndexOf('/') + 1;
    if (!isWildcard(topicFilter, lastStart)) return this.#hash(topicFilter, lastStart, length, LAST_LEVEL);
    if (isWildcard(topicFilter, 0)) return ANYWHERE;
    const firstEnd = endOfLevel(topicFilter, 0);
    if (isWildcard(topicFilter, firstEnd + 1)) return this.#hash(topicFilter, 0, firstEnd, FIRST_LEVEL);
    return this.#hash(topicFilter, 0, endOfLevel(topicFilter, firstEnd + 1), TWO_LEVELS);
  }

  #hash(text: string, start: number, end: number, salt: number): number {
    let hash = this.#multiplier ^ salt;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), this.#multiplier);
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }
}

/** Whether the level that begins at `start` is `+` or `#`. */
function isWildcard(topicFilter: string, start: number): boolean {
  const character = topicFilter.charCodeAt(start);
  return character === PLUS_SIGN || character === NUMBER_SIGN;
}
