import { randomMultiplier } from './random-seed.ts';
import { matchesTopicFilter } from './topic-filter.ts';
import { endOfLevel, NUMBER_SIGN, PLUS_SIGN } from './topic-name.ts';

/** Ten bits a place: the three places of a topic fit into one small integer. */
const PLACE_BITS = 10;
const PLACES = 1 << PLACE_BITS;
const PLACE_MASK = PLACES - 1;
/** Of filters that begin with a wildcard. */
const ANYWHERE = PLACES;
/** Added to the hashes, so that a whole filter and the beginning of another do not share a place by their text. */
const OF_FIRST_LEVEL = 0x2545_f491;
const OF_TWO_LEVELS = 0x6c07_8965;

/** How many of the last changes are held against a topic, filter by filter. */
const RECENT = 32;

/**
 * When Topic Filters changed last, so that a result that was kept for a topic can be seen to be still right although
 * others have subscribed since: nobody pays for subscriptions to other topics.
 *
 * Each filter has a place: by all of it when it has no wildcard, else by the levels before its wildcard, two at most.
 * A topic looks at the four places where a filter that matches it can be. Where one of them has changed, filters that
 * share the place by chance or by their beginning are told apart while they are among the last few.
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
  placesOf(topicName: string): number {
    const firstEnd = endOfLevel(topicName, 0);
    const secondEnd = endOfLevel(topicName, firstEnd + 1);
    const whole = this.#hash(topicName, topicName.length, 0);
    const first = this.#hash(topicName, firstEnd, OF_FIRST_LEVEL);
    const two = this.#hash(topicName, secondEnd, OF_TWO_LEVELS);
    return whole | (first << PLACE_BITS) | (two << (2 * PLACE_BITS));
  }

  /** Whether a filter that matches the topic may have changed after that generation; never wrong about a "no". */
  concern(topicName: string, places: number, generation: number): boolean {
    if (this.#allSince > generation) return true;
    const whole = places & PLACE_MASK;
    const first = (places >>> PLACE_BITS) & PLACE_MASK;
    const two = places >>> (2 * PLACE_BITS);
    const changedAt = this.#changedAt;
    const isUntouched =
      changedAt[whole]! <= generation &&
      changedAt[first]! <= generation &&
      changedAt[two]! <= generation &&
      changedAt[ANYWHERE]! <= generation;
    if (isUntouched) return false;
    if (this.#generation - generation > RECENT) return true;
    for (let at = generation + 1; at <= this.#generation; at++) {
      const place = this.#places[at % RECENT]!;
      if (place !== whole && place !== first && place !== two && place !== ANYWHERE) continue;
      if (matchesTopicFilter(this.#filters[at % RECENT]!, topicName)) return true;
    }
    return false;
  }

  #placeOf(topicFilter: string): number {
    let levels = 0;
    let end = -1;
    for (let start = 0; start <= topicFilter.length;) {
      const character = topicFilter.charCodeAt(start);
      if (character === PLUS_SIGN || character === NUMBER_SIGN) break;
      const levelEnd = endOfLevel(topicFilter, start);
      if (levels < 2) end = levelEnd;
      levels++;
      start = levelEnd + 1;
      if (start > topicFilter.length) return this.#hash(topicFilter, topicFilter.length, 0);
    }
    if (levels === 0) return ANYWHERE;
    return this.#hash(topicFilter, end, levels === 1 ? OF_FIRST_LEVEL : OF_TWO_LEVELS);
  }

  #hash(text: string, end: number, salt: number): number {
    let hash = this.#multiplier ^ salt;
    for (let at = 0; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), this.#multiplier);
    return (hash ^ (hash >>> 15)) & PLACE_MASK;
  }
}
