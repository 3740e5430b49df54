import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { MessageProperties } from '../bus/bus.ts';
import type { QoS } from '../mqtt/codec/control-packet.ts';

/** A request, as a handler gets it. */
export type ReceivedRequest = {
  /** The topic that was asked, without what was added to it for the answer. */
  readonly topicName: string;
  readonly payload: Uint8Array;
  readonly properties: MessageProperties;
  /** What was left of the caller's time when the handler was called; of `timeoutMs` when the caller does not say. */
  readonly deadlineMs: number;
  /** Of W3C Trace Context. */
  readonly traceparent: string | undefined;
  /** Comes when that time is over, and when the responder is closed: nobody waits any more. */
  readonly signal: AbortSignal;
};

export type AnswerContent =
  | Uint8Array
  | string
  | { readonly payload: Uint8Array | string; readonly properties?: MessageProperties };

/**
 * Answers one request. What it throws becomes an answer that is an error: an `AnswerError` with its code, status and
 * message, a `RecadoError` as well; of any other only `INTERNAL`, 500, is told, and the rest is logged.
 */
export type RequestHandler = (request: ReceivedRequest) => AnswerContent | Promise<AnswerContent>;

export type ServeOptions = {
  /** Responders of one group share the work (`$share/{group}/…`). */
  readonly group?: string;
  /** Where answers go to requests that do not say where. */
  readonly responseTopic?: string;
  /** Of the subscription; 1 when absent. */
  readonly qos?: QoS;
  /** Instead of the responder's own. */
  readonly timeoutMs?: number;
};

export type ResponderLimits = {
  /** Handlers that run at the same time. */
  readonly maxConcurrent: number;
  /** Requests that wait for them. */
  readonly maxWaiting: number;
  /** How long a handler may take for a caller that does not say how long it waits. */
  readonly timeoutMs: number;
  /** How long `close` waits for handlers that run. */
  readonly closeTimeoutMs: number;
};

export const DEFAULT_RESPONDER_LIMITS: ResponderLimits = {
  maxConcurrent: 64,
  maxWaiting: 1000,
  timeoutMs: 30_000,
  closeTimeoutMs: 1000,
};

export type ResponderOptions = Partial<ResponderLimits> & {
  readonly log?: Logger;
  readonly clock?: Clock;
};

/** Counts since the responder was made. */
export type ResponderCounters = {
  /** Requests, those below that were not answered included. */
  received: number;
  answered: number;
  /** Of them, those that were answered with the error of a handler. */
  failed: number;
  /** Answered with an error because as many waited as may. */
  refusedFull: number;
  /** Not begun: the caller's time was over when their turn came. */
  expired: number;
  /** Handlers that took longer than they had; their answers were sent only where the topic is a fixed one. */
  late: number;
  /** Messages that do not say where an answer should go. */
  unanswerable: number;
  /** Messages that the broker had kept: nobody waits for an answer to them. */
  retained: number;
  /** Answers that could not be published. */
  unsent: number;
};
