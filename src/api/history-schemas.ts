import { Type } from '../config/type.ts';
import { HISTORY_FUNCTIONS } from '../devices/telemetry-store.ts';
import { nullable, Time, type Static } from './schemas.ts';

/* The history of a metric on the wire. */

export const MAX_HISTORY_VALUES = 100_000;

export const HistoryQuerySchema = Type.Object(
  {
    from: Type.Optional(
      Type.String({ maxLength: 40, description: 'RFC 3339; a day before `to` when absent' }),
    ),
    to: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339, not included; now when absent' })),
    every: Type.Optional(
      Type.String({
        maxLength: 12,
        description:
          'One value for each stretch of time: `1m`, `15s`, `1h`, `1d`, `500ms`. Without it, each reading',
      }),
    ),
    fn: Type.Optional(
      Type.Enum([...HISTORY_FUNCTIONS], { description: 'What each stretch comes to; `avg` when absent' }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_HISTORY_VALUES,
        description: 'Values a page; 1,000 when absent',
      }),
    ),
    format: Type.Optional(Type.Enum(['json', 'csv'], { description: '`Accept: text/csv` asks for it too' })),
  },
  { additionalProperties: false },
);
export type HistoryWish = Static<typeof HistoryQuerySchema>;

export const HistorySchema = Type.Object(
  {
    deviceId: Type.String(),
    metric: Type.String(),
    from: Time,
    to: Time,
    every: nullable(Type.String()),
    fn: nullable(Type.Enum([...HISTORY_FUNCTIONS])),
    values: Type.Array(
      Type.Object({
        time: Type.String({ description: 'Of the reading, or of the beginning of its stretch' }),
        value: Type.Number({ description: 'true and false are 1 and 0; texts are not kept' }),
      }),
    ),
    nextFrom: nullable(Type.String({ description: '`from` of the next page' })),
  },
  { title: 'History' },
);
export type HistoryResource = Static<typeof HistorySchema>;
