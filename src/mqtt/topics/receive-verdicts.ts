import type { SubscriptionMatch } from './subscription-match.ts';

type Matches<S> = readonly SubscriptionMatch<S>[];

/** How often one rule denied. */
export type DenialCount = { count: number };

/** Of one topic, each in the order of a match. */
type ReceiveVerdicts<S> = {
  /** Who was asked about. */
  readonly asked: Matches<S>;
  /** Those of them who may receive it. */
  readonly allowed: Matches<S>;
  /** What the messages for each of the others are counted in. */
  readonly denied: readonly DenialCount[];
};

export const NOBODY_DENIED: readonly DenialCount[] = [];

/**
 * Who of a new match may receive. Subscribers that were asked about and have not changed keep their verdict.
 *
 * Whoever is asked may publish, subscribe and leave meanwhile: all there is of this decision is in its arguments.
 */
export function decideReceivers<S>(
  found: Matches<S>,
  known: ReceiveVerdicts<S>,
  denialOf: (subscriber: S) => DenialCount | undefined,
): Omit<ReceiveVerdicts<S>, 'asked'> {
  const placeOf = findVerdicts(found, known.asked);
  const denials = readDenials(known);
  const allowed: SubscriptionMatch<S>[] = [];
  const denied: DenialCount[] = [];
  for (let index = 0; index < found.length; index++) {
    const match = found[index]!;
    const place = placeOf(index);
    const denial = place === undefined ? denialOf(match.subscriber) : denials?.[place];
    if (denial === undefined) allowed.push(match);
    else denied.push(denial);
  }
  return denied.length === 0 ? { allowed: found, denied: NOBODY_DENIED } : { allowed, denied };
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

/** One for each who was asked about: undefined when it may receive. */
function readDenials<S>({
  asked,
  allowed,
  denied,
}: ReceiveVerdicts<S>): (DenialCount | undefined)[] | undefined {
  if (denied.length === 0) return undefined;
  let next = 0;
  return asked.map((match, place) => {
    if (match !== allowed[next]) return denied[place - next];
    next++;
    return undefined;
  });
}
