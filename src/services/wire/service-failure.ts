import type { ErrorCode } from '../../base/errors.ts';
import { parseObject } from './message-heads.ts';
import { MAX_CANCEL_BYTES, MAX_FAILURE_BYTES } from './frame.ts';

/** Why a caller does not get the answer of a service. */
export type ServiceFailure = {
  readonly code: ErrorCode;
  readonly message: string;
  /** When it makes sense to ask again. */
  readonly retryAfterSeconds?: number;
};

/** What an agent may say of a request that it could not bring to its target. */
type AgentFailureCode =
  /** The target cannot be reached, or went away before it answered. */
  | 'target-down'
  /** The rules of the agent do not let the request pass. */
  | 'forbidden'
  | 'too-large'
  /** As many requests as it takes are in flight, or it is leaving. */
  | 'busy'
  /** The agent does not have the request. */
  | 'lost'
  | 'answer-timeout'
  /** What the target answered is not HTTP, or not within the limits. */
  | 'bad-answer'
  /** The answer had begun and did not come to its end. */
  | 'answer-broken'
  /** The request of the hub cannot be understood, or broke the rules of the protocol. */
  | 'bad-request';

export type AgentFailure = {
  readonly code: AgentFailureCode;
  readonly message: string;
  /** The target has seen nothing of the request, so another agent may try it, whatever its method. */
  readonly isUntouched: boolean;
};

const MAX_MESSAGE_CHARACTERS = 1000;
/** A URL, or an IP address, with or without a port. */
const ADDRESS =
  /\bhttps?:\/\/[^\s"'<>()]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[\da-fA-F:.]{2,45}\](?::\d+)?/g;

const ERROR_CODES: Readonly<Record<AgentFailureCode, ErrorCode>> = {
  'target-down': 'TARGET_DOWN',
  forbidden: 'SERVICE_FORBIDDEN',
  'too-large': 'BODY_TOO_LARGE',
  busy: 'TOO_MANY_REQUESTS',
  lost: 'AGENT_LOST',
  'answer-timeout': 'ANSWER_TIMEOUT',
  'bad-answer': 'BAD_ANSWER',
  'answer-broken': 'BAD_ANSWER',
  'bad-request': 'BAD_ANSWER',
};

export function encodeAgentFailure(failure: AgentFailure): Buffer {
  const message = failure.message.slice(0, MAX_MESSAGE_CHARACTERS);
  const bytes = Buffer.from(JSON.stringify({ ...failure, message }));
  // Characters of four bytes, or such as JSON escapes, can make a short text long.
  return bytes.length <= MAX_FAILURE_BYTES ? bytes : Buffer.from(JSON.stringify({ ...failure, message: '' }));
}

/** Why nobody waits any more, for the log of the agent. */
export function encodeCancel(reason: string): Buffer {
  return Buffer.from(reason).subarray(0, MAX_CANCEL_BYTES);
}

/** Undefined when it is none. A code that is not known is taken as `bad-answer`: there may be more some day. */
export function decodeAgentFailure(body: Uint8Array): AgentFailure | undefined {
  const value = parseObject(body);
  if (value === undefined) return undefined;
  const { code, message, isUntouched } = value;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof isUntouched !== 'boolean')
    return undefined;
  const known = Object.hasOwn(ERROR_CODES, code) ? (code as AgentFailureCode) : 'bad-answer';
  return { code: known, message: withoutAddresses(withoutControls(message)), isUntouched };
}

/** The same for a caller. */
export function toServiceFailure({ code, message }: AgentFailure): ServiceFailure {
  return { code: ERROR_CODES[code], message, ...(code === 'busy' && { retryAfterSeconds: 1 }) };
}

/** An agent of another version may say where its target is, which is nothing for callers. */
function withoutAddresses(text: string): string {
  return text.replaceAll(ADDRESS, 'the target');
}

function withoutControls(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
