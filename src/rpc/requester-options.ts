import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { MessageProperties } from '../bus/bus.ts';
import type { QoS } from '../mqtt/codec/control-packet.ts';

/**
 * How an answer finds its request:
 * - `mqtt5`: Response Topic and Correlation Data; needs MQTT 5
 * - `topic`: the request goes to `{topic}/requests/{owner}/{requesterId}/{requestId}`, the answer to `{topic}/answers/…`
 * - `envelope`: the request is `{"answerTo": "{topic}/answers/…", "payload": …}` on the topic itself
 * - `auto`: `mqtt5` where the broker speaks it, else `topic`
 * - `{responseTopic}`: all answers come on this one topic
 */
export type CorrelationChoice = 'auto' | 'mqtt5' | 'topic' | 'envelope' | ResponseTopicChoice;

type ResponseTopicChoice = {
  readonly responseTopic: string;
  /** All who answer there send Correlation Data back: over MQTT 5 no request waits for another, from the first on. */
  readonly parallel?: boolean;
};

export const DEFAULT_REQUESTER_LIMITS = {
  /** How long a request waits that does not say it itself. */
  timeoutMs: 30_000,
  /** Requests without an answer, those that wait for their turn included. */
  maxInFlight: 1000,
  /** Requests that wait for their turn on one response topic. */
  maxWaiting: 1000,
  /** Of them, those of one caller. */
  maxWaitingPerCaller: 1000,
  /** Answer topics that are subscribed to because of `topic`, `envelope` or `responseTopic`. */
  maxAnswerTopics: 100,
  /** A subscription to one of them ends when it was not used for so long (and at most once more as long). */
  idleMs: 60_000,
  /** A response topic is given no new request after a caller left, until its answer came or this has passed. */
  quarantineMs: 10_000,
  /**
   * So long a response topic must be quiet before the next request, where answers do not say whose they are: a second
   * answer, of the same responder or of another one, is not taken for the next one's then. 0 does not wait.
   */
  settleMs: 20,
};

export type RequesterLimits = Readonly<typeof DEFAULT_REQUESTER_LIMITS>;

export type RequesterOptions = Partial<RequesterLimits> & {
  /** Answers over MQTT 5 come below `{prefix}/answers`; default `recado/rpc`. */
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
  /** Callers take turns where requests have to wait for each other, and share what may be in flight. */
  readonly caller?: string;
  /** Whether to fail at once when the broker says that nobody subscribes; true when absent. */
  readonly failsWithoutResponder?: boolean;
};

/** Counts since the requester was made. */
export class RequesterCounters {
  /** Calls, those that were refused included. */
  requests = 0;
  answered = 0;
  /** Callers whose time was over. */
  timedOut = 0;
  /** Callers whose signal came. */
  abandoned = 0;
  /** Requests that were taken and then failed: the broker did not take them, nobody subscribes, the end. */
  failed = 0;
  /** Of them, those that nobody subscribes to. */
  noResponder = 0;
  /** Requests that were not taken because of a limit. */
  refusedFull = 0;
  /** Answers that came after their caller had left. */
  late = 0;
  /** Answers that were nobody's, or came twice, or could have been somebody else's. */
  strays = 0;
}
