import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import { answerHistory } from '../answer-history.ts';
import { findDevice } from '../find-device.ts';
import { HistoriesSchema, TelemetryQuerySchema, type TelemetryWish } from '../history-schemas.ts';
import { readMetrics } from '../metric-names.ts';
import { RequestRefused } from '../problems.ts';
import { showTelemetry } from '../resources.ts';
import { DeviceParams, PROBLEM_RESPONSE, TelemetrySchema } from '../schemas.ts';
import { writeHistoriesJson } from '../write-history.ts';

const TelemetryRouteSchema = {
  operationId: 'getTelemetry',
  summary: 'The latest value of each metric; with `metrics`, what these were',
  tags: ['telemetry'],
  params: DeviceParams,
  querystring: TelemetryQuerySchema,
  response: { 200: Type.Union([TelemetrySchema, HistoriesSchema]), ...PROBLEM_RESPONSE },
};

/** What devices reported last, and several metrics of before at once. */
export const telemetryRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/telemetry', { schema: TelemetryRouteSchema }, (request, reply) => {
    const { deviceId } = request.params;
    const { metrics, ...wish } = request.query;
    if (metrics === undefined) {
      refuseWithoutMetrics(wish);
      return showTelemetry(findDevice(hub, deviceId));
    }
    const asked = { deviceId, metrics: readMetrics(metrics), wish };
    return answerHistory(hub, { request, reply }, asked, writeHistoriesJson) as never;
  });
};

function refuseWithoutMetrics(wish: Omit<TelemetryWish, 'metrics'>): void {
  const [name] = Object.keys(wish);
  if (name === undefined) return;
  const text = `${name} is of a history: say of which metrics, with metrics=NAME,NAME. The latest values have no range.`;
  throw new RequestRefused('REQUEST_INVALID', text);
}
