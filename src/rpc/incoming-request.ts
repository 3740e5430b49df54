import type { BusMessage } from '../bus/bus.ts';
import { isValidTopicName } from '../mqtt/topics/topic-name.ts';
import { unwrapRequest } from './envelope.ts';
import { DEADLINE_PROPERTY, TRACE_PROPERTY } from './request-message.ts';

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
/** `{topic}/requests/{requesterId}/{requestId}` */
const ADDRESSED = /^(.+)\/requests\/([^/]+)\/([^/]+)$/;

/**
 * Finds out where the answer goes: by the topic of the request, its Response Topic, its envelope, or to `fixedTopic`.
 */
export function readRequest(message: BusMessage, fixedTopic: string | undefined): IncomingRequest {
  const { properties } = message;
  const traceparent = findUserProperty(message, TRACE_PROPERTY);
  const deadlineMs = readDeadlineMs(message);
  const base = { payload: message.payload, isFixedTopic: false, deadlineMs, traceparent };

  const addressed = ADDRESSED.exec(message.topicName);
  if (addressed !== null) {
    const [, topicName = '', requesterId, requestId] = addressed;
    return { ...base, topicName, answerTopic: `${topicName}/answers/${requesterId}/${requestId}` };
  }
  const { topicName } = message;
  const { responseTopic } = properties;
  if (responseTopic !== undefined && isValidTopicName(responseTopic, ANY_LEVELS))
    return { ...base, topicName, answerTopic: responseTopic, isFixedTopic: responseTopic === fixedTopic };
  const envelope = unwrapRequest(message.payload);
  if (envelope === undefined)
    return { ...base, topicName, answerTopic: fixedTopic, isFixedTopic: fixedTopic !== undefined };
  const { head, payload } = envelope;
  return {
    topicName,
    payload,
    answerTopic: head.answerTo,
    isFixedTopic: false,
    deadlineMs: deadlineMs ?? head.deadlineMs,
    traceparent: traceparent ?? head.traceparent,
  };
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
