import type { Framer } from '../codec/framer.ts';
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts';
import type { TopicFilter } from '../topics/topic-filter.ts';
import { FILTER_STEPS } from '../topics/work-meter.ts';
import type { Connection } from './connection/connection.ts';
import { decodeShown, readTopicFilter } from './decode.ts';
import { problemProperties } from './problem-properties.ts';

/** Section 3.10: nothing more is sent for these filters but what is on its way [MQTT-3.10.4-2] [MQTT-3.10.4-3]. */
export function handleUnsubscribe(connection: Connection, framer: Framer): void {
  const { packetId, topicFilters } = decodeShown<'unsubscribe'>(connection, framer);
  connection.engine.work += topicFilters.length * FILTER_STEPS;
  const { maxTopicLevels } = connection.engine.options;
  const filters = topicFilters.map((topicFilter) => readTopicFilter(topicFilter, maxTopicLevels));
  const reasonCodes = filters.map((filter, index) => unsubscribe(connection, topicFilters[index]!, filter));
  const reasons = topicFilters.flatMap((topicFilter, index) => {
    const code = reasonCodes[index]!;
    return code < 0x80 ? [] : [`${topicFilter}: ${reasonCodeName(code, 'UNSUBACK')}`];
  });
  const properties = problemProperties(connection, reasons);
  connection.send({ type: 'unsuback', packetId, properties, reasonCodes }); // [MQTT-3.10.4-4]
}

function unsubscribe(connection: Connection, text: string, filter: TopicFilter | undefined): ReasonCode {
  const { engine } = connection;
  const session = connection.session!;
  if (filter === undefined) return ReasonCode.TOPIC_FILTER_INVALID;
  if (!engine.subscriptions.remove(session, filter)) return ReasonCode.NO_SUBSCRIPTION_EXISTED;
  session.releaseSubscription(filter.topicFilter);
  if (filter.shareName === undefined) engine.retainedDeliveries.closeFilter(session, filter.topicFilter);
  engine.notes.forgetSubscription(session, filter);
  for (const hook of connection.acceptor.hooks.onUnsubscribed) {
    engine.observe(hook.name, 'onUnsubscribed', () => hook.onUnsubscribed(connection.client!, text));
  }
  return ReasonCode.SUCCESS;
}
