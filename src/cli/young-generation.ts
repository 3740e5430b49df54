import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** V8's own: it doubles. */
const USUAL_GROWTH = 2;
const NO_GROWTH = 1;

/** Of programs that serve many callers at a time. */
export const SERVER_YOUNG_BYTES = 16_777_216;
/** Pieces of bodies hang on what is young: the less there is, the sooner they are given back. */
export const AGENT_YOUNG_BYTES = 4_194_304;

/**
 * Has V8's young generation grow up to a size, and no further. By itself it grows to 128 MiB under any load that lasts,
 * and is given back only when there is next to none; what passes through this process is forgotten within milliseconds,
 * and needs no more room (docs/decisions/0017).
 *
 * @param maxBytes - of both its halves together
 */
export function boundYoungGeneration(maxBytes: number): void {
  let growth: number | undefined;
  const decide = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    const wanted = (young?.space_size ?? 0) < maxBytes ? USUAL_GROWTH : NO_GROWTH;
    if (wanted === growth) return;
    growth = wanted;
    setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
  };
  decide();
  // It grows, and shrinks, only with a collection.
  new PerformanceObserver(decide).observe({ entryTypes: ['gc'] });
}
