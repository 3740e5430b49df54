import type { HttpCall } from './http-call.ts';
import type { HttpRoute } from './http-route.ts';
import type { Mapping, MappingWords } from './mapping.ts';

/** A route of a gateway: an HTTP request becomes a question on one topic, and the answer on another one its answer. */
export type GatewayRoute = {
  readonly route: HttpRoute;
  readonly request: string;
  readonly response: string;
  /** Undefined: the body, or the query where there is none. */
  readonly payload: Mapping | undefined;
  readonly timeoutMs: number;
  /** Undefined: the answer as it came. */
  readonly reply: Mapping | undefined;
};

/** A route of an agent: a question on one topic becomes an HTTP call, and its answer the answer on another topic. */
export type AgentRoute = {
  readonly request: string;
  readonly response: string;
  readonly call: HttpCall;
  readonly timeoutMs: number;
  /** Undefined: what the service answered. */
  readonly reply: Mapping | undefined;
};

/** What `payload` of a gateway may refer to. */
export const PAYLOAD_WORDS: MappingWords = { roots: ['body', 'query', 'params'] };
/** What `reply` may refer to, on both sides. */
export const REPLY_WORDS: MappingWords = { roots: ['answer', 'request'], shortRoot: 'answer' };

export type GatewayLimits = {
  /** Callers without an answer, those that wait for their turn included. */
  readonly maxInFlight: number;
  /** Of them, those that wait for their turn on one response topic. */
  readonly maxQueued: number;
  /** An answer on a response topic. */
  readonly maxAnswerBytes: number;
  /** How long a response topic is given no new question after a caller left without an answer. */
  readonly quarantineMs: number;
};

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxInFlight: 1000,
  maxQueued: 1000,
  maxAnswerBytes: 1_048_576,
  quarantineMs: 10_000,
};

export type AgentRouteLimits = {
  /** Calls at once. */
  readonly maxInFlight: number;
  /** Questions that wait for one. */
  readonly maxQueued: number;
  readonly maxRequestBytes: number;
  /** The body of what a service answers. */
  readonly maxAnswerBytes: number;
};

export const DEFAULT_AGENT_ROUTE_LIMITS: AgentRouteLimits = {
  maxInFlight: 64,
  maxQueued: 1000,
  maxRequestBytes: 1_048_576,
  maxAnswerBytes: 1_048_576,
};

/** Of a gateway's route that does not say it. */
export const DEFAULT_GATEWAY_TIMEOUT_MS = 3000;
/** Of an agent's call that does not say it. */
export const DEFAULT_CALL_TIMEOUT_MS = 5000;
