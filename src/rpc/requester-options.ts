import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { MessageProperties } from '../bus/bus.ts';
import type { QoS } from '../mqtt/codec/control-packet.ts';

/**
 * How an answer finds its request:
 * - `mqtt5`: Response Topic and Correlation Data; needs MQTT 5
 * - `topic`: the request goes to `{topic}/requests/{requesterId}/{requestId}`, the answer to `{topic}/answers/…`
 * - `envelope`: the request is `{"answerTo": "{topic}/answers/…", "payload": …}` on the topic itself
 * - `auto`: `mqtt5` where the broker speaks it, else `topic`
 * - `{responseTopic}`: all answers come on this one topic
 */
export type CorrelationChoice = 'auto' | 'mqtt5' | 'topic' | 'envelope' | { readonly responseTopic: string };

export type RequesterLimits = {
  /** How long a request waits that does not say it itself. */
  readonly timeoutMs: number;
  /** Requests without an answer, those that wait for their turn included. */
  readonly maxInFlight: number;
  /** Requests that wait for their turn on one response topic. */
  readonly maxWaiting: number;
  /** Of them, those of one caller. */
  readonly maxWaitingPerCaller: number;
  /** Answer topics that are subscribed to because of `topic`, `envelope` or `responseTopic`. */
  readonly maxAnswerTopics: number;
  /** A subscription to one of them ends when it was not used for so long (and at most once more as long). */
  readonly idleMs: number;
  /** A response topic is given no new request after a caller left, until its answer came or this has passed. */
  readonly quarantineMs: number;
  /** So long a response topic must be quiet after an answer, when it cannot be trusted. */
  readonly settleMs: number;
  /** A response topic is trusted after so many requests in a row without a stray answer; Infinity: never. */
  readonly trustAfter: number;
};

export const DEFAULT_REQUESTER_LIMITS: RequesterLimits = {
  timeoutMs: 30_000,
  maxInFlight: 1000,
  maxWaiting: 1000,
  maxWaitingPerCaller: 1000,
  maxAnswerTopics: 100,
  idleMs: 60_000,
  quarantineMs: 10_000,
  settleMs: 50,
  trustAfter: 50,
};

export type RequesterOptions = Partial<RequesterLimits> & {
  /** Answers over MQTT 5 come below it; default `recado/rpc`. */
  readonly prefix?: string;
  /** Default: `auto`. */
  readonly correlation?: CorrelationChoice;
  readonly log?: Logger;
  readonly clock?: Clock;
};

export type RequesterSettings = RequesterLimits & { readonly prefix: string };

export type RequestOptions = {
  readonly timeoutMs?: number;
  /** Gives the request up; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /** 1 when absent. */
  readonly qos?: QoS;
  /** Instead of the requester's own. */
  readonly correlation?: CorrelationChoice;
  readonly properties?: MessageProperties;
  /** Of W3C Trace Context; travels as a user property. */
  readonly traceparent?: string;
  /** Callers take turns where requests have to wait for each other. */
  readonly caller?: string;
  /** Whether to fail at once when the broker says that nobody subscribes; true when absent. */
  readonly failsWithoutResponder?: boolean;
};

/** Counts since the requester was made. */
export type RequesterCounters = {
  /** Calls, those that were refused included. */
  requests: number;
  answered: number;
  /** Callers whose time was over. */
  timedOut: number;
  /** Callers whose signal came. */
  abandoned: number;
  /** Requests that were taken and then failed: the broker did not take them, nobody subscribes, the end. */
  failed: number;
  /** Of them, those that nobody subscribes to. */
  noResponder: number;
  /** Requests that were not taken because of a limit. */
  refusedFull: number;
  /** Answers that came after their caller had left. */
  late: number;
  /** Answers that were nobody's, or came twice, or could have been somebody else's. */
  strays: number;
};
