import type { SubscriptionMatch } from './subscription-match.ts';

type Matches<S> = readonly SubscriptionMatch<S>[];

/** Who was asked about for one topic, in the order of a match, and those of them who may receive it. */
type ReceiveVerdicts<S> = { readonly asked: Matches<S>; readonly allowed: Matches<S> };

/**
 * Who of a new match may receive. Subscribers that were asked about and have not changed keep their verdict.
 *
 * Whoever is asked may publish, subscribe and leave meanwhile: all there is of this decision is in its arguments.
 */
export function decideReceivers<S>(
  found: Matches<S>,
  known: ReceiveVerdicts<S>,
  canReceive: (subscriber: S) => boolean,
): Matches<S> {
  const placeOf = findVerdicts(found, known.asked);
  const verdicts = readVerdicts(known);
  const allowed: SubscriptionMatch<S>[] = [];
  for (let index = 0; index < found.length; index++) {
    const match = found[index]!;
    const place = placeOf(index);
    if (place === undefined ? canReceive(match.subscriber) : verdicts[place] === 1) allowed.push(match);
  }
  return allowed.length === found.length ? found : allowed;
}

/**
 * Where the verdict about a match is among those that are known. A match lists its subscribers in the same order as
 * the one before it, so most stand before or behind all that has changed.
 */
function findVerdicts<S>(found: Matches<S>, asked: Matches<S>): (index: number) => number | undefined {
  const shorter = Math.min(found.length, asked.length);
  const shift = asked.length - found.length;
  let head = 0;
  while (head < shorter && isSame(found[head]!, asked[head]!)) head++;
  let tail = found.length;
  while (tail > head && tail + shift > head && isSame(found[tail - 1]!, asked[tail - 1 + shift]!)) tail--;
  const between = new Map<S, number>();
  for (let place = head; place < tail + shift; place++) between.set(asked[place]!.subscriber, place);
  return (index) => {
    if (index < head) return index;
    if (index >= tail) return index + shift;
    const place = between.get(found[index]!.subscriber);
    return place !== undefined && isSame(found[index]!, asked[place]!) ? place : undefined;
  };
}

function isSame<S>(one: SubscriptionMatch<S>, other: SubscriptionMatch<S>): boolean {
  return one.subscriber === other.subscriber && one.verdictEpoch === other.verdictEpoch;
}

/** One for each who was asked about: 1 when it may receive. */
function readVerdicts<S>({ asked, allowed }: ReceiveVerdicts<S>): Uint8Array {
  const verdicts = new Uint8Array(asked.length);
  let next = 0;
  for (let place = 0; place < asked.length; place++) {
    if (asked[place] !== allowed[next]) continue;
    verdicts[place] = 1;
    next++;
  }
  return verdicts;
}
