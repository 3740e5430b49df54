import { isJsonObject } from '../base/json.ts';
import type {
  CommandListResource,
  CommandResource,
  DeviceDetailResource,
  DevicePageResource,
  DeviceResource,
  HealthResource,
  InvocationAnswerResource,
  InvocationResource,
  IssueResource,
  PhaseResource,
  PresenceResource,
  ProblemResource,
  ServiceAgentResource,
  ServiceListResource,
  ServiceResource,
  TelemetryResource,
} from '../api/schemas.ts';
import {
  anything,
  fields,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  reader,
  text,
  truth,
  word,
  type Check,
  type Fields,
  type Members,
} from './shape.ts';

const presence = object<PresenceResource>({
  status: oneOf('online', 'offline'),
  sequence: number,
  reason: word(),
  since: text,
  lastSeen: text,
});

const deviceMembers: Members<DeviceResource> = {
  deviceId: text,
  title: orNull(text),
  model: orNull(text),
  gateway: text,
  presence,
  commandCount: number,
};

const metric = object<DeviceDetailResource['telemetry'][number]>({
  metric: text,
  title: optional(text),
  unit: optional(text),
  type: optional(text),
});

const command = object<CommandResource>({
  name: text,
  number,
  title: text,
  kind: word(),
  input: orNull(fields),
  output: orNull(fields),
  idempotent: truth,
  concurrency: word(),
  expectedMs: orNull(number),
});

const invocation = object<InvocationResource>({
  id: text,
  deviceId: text,
  command: text,
  state: word(),
  phases: object<InvocationResource['phases']>({
    accepted: text,
    sent: optional(text),
    delivered: optional(text),
    answered: optional(text),
  }),
});

const reading = object<TelemetryResource['readings'][number]>({
  metric: text,
  value: (value) =>
    ['number', 'string', 'boolean'].includes(typeof value) ? undefined : 'has a reading without a value',
  unit: orNull(text),
  time: text,
});

const serviceAgent = object<ServiceAgentResource>({
  agentId: text,
  description: orNull(text),
  isHealthy: truth,
  isLeaving: truth,
  inFlight: number,
  maxInFlight: number,
});

const service = object<ServiceResource>({
  name: text,
  status: word(),
  inFlight: number,
  requestsPerSecond: number,
  failuresPerSecond: number,
  requests: number,
  failures: number,
  retries: number,
  cancelled: number,
  requestBytes: number,
  responseBytes: number,
  agents: list(serviceAgent, 'an agent'),
});

export const readDevicePage = reader(
  object<DevicePageResource>({
    devices: list(object(deviceMembers), 'a device'),
    nextCursor: optional(text),
    total: number,
  }),
  'the list of devices',
);

export const readDeviceDetail = reader(
  object<DeviceDetailResource>({ ...deviceMembers, telemetry: list(metric, 'a metric') }),
  'a device',
);

export const readCommandList = reader(
  object<CommandListResource>({ commands: list(command, 'a command') }),
  'the list of commands',
);

export const readInvocationAnswer = reader(
  object<InvocationAnswerResource>({ output: anything, invocation }),
  'the answer to the command',
);

export const readTelemetry = reader(
  object<TelemetryResource>({
    deviceId: text,
    readings: list(reading, 'a reading'),
    unavailable: orNull(object<NonNullable<TelemetryResource['unavailable']>>({ reason: text, time: text })),
  }),
  'the readings',
);

export const readServiceList = reader(
  object<ServiceListResource>({ services: list(service, 'a service') }),
  'the list of services',
);

export const readHealth = reader(
  object<HealthResource>({
    status: word(),
    name: (value) => (value === 'recado' ? undefined : 'does not come from a Recado hub'),
    version: text,
  }),
  'the health of the hub',
);

const issue = object<IssueResource>({ pointer: text, message: text });
const phase = oneOf<PhaseResource>('accepted', 'sent', 'delivered', 'answered');

/** Reads a problem; undefined when `value` is none. Parts that are not as agreed are left out. */
export function readProblem(value: unknown, status: number): ProblemResource | undefined {
  if (!isJsonObject(value) || typeof value['code'] !== 'string') return undefined;
  const problem = value as Fields & Partial<ProblemResource>;
  const textOf = (member: unknown): string => (typeof member === 'string' ? member : '');
  const { errors, device } = problem;
  return {
    type: textOf(problem.type),
    code: value['code'],
    title: textOf(problem.title),
    status,
    detail: textOf(problem.detail),
    ...(Array.isArray(errors) && { errors: errors.filter((each) => issue(each, '') === undefined) }),
    ...partOf(problem, 'invocation', invocation),
    ...partOf(problem, 'phase', phase),
    ...partOf(problem, 'safeToRetry', truth),
    ...(isJsonObject(device) && { device: readDeviceFailure(device) }),
  };
}

/** A member alone, when it is there and as agreed. */
function partOf<K extends keyof ProblemResource>(
  problem: Partial<ProblemResource>,
  member: K,
  check: Check<ProblemResource[K]>,
): Partial<Pick<ProblemResource, K>> {
  const value = problem[member];
  return check(value, member) === undefined ? ({ [member]: value } as Pick<ProblemResource, K>) : {};
}

function readDeviceFailure(device: Fields): NonNullable<ProblemResource['device']> {
  const { code, message, status, payload } = device;
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message }),
    ...(typeof status === 'number' && { status }),
    ...(payload !== undefined && payload !== null && { payload }),
  };
}
