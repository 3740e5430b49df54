import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { MessageProperties } from '../../bus/bus.ts';
import type { QoS } from '../../mqtt/codec/control-packet.ts';
import type { AnswerContent } from '../wire/answer-message.ts';

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
  /** Comes when that time is over, the caller has left, or the responder is closed: nobody waits any more. */
  readonly signal: AbortSignal;
};

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
  /** Instead of the responder's own. */
  readonly answersBelow?: readonly string[];
  /** Of the subscription; 1 when absent. */
  readonly qos?: QoS;
  /** Instead of the responder's own. */
  readonly timeoutMs?: number;
  /**
   * When the broker is told that it need not send a request again: `received`, the default, before the handler runs;
   * `answered`, when the broker has the answer, or nobody waits for one. Then a request at QoS 1 whose responder is lost
   * goes to another of its group, or comes again in its session, and may be carried out twice.
   */
  readonly acknowledges?: 'received' | 'answered';
};

export const DEFAULT_RESPONDER_LIMITS = {
  /** Handlers that run at the same time. */
  maxConcurrent: 64,
  /** Requests that wait for them. */
  maxWaiting: 1000,
  /** Their payloads together. */
  maxWaitingBytes: 64 * 1024 * 1024,
  /** How long a handler may take for a caller that does not say how long it waits. */
  timeoutMs: 30_000,
  /** How long `close` waits for handlers that run. */
  closeTimeoutMs: 1000,
};

export type ResponderLimits = Readonly<typeof DEFAULT_RESPONDER_LIMITS>;

export type ResponderOptions = Partial<ResponderLimits> & {
  /**
   * Topics below which requests may ask for their answer, beside the `responseTopic` of their topic and what is below
   * `{topic}/answers`. Others are not answered: a stranger would publish with the rights of the responder. Default:
   * `recado/rpc/answers`.
   */
  readonly answersBelow?: readonly string[];
  readonly log?: Logger;
  readonly clock?: Clock;
};

/** Counts since the responder was made. */
export class ResponderCounters {
  /** Requests, those below that were not answered included. */
  received = 0;
  answered = 0;
  /** Of them, those that were answered with the error of a handler. */
  failed = 0;
  /** Answered with an error because as many waited as may. */
  refusedFull = 0;
  /** Not begun: the caller's time was over when their turn came. */
  expired = 0;
  /** Handlers that took longer than they had; their answers were sent only where the topic is a fixed one. */
  late = 0;
  /** Given up by their callers before they were answered. */
  cancelled = 0;
  /** Messages that do not say where an answer should go. */
  unanswerable = 0;
  /** Messages whose answer should go where this responder answers nothing. */
  misdirected = 0;
  /** Messages that the broker had kept: nobody waits for an answer to them. */
  retained = 0;
  /** Answers that could not be published. */
  unsent = 0;
}
