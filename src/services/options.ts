/** Limits of the hub's side, for all services. */
export type ServiceHubLimits = {
  /** Of a request's body. */
  readonly maxRequestBytes: number;
  /** Requests of one service at once. */
  readonly maxInFlightPerService: number;
  /** Until the answer begins, once the body of the request is over. */
  readonly timeoutMs: number;
  /** How long a body may stand still, in either direction. */
  readonly idleTimeoutMs: number;
  /** The JSON of method, path and headers; of status and headers. */
  readonly maxHeadBytes: number;
  /** Of an answer's body: sent before the caller has taken any of it. */
  readonly initialCreditBytes: number;
  /** Of a body, in one frame. */
  readonly chunkBytes: number;
  /** Bytes of all requests on the way to one agent, beyond a part for each of them. */
  readonly maxLinkBytes: number;
  /** Of a request's body: kept to send it again to another agent. */
  readonly maxKeptBytes: number;
  readonly maxServices: number;
  readonly maxAgentsPerService: number;
};

export const DEFAULT_SERVICE_LIMITS: ServiceHubLimits = Object.freeze({
  maxRequestBytes: 1024 * 1024 * 1024,
  maxInFlightPerService: 1000,
  timeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  maxHeadBytes: 64 * 1024,
  initialCreditBytes: 256 * 1024,
  chunkBytes: 64 * 1024,
  maxLinkBytes: 2 * 1024 * 1024,
  maxKeptBytes: 64 * 1024,
  maxServices: 1000,
  maxAgentsPerService: 100,
});

/** Limits of an agent. */
export type AgentLimits = {
  /** Requests at once, of all hubs together. */
  readonly maxInFlight: number;
  readonly maxRequestBytes: number;
  /** The longest that the target may take until its answer begins; the hub may allow less. */
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxHeadBytes: number;
  /** Of a request's body: sent before the target has taken any of it. */
  readonly initialCreditBytes: number;
  readonly chunkBytes: number;
  /** Bytes of all answers on the way to one hub, beyond a part for each of them. */
  readonly maxLinkBytes: number;
  /** Hubs that are told apart. */
  readonly maxHubs: number;
  /** What running requests get when the agent stops. */
  readonly drainMs: number;
};

export const DEFAULT_AGENT_LIMITS: AgentLimits = Object.freeze({
  maxInFlight: 100,
  maxRequestBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 600_000,
  idleTimeoutMs: 300_000,
  maxHeadBytes: 64 * 1024,
  initialCreditBytes: 256 * 1024,
  chunkBytes: 64 * 1024,
  maxLinkBytes: 2 * 1024 * 1024,
  maxHubs: 100,
  drainMs: 10_000,
});
