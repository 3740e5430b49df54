import { Type } from '../config/type.ts';
import { HISTORY_FUNCTIONS } from '../devices/telemetry-store.ts';
import { nullable, Time, type Static } from './schemas.ts';

/* The history of a metric on the wire. */

export const MAX_HISTORY_VALUES = 100_000;

/** Of one question. */
export const MAX_HISTORY_METRICS = 32;
const MAX_METRIC_LIST_CHARACTERS = 4096;

const range = {
  from: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339; a day before `to` when absent' })),
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
};

export const HistoryQuerySchema = Type.Object(range, { additionalProperties: false });
export type HistoryWish = Static<typeof HistoryQuerySchema>;

export const TelemetryQuerySchema = Type.Object(
  {
    ...range,
    metrics: Type.Optional(
      Type.String({
        maxLength: MAX_METRIC_LIST_CHARACTERS,
        description:
          `History of these, up to ${MAX_HISTORY_METRICS}, with commas between; a comma or a % of a name is written ` +
          '%2C or %25. `limit` is for each of them. Without it, the latest value of each metric',
      }),
    ),
  },
  { additionalProperties: false },
);
export type TelemetryWish = Static<typeof TelemetryQuerySchema>;

const values = Type.Array(
  Type.Object({
    time: Type.String({ description: 'Of the reading, or of the beginning of its stretch' }),
    value: Type.Number({ description: 'true and false are 1 and 0; texts are not kept' }),
  }),
);

const asked = {
  from: Time,
  to: Time,
  every: nullable(Type.String()),
  fn: nullable(Type.Enum([...HISTORY_FUNCTIONS])),
  resolution: Type.Optional(
    nullable(
      Type.String({
        description:
          '`1m`: some of it is old, and kept by the minute; a minute counts where it begins, and without `every` it is ' +
          'its average. null: each reading was there',
      }),
    ),
  ),
};

const nextFrom = nullable(Type.String({ description: '`from` of the next page' }));

export const HistorySchema = Type.Object(
  { deviceId: Type.String(), metric: Type.String(), ...asked, values, nextFrom },
  { title: 'History' },
);
export type HistoryResource = Static<typeof HistorySchema>;

export const HistoriesSchema = Type.Object(
  {
    deviceId: Type.String(),
    ...asked,
    series: Type.Array(Type.Object({ metric: Type.String(), values }), {
      description: 'In the order asked for',
    }),
    nextFrom,
  },
  { title: 'Histories' },
);
export type HistoriesResource = Static<typeof HistoriesSchema>;
