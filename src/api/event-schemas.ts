import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { DEVICE_EVENT_KINDS } from '../devices/events.ts';
import {
  DeviceId,
  InvocationSchema,
  LIST,
  nullable,
  presenceProperties,
  ReadingSchema,
  selectorProperties,
  Time,
} from './schemas.ts';

/* What `GET /api/v1/events` tells: one schema for the data of each type of event. */

// What `status` a device has is what events tell.
const { status: _status, ...ofDevices } = selectorProperties;

const wish = {
  ...ofDevices,
  kind: Type.Optional(
    Type.String({
      maxLength: 256,
      pattern: LIST,
      description: `Only these, with commas between them: ${DEVICE_EVENT_KINDS.join(', ')}`,
    }),
  ),
};

/** Which events are meant. */
export const EventWishSchema = Type.Object(wish, { additionalProperties: false });

export const EventQuerySchema = Type.Object(
  {
    ...wish,
    ticket: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Of `POST /api/v1/tickets`, without anything else: what is told was said there',
      }),
    ),
  },
  { additionalProperties: false },
);
export type EventQuery = Static<typeof EventQuerySchema>;

export const TicketBodySchema = Type.Object(
  {
    ...wish,
    lastEventId: Type.Optional(
      Type.String({ maxLength: 64, description: 'The `id` of the event after which to go on' }),
    ),
    service: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'For one WebSocket of this service, and no events',
      }),
    ),
  },
  { additionalProperties: false },
);

export type TicketBody = Static<typeof TicketBodySchema>;

export const TicketSchema = Type.Object(
  {
    ticket: Type.String({
      description:
        'Good once, as `ticket` in the query of `/api/v1/events`, or `recado_ticket` in that of a WebSocket of the service',
    }),
    expiresInSeconds: Type.Integer(),
  },
  { title: 'StreamTicket' },
);
export type TicketResource = Static<typeof TicketSchema>;

const happened = { deviceId: DeviceId, time: Time };
const { lastSeen: _, ...changed } = presenceProperties;

/** The data of each type of event, by type. */
export const EVENT_SCHEMAS = {
  presence: Type.Object({ ...happened, presence: Type.Object(changed) }),
  description: Type.Object({
    ...happened,
    title: nullable(Type.String()),
    model: nullable(Type.String()),
    commandCount: Type.Integer(),
  }),
  reading: Type.Object({ deviceId: DeviceId, ...ReadingSchema.properties }),
  unavailable: Type.Object({ ...happened, reason: Type.String() }),
  invocation: Type.Object({
    ...happened,
    invocation: InvocationSchema,
    code: nullable(Type.String({ description: 'Why it did not complete' })),
    lateAnsweredAt: Type.Optional(Time),
  }),
  event: Type.Object({
    ...happened,
    name: Type.String(),
    data: Type.Unknown({ description: 'By the schema of the description; null when it came with none' }),
  }),
  forgotten: Type.Object(happened),
  missed: Type.Object({ count: Type.Integer() }),
  reset: Type.Object({ reason: Type.Enum(['hub-restarted', 'not-kept']) }),
};

export type EventType = keyof typeof EVENT_SCHEMAS;
/** The data of one type of event. */
export type EventResource<T extends EventType> = Static<(typeof EVENT_SCHEMAS)[T]>;
