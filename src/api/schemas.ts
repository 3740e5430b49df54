import type { Static, TSchema } from 'typebox';
import { ONE_LINE } from '../base/printable-text.ts';
import { Type } from '../config/type.ts';
import { COMMAND_KINDS, type JsonSchema } from '../devices/command.ts';
import { MAX_TITLE_CHARACTERS } from '../devices/description.ts';
import { INVOCATION_STATES } from '../devices/invocation-snapshot.ts';
import { PRESENCE_REASONS } from '../devices/presence.ts';

/*
 * The shapes on the wire, once: requests are checked and answers written with these schemas, `/openapi.json` shows
 * them by their titles, the types of the client are theirs, and it checks answers by them.
 */

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, with milliseconds' });
/** What people call something. */
export const givenName = (maxLength: number, words?: object) =>
  Type.String({ minLength: 1, maxLength, pattern: ONE_LINE, ...words });
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

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

export const presenceProperties = {
  status: Type.Enum(['online', 'offline']),
  sequence: Type.Integer({
    description: 'Grows with each change, so that two observations can be ordered',
  }),
  reason: Type.Enum([...PRESENCE_REASONS], { description: 'Why it changed last' }),
  since: Time,
  lastSeen: Time,
};
const PresenceSchema = Type.Object(presenceProperties, {
  title: 'Presence',
  description: 'Whether a device can be reached now',
});
export type PresenceResource = Static<typeof PresenceSchema>;

const deviceProperties = {
  deviceId: Type.String(),
  title: nullable(Type.String({ description: 'What people call it, else what it calls itself' })),
  tags: Type.Optional(Type.Array(Type.String(), { description: 'Given by people' })),
  model: nullable(Type.String()),
  gateway: Type.String({ description: 'The part of the hub that it is connected through' }),
  presence: PresenceSchema,
  commandCount: Type.Integer(),
};
export const ReadingSchema = Type.Object(
  {
    metric: Type.String(),
    value: Type.Union([Type.Number(), Type.String(), Type.Boolean()]),
    unit: nullable(Type.String()),
    time: Time,
  },
  { title: 'Reading' },
);
export type ReadingResource = Static<typeof ReadingSchema>;

const DeviceSchema = Type.Object(
  {
    ...deviceProperties,
    readings: Type.Optional(
      Type.Array(ReadingSchema, { description: 'The latest of the `metrics` that were asked for' }),
    ),
  },
  { title: 'Device' },
);
export type DeviceResource = Static<typeof DeviceSchema>;

const MetricSchema = Type.Object(
  {
    metric: Type.String(),
    title: Type.Optional(Type.String()),
    unit: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()),
  },
  { title: 'Metric', description: 'What the device says that it reports by itself' },
);
export type MetricResource = Static<typeof MetricSchema>;

const EventDescriptionSchema = Type.Object(
  {
    name: Type.String(),
    title: Type.Optional(Type.String()),
    data: Type.Optional(
      Type.Unsafe<JsonSchema>(Type.Unknown({ description: 'JSON Schema of what comes with it' })),
    ),
  },
  { title: 'EventDescription', description: 'Something that the device says can happen' },
);
export type EventDescriptionResource = Static<typeof EventDescriptionSchema>;

const DiscoveredSchema = Type.Object(
  {
    origins: Type.Array(Type.String(), { description: 'The programs that describe it, with their versions' }),
    notUnderstood: Type.Array(
      Type.Object({
        component: Type.String({ description: 'The kind of its component' }),
        key: Type.String({ description: 'Where in the config the template stands' }),
        template: Type.String(),
        why: Type.String({ description: 'What of it is not understood' }),
        at: Type.Integer({ description: 'Where in the template, in characters from its begin' }),
      }),
      { description: 'Templates of its configs that are not understood: what they are for does not work' },
    ),
  },
  { title: 'Discovered', description: 'Of a device that others describe' },
);

export const DeviceDetailSchema = Type.Object(
  {
    ...deviceProperties,
    telemetry: Type.Array(MetricSchema),
    events: Type.Optional(Type.Array(EventDescriptionSchema)),
    discovered: Type.Optional(DiscoveredSchema),
    description: Type.Optional(
      Type.Object(
        {
          title: nullable(Type.String({ description: 'What it calls itself' })),
          version: Type.Integer({ description: 'Grows by one each time that it describes itself otherwise' }),
          since: Time,
        },
        { description: 'What it says of itself' },
      ),
    ),
  },
  { title: 'DeviceDetail' },
);
export type DeviceDetailResource = Static<typeof DeviceDetailSchema>;

const MAX_PAGE_DEVICES = 1000;
const MAX_TAGS = 32;
const MAX_TAG_CHARACTERS = 64;

export const DevicePatchSchema = Type.Object(
  {
    title: Type.Optional(
      nullable(givenName(MAX_TITLE_CHARACTERS, { description: 'null: as it calls itself' })),
    ),
    tags: Type.Optional(Type.Array(givenName(MAX_TAG_CHARACTERS), { maxItems: MAX_TAGS })),
  },
  { title: 'DevicePatch', additionalProperties: false },
);
export type DevicePatch = Static<typeof DevicePatchSchema>;

/** Several words, with commas between them. */
export const LIST = '^[^,]+(,[^,]+)*$';
const MAX_LIST_CHARACTERS = 8192;

/** What devices are chosen by, wherever some of all are meant: each of what is said must be so. */
export const selectorProperties = {
  device: Type.Optional(
    Type.String({
      maxLength: MAX_LIST_CHARACTERS,
      pattern: LIST,
      description: 'Only these: ids, with commas between them',
    }),
  ),
  status: Type.Optional(Type.Enum(['online', 'offline'])),
  gateway: Type.Optional(Type.String({ maxLength: 64 })),
  tag: Type.Optional(Type.String({ maxLength: MAX_TAG_CHARACTERS, description: 'One of its tags' })),
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Text in the id, title, model or a tag' })),
};
export const DeviceSelectorSchema = Type.Object(selectorProperties, {
  title: 'DeviceSelector',
  description: 'Which devices; {} is all',
  additionalProperties: false,
});
export type DeviceSelector = Static<typeof DeviceSelectorSchema>;

export const DeviceQuerySchema = Type.Object(
  {
    ...selectorProperties,
    metrics: Type.Optional(
      Type.String({
        maxLength: MAX_LIST_CHARACTERS,
        pattern: LIST,
        description: 'Each device with its latest `readings` of these, up to 32, with commas between',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_PAGE_DEVICES, description: 'Devices a page' }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: 256, description: 'The `nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
);
export type DeviceQuery = Static<typeof DeviceQuerySchema>;

export const DevicePageSchema = Type.Object(
  {
    devices: Type.Array(DeviceSchema),
    nextCursor: Type.Optional(Type.String({ description: 'Absent on the last page' })),
    total: Type.Integer({ description: 'Devices on all pages' }),
  },
  { title: 'DevicePage' },
);
export type DevicePageResource = Static<typeof DevicePageSchema>;

const CommandSchema = Type.Object(
  {
    name: Type.String(),
    number: Type.Integer({ description: '1, 2, 3 … in the order of the description' }),
    title: Type.String(),
    kind: Type.Enum([...COMMAND_KINDS]),
    input: Type.Unsafe<JsonSchema | null>(
      Type.Unknown({ description: 'JSON Schema of the input; null when the command takes none' }),
    ),
    output: Type.Unsafe<JsonSchema | null>(
      Type.Unknown({ description: 'JSON Schema of the output; null when the device did not say' }),
    ),
    idempotent: Type.Boolean({ description: 'Invoking twice does no more than invoking once' }),
    concurrency: Type.Enum(['serial', 'parallel']),
    expectedMs: nullable(Type.Integer({ description: 'How long it usually takes' })),
  },
  { title: 'Command' },
);
export type CommandResource = Static<typeof CommandSchema>;

export const CommandListSchema = Type.Object(
  { commands: Type.Array(CommandSchema) },
  { title: 'CommandList' },
);

export const InvokeBodySchema = Type.Object(
  {
    input: Type.Optional(Type.Unknown({ description: 'Checked against the schema of the command' })),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Wait for the device, in ms; at most invocations.maxTimeoutMs',
      }),
    ),
    queueForMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        description:
          'Where the device is offline, wait for it so long, in ms: the answer is 202 then; at most invocations.maxQueueForMs',
      }),
    ),
  },
  { title: 'CommandCall', additionalProperties: false },
);
export type InvokeBody = Static<typeof InvokeBodySchema>;

export const InvokeHeadersSchema = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description: 'A name for this command: asked again with it within 24 hours, nothing is done twice',
    }),
  ),
  prefer: Type.Optional(
    Type.String({ description: '`respond-async`, or `wait=N` seconds, and then 202 (RFC 7240)' }),
  ),
});

export const invocationProperties = {
  id: Type.String(),
  deviceId: Type.String(),
  command: Type.String(),
  state: Type.Enum([...INVOCATION_STATES]),
  phases: Type.Object({
    accepted: Type.String(),
    sent: Type.Optional(Type.String()),
    delivered: Type.Optional(Type.String()),
    answered: Type.Optional(Type.String()),
  }),
  queuedUntil: Type.Optional(
    Type.String({ description: 'It ends then, if its device has not come; while it is queued' }),
  ),
};
export const InvocationSchema = Type.Object(invocationProperties, { title: 'Invocation' });
export type InvocationResource = Static<typeof InvocationSchema>;
/** How far an invocation came. Each phase is proof: of the queue, the socket, the protocol, the device. */
export type PhaseResource = keyof InvocationResource['phases'];

export const InvocationAnswerSchema = Type.Object(
  {
    output: Type.Unknown({ description: 'What the device answered; null when it answered without a value' }),
    invocation: InvocationSchema,
  },
  { title: 'InvocationAnswer' },
);
export type InvocationAnswerResource = Static<typeof InvocationAnswerSchema>;

export const AcceptedSchema = Type.Object(
  { invocation: InvocationSchema },
  {
    title: 'InvocationAccepted',
    description: 'It goes on without its caller; `Location` says where to look',
  },
);
export type AcceptedResource = Static<typeof AcceptedSchema>;

export const TelemetrySchema = Type.Object(
  {
    deviceId: Type.String(),
    readings: Type.Array(ReadingSchema),
    unavailable: nullable(Type.Object({ reason: Type.String(), time: Time })),
  },
  { title: 'Telemetry' },
);
export type TelemetryResource = Static<typeof TelemetrySchema>;

export const HealthSchema = Type.Object(
  {
    status: Type.Enum(['ok']),
    name: Type.Enum(['recado']),
    version: Type.String(),
  },
  { title: 'Health' },
);
export type HealthResource = Static<typeof HealthSchema>;

export const IssueSchema = Type.Object(
  {
    pointer: Type.String(),
    message: Type.String(),
    keyword: Type.Optional(
      Type.String({
        description: 'Of input: the keyword of JSON Schema, or the limit of the hub, that it does not fit',
      }),
    ),
    limit: Type.Optional(
      Type.Union([Type.Number(), Type.String(), Type.Array(Type.String())], {
        description: 'What the keyword asks for; names that are missing, or that are not known',
      }),
    ),
  },
  {
    title: 'Issue',
    description: 'One thing that is wrong in what was sent: where (RFC 6901), and what to do',
  },
);
export type IssueResource = Static<typeof IssueSchema>;

export const DeviceFailureSchema = Type.Object(
  {
    code: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    status: Type.Optional(Type.Integer({ description: 'An HTTP status that the device asked for' })),
    payload: Type.Optional(Type.Unknown({ description: 'What it sent beside, as it came' })),
  },
  { title: 'DeviceFailure', description: "The device's own account of a command that failed" },
);
export type DeviceFailureResource = Static<typeof DeviceFailureSchema>;

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    errors: Type.Optional(Type.Array(IssueSchema)),
    phase: Type.Optional(Type.Enum(['accepted', 'sent', 'delivered', 'answered'])),
    safeToRetry: Type.Optional(Type.Boolean()),
    invocation: Type.Optional(InvocationSchema),
    device: Type.Optional(DeviceFailureSchema),
  },
  { title: 'Problem', description: 'What went wrong (RFC 9457)' },
);
/** An error on the wire: RFC 9457, with members of the hub's own after `detail`. */
export type ProblemResource = Static<typeof ProblemSchema>;

/** For the `response` of a route: every status that is not named is a problem. */
export const PROBLEM_RESPONSE = {
  default: {
    description: 'What went wrong',
    content: { 'application/problem+json': { schema: ProblemSchema } },
  },
};

export type { JsonSchema, Static, TSchema };
