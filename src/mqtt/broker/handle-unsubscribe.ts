import type { Framer } from '../codec/framer.ts';
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts';
import { parseTopicFilter } from '../topics/topic-filter.ts';
import { FILTER_STEPS } from '../topics/work-meter.ts';
import type { Connection } from './connection/connection.ts';
import { decodeShown } from './decode.ts';
import { problemProperties } from './problem-properties.ts';

/** Section 3.10: nothing more is sent for these filters but what is on its way [MQTT-3.10.4-2] [MQTT-3.10.4-3]. */
export function handleUnsubscribe(connection: Connection, framer: Framer): void {
  const { packetId, topicFilters } = decodeShown<'unsubscribe'>(connection, framer);
  connection.engine.work += topicFilters.length * FILTER_STEPS;
  const reasonCodes = topicFilters.map((topicFilter) => unsubscribe(connection, topicFilter));
  const reasons = topicFilters.flatMap((topicFilter, index) => {
    const code = reasonCodes[index]!;
    return code < 0x80 ? [] : [`${topicFilter}: ${reasonCodeName(code, 'UNSUBACK')}`];
  });
  const properties = problemProperties(connection, reasons);
  connection.send({ type: 'unsuback', packetId, properties, reasonCodes }); // [MQTT-3.10.4-4]
}

function unsubscribe(connection: Connection, text: string): ReasonCode {
  const { engine } = connection;
  const session = connection.session!;
  const parsed = parseTopicFilter(text, engine.options.maxTopicLevels);
  if (!parsed.ok) return ReasonCode.TOPIC_FILTER_INVALID;
  const filter = parsed.value;
  if (!engine.subscriptions.remove(session, filter)) return ReasonCode.NO_SUBSCRIPTION_EXISTED;
  session.releaseSubscription(filter.topicFilter);
  if (filter.shareName === undefined) engine.retainedDeliveries.closeFilter(session, filter.topicFilter);
  engine.notes.forgetSubscription(session, filter);
  for (const hook of connection.acceptor.hooks.onUnsubscribed) {
    engine.observe(hook.name, 'onUnsubscribed', () => hook.onUnsubscribed(connection.client!, text));
  }
  return ReasonCode.SUCCESS;
}
