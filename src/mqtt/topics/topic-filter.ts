import { fail, succeed, type Result } from '../../base/result.ts';
import { endOfLevel, findTextFault, NUMBER_SIGN, PLUS_SIGN, SOLIDUS, TopicFault } from './topic-name.ts';

/** A Topic Filter as SUBSCRIBE and UNSUBSCRIBE name it. */
export type TopicFilter = {
  /** Of a Shared Subscription (MQTT 5.0 section 4.8.2); undefined for an ordinary one. */
  readonly shareName: string | undefined;
  /** What Topic Names are held against: without `$share/{ShareName}/`. */
  readonly topicFilter: string;
};

const SHARE_PREFIX = '$share/';

/**
 * Checks a Topic Filter, and takes a Shared Subscription apart.
 *
 * @param maxTopicLevels - this server's limit, `$share/{ShareName}/` not counted
 */
export function parseTopicFilter(text: string, maxTopicLevels: number): Result<TopicFilter, TopicFault> {
  const fault = findTextFault(text);
  if (fault !== undefined) return fail(fault);
  const isShared = text.startsWith(SHARE_PREFIX);
  const nameEnd = isShared ? text.indexOf('/', SHARE_PREFIX.length) : -1;
  if (isShared && !isShareName(text, nameEnd)) return fail(TopicFault.ShareName);
  const start = nameEnd + 1;
  const wildcardFault = findWildcardFault(text, start, maxTopicLevels);
  if (wildcardFault !== undefined) return fail(wildcardFault);
  const shareName = isShared ? text.slice(SHARE_PREFIX.length, nameEnd) : undefined;
  return succeed({ shareName, topicFilter: text.slice(start) });
}

/** The filter as a client would write it; the other way round than {@link parseTopicFilter}. */
export function formatTopicFilter({ shareName, topicFilter }: TopicFilter): string {
  return shareName === undefined ? topicFilter : `${SHARE_PREFIX}${shareName}/${topicFilter}`;
}

/** Whether a valid filter has a wildcard (Wildcard Subscription Available, MQTT 5.0 section 3.2.2.3.11). */
export function hasWildcard({ topicFilter }: TopicFilter): boolean {
  return topicFilter.includes('+') || topicFilter.endsWith('#');
}

/**
 * Whether a valid Topic Filter matches a valid Topic Name (MQTT 5.0 section 4.7). Reads both from the start, each
 * time: for access rules and tests. Many filters at once are matched by `SubscriptionTree`.
 *
 * @param topicFilter - without `$share/{ShareName}/`
 */
export function matchesTopicFilter(topicFilter: string, topicName: string): boolean {
  // [MQTT-4.7.2-1]
  if (topicName.startsWith('$') && (topicFilter.startsWith('+') || topicFilter.startsWith('#'))) return false;
  let filterAt = 0;
  let nameAt = 0;
  for (;;) {
    const filterEnd = endOfLevel(topicFilter, filterAt);
    const nameEnd = endOfLevel(topicName, nameAt);
    const first = topicFilter.charCodeAt(filterAt);
    if (first === NUMBER_SIGN) return true;
    if (first !== PLUS_SIGN) {
      const length = filterEnd - filterAt;
      if (length !== nameEnd - nameAt) return false;
      // By UTF-16 unit, without normalization [MQTT-4.7.3-4].
      for (let index = 0; index < length; index++) {
        if (topicFilter.charCodeAt(filterAt + index) !== topicName.charCodeAt(nameAt + index)) return false;
      }
    }
    const isFilterOver = filterEnd === topicFilter.length;
    const isNameOver = nameEnd === topicName.length;
    // "sport/#" also matches "sport": the parent level is included (section 4.7.1.2).
    if (isNameOver) return isFilterOver || topicFilter.slice(filterEnd) === '/#';
    if (isFilterOver) return false;
    filterAt = filterEnd + 1;
    nameAt = nameEnd + 1;
  }
}

/** @param nameEnd - of the separator after the ShareName; -1 when there is none */
function isShareName(text: string, nameEnd: number): boolean {
  // [MQTT-4.8.2-1] at least one character; [MQTT-4.8.2-2] no wildcard, and a filter must follow.
  if (nameEnd <= SHARE_PREFIX.length || nameEnd + 1 === text.length) return false;
  for (let at = SHARE_PREFIX.length; at < nameEnd; at++) {
    const character = text.charCodeAt(at);
    if (character === PLUS_SIGN || character === NUMBER_SIGN) return false;
  }
  return true;
}

function findWildcardFault(text: string, start: number, maxTopicLevels: number): TopicFault | undefined {
  let levels = 1;
  for (let at = start; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === SOLIDUS) levels++;
    if (character !== PLUS_SIGN && character !== NUMBER_SIGN) continue;
    const isAtStart = at === start || text.charCodeAt(at - 1) === SOLIDUS;
    const isAtEnd = at + 1 === text.length;
    if (!isAtStart) return TopicFault.Wildcard; // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
    if (character === NUMBER_SIGN && !isAtEnd) return TopicFault.Wildcard; // [MQTT-4.7.1-1]
    if (!isAtEnd && text.charCodeAt(at + 1) !== SOLIDUS) return TopicFault.Wildcard; // [MQTT-4.7.1-2]
  }
  return levels > maxTopicLevels ? TopicFault.TooManyLevels : undefined;
}
