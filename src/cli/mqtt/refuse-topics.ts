import type { Command } from 'commander';
import { escapeLine } from '../../base/printable-text.ts';
import { parseTopicFilter } from '../../mqtt/topics/topic-filter.ts';
import { findTopicNameFault, TOPIC_FAULT_WORDS, TopicFault } from '../../mqtt/topics/topic-name.ts';
import { cutTo } from '../../terminal/ui/rows.ts';

/** Of a topic that is wrong, in a message. */
const MAX_QUOTED_COLUMNS = 80;

/** Ends through `command.error` when nothing can be published on a topic. */
export function refuseBadTopic(topicName: string, command: Command): void {
  const fault = findTopicNameFault(topicName, Number.POSITIVE_INFINITY);
  if (fault === undefined) return;
  const why = fault === TopicFault.Wildcard ? 'has + or #' : TOPIC_FAULT_WORDS[fault];
  command.error(`error: "${quoted(topicName)}" is not a topic: it ${why}`);
}

/** The same of what is subscribed to. */
export function refuseBadFilters(filters: readonly string[], command: Command): void {
  for (const filter of filters) {
    const parsed = parseTopicFilter(filter, Number.POSITIVE_INFINITY);
    if (!parsed.ok)
      command.error(
        `error: "${quoted(filter)}" is not a topic filter: it ${TOPIC_FAULT_WORDS[parsed.failure]}`,
      );
  }
}

function quoted(text: string): string {
  return cutTo(escapeLine(text.slice(0, MAX_QUOTED_COLUMNS + 1)), MAX_QUOTED_COLUMNS);
}
