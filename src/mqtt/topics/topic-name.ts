/** Why a text is not a Topic Name, or not a Topic Filter. */
export const TopicFault = {
  /** No character at all [MQTT-4.7.3-1]. */
  Empty: 'empty',
  /** More than 65,535 bytes of UTF-8 [MQTT-4.7.3-3]. */
  TooLong: 'too-long',
  /** Bytes that are not UTF-8, or half of a surrogate pair [MQTT-1.5.4-1]. */
  NotUtf8: 'not-utf8',
  /** U+0000 [MQTT-4.7.3-2]. */
  NullCharacter: 'null-character',
  /** In a Topic Name `+` or `#` [MQTT-4.7.0-1] [MQTT-3.3.2-2]; in a filter not alone in its level, or `#` not last. */
  Wildcard: 'wildcard',
  /** More levels than this server's `maxTopicLevels`. */
  TooManyLevels: 'too-many-levels',
  /** `$share/` without a ShareName and a filter, or with a wildcard in the name [MQTT-4.8.2-1] [MQTT-4.8.2-2]. */
  ShareName: 'share-name',
} as const;
export type TopicFault = (typeof TopicFault)[keyof typeof TopicFault];

/** Each in words, of the topic or filter that has it. */
export const TOPIC_FAULT_WORDS: Readonly<Record<TopicFault, string>> = {
  [TopicFault.Empty]: 'is empty',
  [TopicFault.TooLong]: 'is longer than MQTT allows',
  [TopicFault.NotUtf8]: 'is not valid Unicode',
  [TopicFault.NullCharacter]: 'has a null character',
  [TopicFault.Wildcard]: 'has a wildcard that is not alone in its level, or a # that is not at the end',
  [TopicFault.TooManyLevels]: 'has too many levels',
  [TopicFault.ShareName]: 'has no name of a group and no filter after $share/, as $share/workers/a/b',
};

/** The length of a UTF-8 Encoded String is two bytes on the wire (MQTT 5.0 section 1.5.4). */
export const MAX_TOPIC_BYTES = 65_535;

export const NUMBER_SIGN = 0x23;
export const DOLLAR_SIGN = 0x24;
export const PLUS_SIGN = 0x2b;
export const SOLIDUS = 0x2f;

/**
 * What forbids `topicName` as the topic of a message; undefined when nothing does.
 *
 * @param maxTopicLevels - this server's limit; the standard has none but the length
 */
export function findTopicNameFault(topicName: string, maxTopicLevels: number): TopicFault | undefined {
  const fault = findTextFault(topicName);
  if (fault !== undefined) return fault;
  let levels = 1;
  for (let at = 0; at < topicName.length; at++) {
    const character = topicName.charCodeAt(at);
    if (character === SOLIDUS) levels++;
    else if (character === PLUS_SIGN || character === NUMBER_SIGN) return TopicFault.Wildcard;
  }
  return levels > maxTopicLevels ? TopicFault.TooManyLevels : undefined;
}

/** Topics that only the server itself publishes to begin so. */
export const SYS_PREFIX = '$SYS/';

export function isSysTopic(topicName: string): boolean {
  return topicName.startsWith(SYS_PREFIX);
}

/**
 * Whether a client must not publish a topic, whatever its rules are. Below `$SYS` it may say only, as Mosquitto's
 * bridges do, whether it is connected.
 */
export function isForServerOnly(topicName: string, clientId: string): boolean {
  return isSysTopic(topicName) && !isLinkState(topicName, clientId);
}

/** Whether a topic is the one on which a client that is a broker says whether it is connected. */
export function isLinkState(topicName: string, clientId: string): boolean {
  return topicName === `${SYS_PREFIX}broker/connection/${clientId}/state`;
}

/** Whether a text is a Topic Name or Topic Filter by the standard, and only this server does not take it. */
export function isWellFormed(fault: TopicFault): boolean {
  return fault === TopicFault.TooManyLevels;
}

export function isValidTopicName(topicName: string, maxTopicLevels: number): boolean {
  return findTopicNameFault(topicName, maxTopicLevels) === undefined;
}

/** Where the level that begins at `start` ends: at the separator, or at the end of the text. */
export function endOfLevel(text: string, start: number): number {
  const end = text.indexOf('/', start);
  return end < 0 ? text.length : end;
}

/** The number of levels of a Topic Name, or of a Topic Filter. */
export function countLevels(text: string): number {
  let levels = 1;
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) levels++;
  return levels;
}

/** What forbids a text as a Topic Name and as a Topic Filter alike. */
export function findTextFault(text: string): TopicFault | undefined {
  if (text === '') return TopicFault.Empty;
  // Three bytes of UTF-8 for one UTF-16 unit is the most there can be: short texts need not be measured.
  if (text.length * 3 > MAX_TOPIC_BYTES && Buffer.byteLength(text) > MAX_TOPIC_BYTES)
    return TopicFault.TooLong;
  if (!text.isWellFormed()) return TopicFault.NotUtf8;
  return text.includes('\0') ? TopicFault.NullCharacter : undefined;
}
