import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { INVOCATION_STATES } from '../devices/invocation-snapshot.ts';
import {
  CommandName,
  DeviceId,
  invocationProperties,
  InvocationSchema,
  ProblemSchema,
  Time,
  type ProblemResource,
} from './schemas.ts';

/* What became of commands, on the wire; what a command is asked with and answered stands in schemas.ts. */

const failed = {
  output: Type.Optional(
    Type.Unknown({ description: 'What the device answered, where it was kept for who asks later' }),
  ),
  problem: Type.Optional(Type.Unsafe<ProblemResource>(ProblemSchema)),
};

export const InvocationParams = Type.Object({ invocationId: Type.String({ minLength: 1, maxLength: 64 }) });

export const InvocationDetailSchema = Type.Object(
  {
    ...invocationProperties,
    ended: Type.Optional(Time),
    safeToRetry: Type.Boolean({ description: 'Whether it may be asked again without doing the thing twice' }),
    ...failed,
    lateAnswer: Type.Optional(
      Type.Object(
        { time: Time, ...failed },
        { description: 'What came after the caller had been told that nothing came' },
      ),
    ),
  },
  { title: 'InvocationDetail' },
);
export type InvocationDetailResource = Static<typeof InvocationDetailSchema>;

const MAX_PAGE_INVOCATIONS = 1000;

export const InvocationQuerySchema = Type.Object(
  {
    deviceId: Type.Optional(DeviceId),
    command: Type.Optional(CommandName),
    state: Type.Optional(Type.Enum([...INVOCATION_STATES])),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_PAGE_INVOCATIONS, description: 'Invocations a page' }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: 256, description: 'The `nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
);
export type InvocationQuery = Static<typeof InvocationQuerySchema>;

export const InvocationPageSchema = Type.Object(
  {
    invocations: Type.Array(InvocationSchema),
    nextCursor: Type.Optional(Type.String({ description: 'Absent on the last page' })),
  },
  { title: 'InvocationPage' },
);
export type InvocationPageResource = Static<typeof InvocationPageSchema>;
