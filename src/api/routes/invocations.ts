import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import { Type } from '../../config/type.ts';
import type { InvocationRecord } from '../../devices/invocation-record.ts';
import type { Hub } from '../../hub/hub.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { problemOf, problemOfFailure, RequestRefused, sendProblem } from '../problems.ts';
import { showInvocation, showTime } from '../resources.ts';
import {
  InvocationDetailSchema,
  type InvocationDetailResource,
  InvocationPageSchema,
  InvocationParams,
  InvocationQuerySchema,
} from '../invocation-schemas.ts';
import { PROBLEM_RESPONSE, type ProblemResource } from '../schemas.ts';

const DEFAULT_PAGE_INVOCATIONS = 100;

const ListSchema = {
  operationId: 'listInvocations',
  summary: 'Lists commands that run, wait, or have ended, the newest first',
  tags: ['invocations'],
  querystring: InvocationQuerySchema,
  response: { 200: InvocationPageSchema, ...PROBLEM_RESPONSE },
};

const GetSchema = {
  operationId: 'getInvocation',
  summary: 'What became of a command, or how it stands',
  tags: ['invocations'],
  params: InvocationParams,
  response: { 200: InvocationDetailSchema, ...PROBLEM_RESPONSE },
};

const CancelSchema = {
  operationId: 'cancelInvocation',
  summary: 'Cancels a command that runs or waits',
  tags: ['invocations'],
  params: InvocationParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** Whose device it is stands in the invocation. */
const ANY = { verb: 'any' as const };

/** Lists invocations, tells what became of one, and cancels what has not ended. */
export const invocationRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/invocations', { config: ANY, schema: ListSchema }, async (request) => {
    const { limit = DEFAULT_PAGE_INVOCATIONS, cursor, ...filter } = request.query;
    const { principal } = request;
    const isSeen = (deviceId: string): boolean => may(principal, 'read', hub.devices.targetOf(deviceId));
    const before = cursor === undefined ? undefined : readCursor('before', cursor);
    const found = hub.book.list({ ...filter, isSeen }, before, limit + 1);
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    return {
      invocations: page.map(showInvocation),
      ...(last !== undefined && { nextCursor: writeCursor('before', last.id) }),
    };
  });

  app.get('/invocations/:invocationId', { config: ANY, schema: GetSchema }, async (request) =>
    showInvocationDetail(findInvocation(hub, request)),
  );

  app.delete('/invocations/:invocationId', { config: ANY, schema: CancelSchema }, (request, reply) => {
    const { invocationId } = request.params;
    const { state, deviceId } = findInvocation(hub, request);
    if (!may(request.principal, 'command', hub.devices.targetOf(deviceId)))
      throw new RequestRefused('FORBIDDEN', `This account may not command ${deviceId}.`);
    const invocation = hub.book.live(invocationId);
    if (invocation !== undefined) {
      // It is told when it is written down how it ends: perhaps its device was sooner.
      invocation.whenDone((ended) => {
        if (ended.state === 'cancelled' || !ended.isEnded) reply.code(204).send(null);
        else sendProblem(reply, hasEnded(ended));
      });
      hub.cancel(invocation);
    } else if (state === 'cancelled') {
      reply.code(204).send(null);
    } else {
      sendProblem(reply, hasEnded({ id: invocationId, state }));
    }
  });
};

function hasEnded({ id, state }: Pick<InvocationRecord, 'id' | 'state'>): ProblemResource {
  return problemOf('INVOCATION_ENDED', `The invocation ${id} has ended: it is ${state}.`);
}

/** Who may not see the device does not learn what it was asked. */
function findInvocation(
  hub: Hub,
  { params, principal }: FastifyRequest<{ Params: { invocationId: string } }>,
): InvocationRecord {
  const id = params.invocationId;
  const found = hub.book.get(id);
  if (found !== undefined && may(principal, 'read', hub.devices.targetOf(found.deviceId))) return found;
  throw new RequestRefused('INVOCATION_UNKNOWN', `No invocation ${id} is known: it may be forgotten.`);
}

/** With what came of it. */
function showInvocationDetail(record: InvocationRecord): InvocationDetailResource {
  const { endedAt, safeToRetry, lateAnswer } = record;
  return {
    ...showInvocation(record),
    ...(endedAt > 0 && { ended: showTime(endedAt) }),
    safeToRetry,
    ...showAnswer(record),
    ...(lateAnswer !== undefined && {
      lateAnswer: { time: showTime(lateAnswer.time), ...showAnswer(lateAnswer) },
    }),
  };
}

function showAnswer({
  outputText,
  failure,
}: Pick<InvocationRecord, 'outputText' | 'failure'>): Pick<InvocationDetailResource, 'output' | 'problem'> {
  return {
    ...(outputText !== undefined && { output: JSON.parse(outputText) as unknown }),
    ...(failure !== undefined && { problem: problemOfFailure(failure) }),
  };
}
