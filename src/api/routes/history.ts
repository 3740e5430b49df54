import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from '../../config/type.ts';
import { MAX_METRIC_NAME_CHARACTERS } from '../../devices/telemetry.ts';
import type { Hub } from '../../hub/hub.ts';
import { answerHistory } from '../answer-history.ts';
import { HistoryQuerySchema, HistorySchema } from '../history-schemas.ts';
import { DeviceId, PROBLEM_RESPONSE } from '../schemas.ts';
import { writeHistoryJson } from '../write-history.ts';

const metric = Type.String({ minLength: 1, maxLength: MAX_METRIC_NAME_CHARACTERS });

const HistoryRouteSchema = {
  operationId: 'getHistory',
  summary: 'What a metric was: each reading, or one value for each stretch of time',
  tags: ['telemetry'],
  params: Type.Object({ deviceId: DeviceId, metric }),
  querystring: HistoryQuerySchema,
  response: { 200: HistorySchema, ...PROBLEM_RESPONSE },
};

/** What devices reported before. */
export const historyRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/telemetry/:metric', { schema: HistoryRouteSchema }, (request, reply) => {
    const { deviceId, metric: name } = request.params;
    const asked = { deviceId, metrics: [name], wish: request.query };
    // A text passes the serialisation by.
    return answerHistory(hub, { request, reply }, asked, writeHistoryJson) as never;
  });
};
