import { RecadoError } from '../../base/errors.ts';
import { BusError } from '../../bus/bus-error.ts';
import type { PendingRequest } from './pending-request.ts';

export function answerTimeoutError({ fields, phase }: PendingRequest): RecadoError {
  const wasSent = phase !== 'waiting';
  const { topicName, timeoutMs } = fields;
  const what = wasSent ? `no answer to the request on ${topicName} came` : 'the request did not get its turn';
  return new RecadoError(
    'ANSWER_TIMEOUT',
    `${what} within ${timeoutMs} ms${wasSent ? '' : '; it was not sent'}`,
  );
}

export function noResponderError({ fields }: PendingRequest): RecadoError {
  return new RecadoError(
    'NO_RESPONDER',
    `nobody subscribes to ${fields.topicName}; see whether its responder runs and uses this topic`,
  );
}

export function tooManyRequestsError(what: string): RecadoError {
  return new RecadoError('TOO_MANY_REQUESTS', `${what}; wait for some answers`);
}

export function requesterClosedError(): RecadoError {
  return new RecadoError('REQUESTER_CLOSED', 'the requester was closed before an answer came');
}

/** With these the broker has certainly not been given the message. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'BROKER_OFFLINE',
  'BROKER_DENIED',
  'TOO_MANY_MESSAGES',
  'TOPIC_INVALID',
  'PACKET_TOO_LARGE',
]);

/** Whether nobody can answer a request that could not be published. */
export function wasNeverSent(error: unknown): boolean {
  return error instanceof BusError && NEVER_SENT.has(error.code);
}
