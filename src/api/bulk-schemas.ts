import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import {
  CommandName,
  DeviceSelectorSchema,
  InvocationSchema,
  ProblemSchema,
  type InvocationResource,
  type ProblemResource,
} from './schemas.ts';

/* One command to many devices: what it is asked with, and the lines that it is answered with. */

const MAX_CONCURRENT = 1000;
const MAX_RESUME_MS = 3_600_000;

export const BulkBodySchema = Type.Object(
  {
    command: CommandName,
    select: DeviceSelectorSchema,
    input: Type.Optional(Type.Unknown({ description: 'Checked against the schema of each device' })),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Wait for each device, in ms; as of one command' }),
    ),
    maxConcurrent: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_CONCURRENT,
        description: 'So many devices are asked at once, at most; at most invocations.maxBulkInFlight',
      }),
    ),
    stopOnFailureRate: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description: 'No more are asked once more than this part of all that were selected have failed',
      }),
    ),
    resumeForMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_RESUME_MS,
        description:
          'How long it waits for a caller that has left, to go on: without it, it is cancelled when its caller leaves',
      }),
    ),
  },
  { title: 'BulkCommand', additionalProperties: false },
);
export type BulkBody = Static<typeof BulkBodySchema>;

export const BulkParams = Type.Object({ bulkId: Type.String({ minLength: 1, maxLength: 64 }) });

export const BulkResumeQuerySchema = Type.Object(
  {
    after: Type.Integer({ minimum: 0, description: 'The `n` of the last line that came; 0 when none did' }),
  },
  { additionalProperties: false },
);

const BULK_ENDS = ['done', 'stopped', 'cancelled'] as const;
export type BulkEnd = (typeof BULK_ENDS)[number];

/** The lines, by their `type`. */
export const BULK_LINES = {
  begin: Type.Object({
    type: Type.Enum(['begin']),
    id: Type.String({ description: 'For `GET` and `DELETE /api/v1/commands/{id}`' }),
    command: CommandName,
    selected: Type.Integer({ description: 'Devices that are asked' }),
  }),
  result: Type.Object({
    type: Type.Enum(['result']),
    n: Type.Integer({ description: '1, 2, 3 … in the order in which devices have answered' }),
    deviceId: Type.String(),
    output: Type.Optional(
      Type.Unknown({ description: 'What the device answered; null when without a value' }),
    ),
    problem: Type.Optional(Type.Unsafe<ProblemResource>(ProblemSchema)),
    invocation: Type.Optional(Type.Unsafe<InvocationResource>(InvocationSchema)),
  }),
  missed: Type.Object({
    type: Type.Enum(['missed']),
    count: Type.Integer({
      description: 'Lines that a caller who came back did not get, and that are not kept',
    }),
  }),
  end: Type.Object({
    type: Type.Enum(['end']),
    n: Type.Integer(),
    state: Type.Enum([...BULK_ENDS], {
      description: '`stopped`: by stopOnFailureRate; `cancelled`: by DELETE, or because the hub stops',
    }),
    completed: Type.Integer(),
    failed: Type.Integer(),
    notAsked: Type.Integer({ description: 'Of those that were selected' }),
  }),
};
export type BulkLine = {
  [T in keyof typeof BULK_LINES]: Static<(typeof BULK_LINES)[T]> & { type: T };
}[keyof typeof BULK_LINES];
