import { Type, type Static } from 'typebox';
import { COMMAND_KINDS } from '../devices/command.ts';
import { PRESENCE_REASONS } from '../devices/presence.ts';

const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, with milliseconds' });
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const DeviceId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'As in the list of devices',
});
export const DeviceParams = Type.Object({ deviceId: DeviceId });
export const CommandName = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'As in the list of commands',
});

/*
 * The shapes on the wire, once: requests are checked and answers written with these schemas, `/openapi.json` shows
 * them, and the types of the client come from them.
 */

export const Presence = Type.Object({
  status: Type.Enum(['online', 'offline']),
  sequence: Type.Integer({ description: 'Grows with each change' }),
  reason: Type.Enum([...PRESENCE_REASONS], { description: 'Why it changed last' }),
  since: Time,
  lastSeen: Time,
});

const deviceProperties = {
  deviceId: Type.String(),
  title: nullable(Type.String()),
  model: nullable(Type.String()),
  gateway: Type.String(),
  presence: Presence,
  commandCount: Type.Integer(),
};

export const Device = Type.Object(deviceProperties);
export type DeviceResource = Static<typeof Device>;

export const DeviceDetail = Type.Object({
  ...deviceProperties,
  telemetry: Type.Array(
    Type.Object({
      metric: Type.String(),
      title: Type.Optional(Type.String()),
      unit: Type.Optional(Type.String()),
      type: Type.Optional(Type.String()),
    }),
  ),
});
export type DeviceDetailResource = Static<typeof DeviceDetail>;

export const Command = Type.Object({
  name: Type.String(),
  number: Type.Integer(),
  title: Type.String(),
  kind: Type.Enum([...COMMAND_KINDS]),
  input: Type.Unknown({ description: 'JSON Schema of the input; null when the command takes none' }),
  output: Type.Unknown({ description: 'JSON Schema of the output; null when the device did not say' }),
  idempotent: Type.Boolean(),
  concurrency: Type.Enum(['serial', 'parallel']),
  expectedMs: nullable(Type.Integer()),
});
export type CommandResource = Static<typeof Command>;

export const Invocation = Type.Object({
  id: Type.String(),
  deviceId: Type.String(),
  command: Type.String(),
  state: Type.Enum(['running', 'completed', 'failed', 'cancelled']),
  phases: Type.Object({
    accepted: Type.String(),
    sent: Type.Optional(Type.String()),
    delivered: Type.Optional(Type.String()),
    answered: Type.Optional(Type.String()),
  }),
});
export type InvocationResource = Static<typeof Invocation>;

export const Telemetry = Type.Object({
  deviceId: Type.String(),
  readings: Type.Array(
    Type.Object({
      metric: Type.String(),
      value: Type.Union([Type.Number(), Type.String(), Type.Boolean()]),
      unit: nullable(Type.String()),
      time: Time,
    }),
  ),
  unavailable: nullable(Type.Object({ reason: Type.String(), time: Time })),
});
export type TelemetryResource = Static<typeof Telemetry>;

const RATE = { description: 'Over the last ten seconds' };

export const Service = Type.Object({
  name: Type.String(),
  status: Type.Enum(['available', 'target-down', 'no-agent']),
  inFlight: Type.Integer({ description: 'Requests in this hub' }),
  requestsPerSecond: Type.Number(RATE),
  failuresPerSecond: Type.Number(RATE),
  requests: Type.Integer({ description: 'Since the hub met the service, as are the other counts' }),
  failures: Type.Integer({ description: 'Answered by the hub itself, or cut off' }),
  retries: Type.Integer({ description: 'Sent again to another agent' }),
  cancelled: Type.Integer({ description: 'The caller left before the end' }),
  requestBytes: Type.Integer(),
  responseBytes: Type.Integer(),
  agents: Type.Array(
    Type.Object({
      agentId: Type.String(),
      description: nullable(Type.String()),
      isHealthy: Type.Boolean({ description: 'Whether its target answers' }),
      isLeaving: Type.Boolean({ description: 'It finishes what it has' }),
      inFlight: Type.Integer({ description: 'Requests that this hub has given it' }),
      maxInFlight: Type.Integer(),
    }),
  ),
});
export type ServiceResource = Static<typeof Service>;

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), message: Type.String() }))),
    phase: Type.Optional(Type.String()),
    safeToRetry: Type.Optional(Type.Boolean()),
    invocation: Type.Optional(Invocation),
    device: Type.Optional(Type.Unknown()),
  },
  { description: 'What went wrong (RFC 9457)' },
);

/** For the `response` of a route: every status that is not named is a problem. */
export const PROBLEM_RESPONSE = {
  default: {
    description: 'What went wrong',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
};
