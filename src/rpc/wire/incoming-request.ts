import type { BusMessage } from '../../bus/bus.ts';
import { isValidTopicName } from '../../mqtt/topics/topic-name.ts';
import { isBelow, readAddress } from './answer-topics.ts';
import { unwrapRequest } from './envelope.ts';
import { DEADLINE_PROPERTY, TRACE_PROPERTY } from './request-message.ts';

/** Where answers may go: what a stranger chooses is published with the responder's own rights. */
export type AnswerPlaces = {
  /** For requests that do not say where. */
  readonly responseTopic?: string | undefined;
  /** Topics below which requests may ask for their answer, beside `{topic}/answers`. */
  readonly answersBelow: readonly string[];
};

/** A request, read out of a message. */
export type IncomingRequest = {
  readonly topicName: string;
  readonly payload: Uint8Array;
  /** Undefined when the message does not say it, and there is no fixed topic. */
  readonly answerTopic: string | undefined;
  /** The answer topic is the same for all requests: a late answer is of use there. */
  readonly isFixedTopic: boolean;
  /** Undefined when the caller does not say it. */
  readonly deadlineMs: number | undefined;
  readonly traceparent: string | undefined;
};

const ANY_LEVELS = Number.POSITIVE_INFINITY;

/**
 * Finds out where the answer goes: by the topic of the request, its Response Topic, its envelope, or to the fixed
 * topic.
 *
 * @param mayBeAddressed - false where the topic is one that is served as it stands, whatever its levels are called
 */
export function readRequest(
  message: BusMessage,
  { responseTopic: fixed }: AnswerPlaces,
  mayBeAddressed: boolean,
): IncomingRequest {
  const { properties, topicName, payload } = message;
  const traceparent = findUserProperty(message, TRACE_PROPERTY);
  const deadlineMs = readDeadlineMs(message);
  const address = mayBeAddressed ? readAddress(topicName) : undefined;
  if (address !== undefined) return { ...address, payload, isFixedTopic: false, deadlineMs, traceparent };
  const { responseTopic } = properties;
  if (responseTopic !== undefined && isValidTopicName(responseTopic, ANY_LEVELS)) {
    const isFixedTopic = responseTopic === fixed;
    return { topicName, payload, answerTopic: responseTopic, isFixedTopic, deadlineMs, traceparent };
  }
  const envelope = unwrapRequest(payload);
  if (envelope === undefined) {
    const isFixedTopic = fixed !== undefined;
    return { topicName, payload, answerTopic: fixed, isFixedTopic, deadlineMs, traceparent };
  }
  const { head, payload: inner } = envelope;
  return {
    topicName,
    payload: inner,
    answerTopic: head.answerTo,
    isFixedTopic: false,
    deadlineMs: deadlineMs ?? head.deadlineMs,
    traceparent: traceparent ?? head.traceparent,
  };
}

/** Whether the answer may go where the request wants it. */
export function mayAnswerOn(
  answerTopic: string,
  { topicName }: IncomingRequest,
  { responseTopic, answersBelow }: AnswerPlaces,
): boolean {
  return (
    answerTopic === responseTopic ||
    isBelow(answerTopic, answersBelow) ||
    isBelow(answerTopic, [`${topicName}/answers`])
  );
}

/** The smaller one of what the caller says and what the broker left of the expiry: it counts the time in its queues. */
function readDeadlineMs(message: BusMessage): number | undefined {
  const told = findUserProperty(message, DEADLINE_PROPERTY);
  const toldMs = told !== undefined && /^\d{1,10}$/.test(told) ? Number(told) : undefined;
  const { messageExpiryInterval } = message.properties;
  if (messageExpiryInterval === undefined) return toldMs;
  return Math.min(toldMs ?? Number.POSITIVE_INFINITY, messageExpiryInterval * 1000);
}

function findUserProperty({ properties }: BusMessage, wanted: string): string | undefined {
  return properties.userProperties?.find(([name]) => name === wanted)?.[1];
}
