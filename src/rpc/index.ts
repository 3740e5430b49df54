/** `recado/rpc`: request and response over MQTT. See docs/protocols/request-response.md. */
export { AnswerError, readAnswerError } from './wire/answer-error.ts';
export type { Answer } from './correlation/pending-request.ts';
export { createRequester, type Requester } from './requester.ts';
export {
  DEFAULT_REQUESTER_LIMITS,
  type CorrelationChoice,
  type RequesterCounters,
  type RequesterLimits,
  type RequesterOptions,
  type RequestOptions,
} from './requester-options.ts';
export { createResponder, type Responder, type ServedTopic } from './responder/responder.ts';
export type { AnswerContent } from './wire/answer-message.ts';
export {
  DEFAULT_RESPONDER_LIMITS,
  type ReceivedRequest,
  type RequestHandler,
  type ResponderCounters,
  type ResponderLimits,
  type ResponderOptions,
  type ServeOptions,
} from './responder/responder-options.ts';
