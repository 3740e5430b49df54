import { answerTopicOf, requestTopicOf } from '../wire/answer-topics.ts';
import { cancelRequest } from '../wire/cancel-message.ts';
import { wrapRequest } from '../wire/envelope.ts';
import { requestProperties } from '../wire/request-message.ts';
import type { Addressing } from './answer-topic.ts';
import type { CorrelationParts } from './correlation.ts';

/**
 * A topic of its own for each answer, for brokers and clients before MQTT 5. The responder learns it from the topic of
 * the request, or from its payload when that is an envelope.
 */
export function byTopic({ clock, owner, requesterId }: CorrelationParts, topicName: string): Addressing {
  const addressOf = (requestId: string): readonly string[] => [owner, requesterId, requestId];
  return {
    topicFilter: answerTopicOf(topicName, addressOf('+')),
    idOf: (message) => message.topicName.slice(message.topicName.lastIndexOf('/') + 1),
    messageOf: (request) => {
      const { payload, qos, isEnvelope, traceparent } = request.fields;
      const nowMs = clock.monotonic();
      const properties = requestProperties(request, nowMs, {});
      const address = addressOf(request.id);
      if (!isEnvelope) return { topicName: requestTopicOf(topicName, address), payload, qos, properties };
      const envelope = wrapRequest(payload, {
        answerTo: answerTopicOf(topicName, address),
        deadlineMs: Math.max(1, Math.ceil(request.deadlineMs - nowMs)),
        traceparent,
      });
      return { topicName, payload: envelope, qos, properties };
    },
    cancellationOf: ({ id }) =>
      cancelRequest(topicName, { answerTo: answerTopicOf(topicName, addressOf(id)) }),
  };
}
