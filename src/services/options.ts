/** Limits of the hub's side, for all services. */
export const DEFAULT_SERVICE_LIMITS = {
  /** Of a request's body. */
  maxRequestBytes: 1024 * 1024 * 1024,
  /** Requests of one service at once. */
  maxInFlightPerService: 1000,
  /** Until the answer begins, once the body of the request is over. */
  timeoutMs: 30_000,
  /** How long a body may stand still, in either direction. */
  idleTimeoutMs: 300_000,
  /** The JSON of method, path and headers; of status and headers. */
  maxHeadBytes: 64 * 1024,
  /** Of an answer's body: sent before the caller has taken any of it. */
  initialCreditBytes: 256 * 1024,
  /** Of a body, in one frame. */
  chunkBytes: 64 * 1024,
  /** Of all requests on the way to one agent: a broker keeps only so much for it at QoS 0. */
  maxLinkBytes: 512 * 1024,
  /** How long an agent may be silent about a request until it is asked. */
  probeAfterMs: 2000,
  /** Of a request's body: kept to send it again to another agent. */
  maxKeptBytes: 64 * 1024,
  maxServices: 1000,
  maxAgentsPerService: 100,
};

export type ServiceHubLimits = Readonly<typeof DEFAULT_SERVICE_LIMITS>;

/** Limits of an agent. */
export const DEFAULT_AGENT_LIMITS = {
  /** Requests at once, of all hubs together. */
  maxInFlight: 100,
  maxRequestBytes: Number.MAX_SAFE_INTEGER,
  /** The longest that the target may take until its answer begins; the hub may allow less. */
  timeoutMs: 600_000,
  idleTimeoutMs: 300_000,
  maxHeadBytes: 64 * 1024,
  /** Of a request's body: sent before the target has taken any of it. */
  initialCreditBytes: 256 * 1024,
  chunkBytes: 64 * 1024,
  /** Of all answers on the way to one hub. */
  maxLinkBytes: 512 * 1024,
  /** How long a hub may be silent about a request until it is asked. */
  probeAfterMs: 2000,
  /** Of a request's body: kept to send it again over a new connection. */
  maxKeptBytes: 64 * 1024,
  /** Hubs that are told apart. */
  maxHubs: 100,
  /** What running requests get when the agent stops. */
  drainMs: 10_000,
};

export type AgentLimits = Readonly<typeof DEFAULT_AGENT_LIMITS>;
