import { DOLLAR_SIGN, endOfLevel, NUMBER_SIGN, PLUS_SIGN } from '../topics/topic-name.ts';

/**
 * Whether some Topic Name is matched by both of two valid Topic Filters.
 *
 * @param one - without `$share/{ShareName}/`, like `other`
 */
export function overlaps(one: string, other: string): boolean {
  if (isHiddenFrom(one, other) || isHiddenFrom(other, one)) return false;
  let oneAt = 0;
  let otherAt = 0;
  for (;;) {
    const oneEnd = endOfLevel(one, oneAt);
    const otherEnd = endOfLevel(other, otherAt);
    const [oneFirst, otherFirst] = [one.charCodeAt(oneAt), other.charCodeAt(otherAt)];
    if (oneFirst === NUMBER_SIGN || otherFirst === NUMBER_SIGN) return true;
    const isWild = oneFirst === PLUS_SIGN || otherFirst === PLUS_SIGN;
    if (!isWild && one.slice(oneAt, oneEnd) !== other.slice(otherAt, otherEnd)) return false;
    const [isOneOver, isOtherOver] = [oneEnd === one.length, otherEnd === other.length];
    if (isOneOver) return isOtherOver || isParentWithHash(other, otherEnd);
    if (isOtherOver) return isParentWithHash(one, oneEnd);
    oneAt = oneEnd + 1;
    otherAt = otherEnd + 1;
  }
}

/**
 * Whether one valid Topic Filter matches every Topic Name that another one matches. Level by level: `+/#` does match
 * all that `#` matches, but is not seen to.
 *
 * @param wide - without `$share/{ShareName}/`, like `narrow`
 */
export function covers(wide: string, narrow: string): boolean {
  if (isHiddenFrom(wide, narrow)) return false;
  let wideAt = 0;
  let narrowAt = 0;
  for (;;) {
    const wideEnd = endOfLevel(wide, wideAt);
    const narrowEnd = endOfLevel(narrow, narrowAt);
    const [wideFirst, narrowFirst] = [wide.charCodeAt(wideAt), narrow.charCodeAt(narrowAt)];
    if (wideFirst === NUMBER_SIGN) return true;
    if (narrowFirst === NUMBER_SIGN) return false;
    if (wideFirst !== PLUS_SIGN && wide.slice(wideAt, wideEnd) !== narrow.slice(narrowAt, narrowEnd))
      return false;
    const [isWideOver, isNarrowOver] = [wideEnd === wide.length, narrowEnd === narrow.length];
    if (isNarrowOver) return isWideOver || wide.slice(wideEnd) === '/#';
    if (isWideOver) return false;
    wideAt = wideEnd + 1;
    narrowAt = narrowEnd + 1;
  }
}

/** Whether a filter matches what ends here: "a/#" matches "a" (section 4.7.1.2), but "/#" no name without levels. */
function isParentWithHash(filter: string, end: number): boolean {
  return end > 0 && filter.slice(end) === '/#';
}

/** [MQTT-4.7.2-1]: a wildcard at the start does not match what begins with `$`. */
function isHiddenFrom(filter: string, from: string): boolean {
  const first = filter.charCodeAt(0);
  return (first === PLUS_SIGN || first === NUMBER_SIGN) && from.charCodeAt(0) === DOLLAR_SIGN;
}
