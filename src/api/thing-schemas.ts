import { Type } from '../config/type.ts';
import { MAX_METRIC_NAME_CHARACTERS } from '../devices/telemetry.ts';
import { CommandName, DeviceId, PROBLEM_RESPONSE } from './schemas.ts';
import { DIRECTORY_EVENTS } from './things/describe-directory.ts';

/* What the routes of Thing Descriptions take and give. What they give is by the standard, and of each device's own. */

export const ThingListQuerySchema = Type.Object(
  {
    offset: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Things to leave out, in the order of their ids' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, description: 'Things a page; without it, all' })),
    format: Type.Optional(Type.Enum(['array', 'collection'])),
  },
  { additionalProperties: false },
);

export const ThingMetricParams = Type.Object({
  deviceId: DeviceId,
  metric: Type.String({ minLength: 1, maxLength: MAX_METRIC_NAME_CHARACTERS }),
});
export const ThingActionParams = Type.Object({ deviceId: DeviceId, commandName: CommandName });
export const ThingEventParams = Type.Object({
  deviceId: DeviceId,
  eventName: Type.String({ minLength: 1, maxLength: 64 }),
});
export const DirectoryEventParams = Type.Object({ type: Type.Enum(Object.values(DIRECTORY_EVENTS)) });

/** Of streams: nothing but a ticket, for who can send no header. */
export const ThingStreamQuerySchema = Type.Object(
  { ticket: Type.Optional(Type.String({ maxLength: 64, description: 'Of `POST /api/v1/tickets`' })) },
  { additionalProperties: false },
);

const ThingSchema = Type.Unknown({ description: 'A Thing Description 1.1' });

export const TD_TYPE = 'application/td+json';
export const THINGS_TYPE = 'application/ld+json';

export const THING_RESPONSE = {
  200: { description: 'The description', content: { [TD_TYPE]: { schema: ThingSchema } } },
  ...PROBLEM_RESPONSE,
};
export const THINGS_RESPONSE = {
  200: {
    description: 'Thing Descriptions; `Link` leads to the next page',
    content: { [THINGS_TYPE]: { schema: Type.Array(ThingSchema) } },
  },
  ...PROBLEM_RESPONSE,
};
export const THING_STREAM_RESPONSE = {
  200: {
    description: 'Server-Sent Events; the data of each is the value, as JSON',
    content: { 'text/event-stream': { schema: Type.Unknown() } },
  },
  ...PROBLEM_RESPONSE,
};
export const ThingValueSchema = Type.Unknown({ description: 'The value itself' });
