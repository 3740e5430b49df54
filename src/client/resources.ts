/** A moment, RFC 3339 in UTC with milliseconds: `2026-11-22T10:00:00.000Z`. */
export type Timestamp = string;

/** Whether a device can be reached now. */
export type Presence = {
  readonly status: 'online' | 'offline';
  /** Grows by one with each change, so that two observations can be ordered. */
  readonly sequence: number;
  /** Why the last change happened: `connected`, `reconnected`, `disconnected`, `keep-alive-timeout` … */
  readonly reason: string;
  /** When the last change happened. */
  readonly since: Timestamp;
  /** When anything last came from the device. */
  readonly lastSeen: Timestamp;
};

/** A device as it stands in a list. */
export type Device = {
  readonly deviceId: string;
  readonly title: string | null;
  readonly model: string | null;
  /** The part of the hub that it is connected through: `socket` … */
  readonly gateway: string;
  readonly presence: Presence;
  readonly commandCount: number;
};

/** What a device says that it reports by itself. */
export type MetricDescription = {
  readonly metric: string;
  readonly title?: string;
  readonly unit?: string;
  readonly type?: string;
};

/** One device, with what it reports. */
export type DeviceDetails = Device & { readonly telemetry: readonly MetricDescription[] };

/** One page of a list of devices. */
export type DevicePage = {
  readonly devices: readonly Device[];
  /** Give it as `cursor` to get the next page; absent on the last one. */
  readonly nextCursor?: string;
  /** How many devices match the filters, on all pages together. */
  readonly total: number;
};

/** A JSON Schema, or the part of it that a command declares. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** `read` changes nothing, `write` sets something, `action` does something. */
export type CommandKind = 'read' | 'write' | 'action';

/** One thing that a device can be asked to do. */
export type Command = {
  /** Unique within the device: the last part of the command's address. */
  readonly name: string;
  /** 1, 2, 3 … in the order of the device's description. */
  readonly number: number;
  readonly title: string;
  readonly kind: CommandKind;
  /** Null: the command takes no input. */
  readonly input: JsonSchema | null;
  readonly output: JsonSchema | null;
  /** Invoking twice does no more than invoking once. */
  readonly idempotent: boolean;
  /** `serial`: one invocation of this command at a time; `parallel`: any number. */
  readonly concurrency: 'serial' | 'parallel';
  /** How long it usually takes, in ms. */
  readonly expectedMs: number | null;
};

/** How far an invocation came. Each phase is proof: of the queue, the socket, the protocol, the device. */
export type InvocationPhase = 'accepted' | 'sent' | 'delivered' | 'answered';

/** One execution of a command. */
export type Invocation = {
  readonly id: string;
  readonly deviceId: string;
  readonly command: string;
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled';
  /** When each phase was reached; a phase that was not reached is absent. */
  readonly phases: { readonly [phase in InvocationPhase]?: Timestamp };
};

/** The outcome of a command that the device carried out. */
export type InvocationResult = {
  /** What the device answered; null when it answered without a value. */
  readonly output: unknown;
  readonly invocation: Invocation;
};

/** The latest value of one metric. */
export type Reading = {
  readonly metric: string;
  readonly value: number | string | boolean;
  readonly unit: string | null;
  readonly time: Timestamp;
};

/** The latest readings of one device. */
export type DeviceTelemetry = {
  readonly deviceId: string;
  readonly readings: readonly Reading[];
  /** The device said that it has nothing to report now, and why; null when it reports. */
  readonly unavailable: { readonly reason: string; readonly time: Timestamp } | null;
};

/** An agent of a service. */
export type ServiceAgent = {
  readonly agentId: string;
  readonly description: string | null;
  /** Whether its target answers. */
  readonly isHealthy: boolean;
  /** It finishes what it has, and takes nothing new. */
  readonly isLeaving: boolean;
  /** Requests that this hub has given it. */
  readonly inFlight: number;
  readonly maxInFlight: number;
};

/** An HTTP service that agents bring to the hub: `/services/{name}/…` reaches it. */
export type Service = {
  readonly name: string;
  readonly status: 'available' | 'target-down' | 'no-agent';
  readonly inFlight: number;
  /** Over the last ten seconds. */
  readonly requestsPerSecond: number;
  readonly failuresPerSecond: number;
  /** Since the hub met the service, as are the other counts. */
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  readonly cancelled: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly agents: readonly ServiceAgent[];
};

/** What the hub says of itself. */
export type Health = { readonly status: string; readonly name: string; readonly version: string };

/** One thing that is wrong in what was sent: where (a JSON pointer, RFC 6901), and what to do. */
export type ProblemIssue = { readonly pointer: string; readonly message: string };

/** A device's own account of a command that failed. */
export type DeviceFailure = {
  readonly code?: string;
  readonly message?: string;
  /** An HTTP status (400 to 599) that the device asked for. */
  readonly status?: number;
  /** What it sent beside, as it came. */
  readonly payload?: unknown;
};

/** An error as the hub tells it (`application/problem+json`, RFC 9457). */
export type Problem = {
  readonly type: string;
  readonly code: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly ProblemIssue[];
  readonly invocation?: Invocation;
  readonly phase?: InvocationPhase;
  readonly safeToRetry?: boolean;
  readonly device?: DeviceFailure;
};
