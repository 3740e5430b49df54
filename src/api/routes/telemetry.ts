import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { showTelemetry } from '../resources.ts';
import { DeviceParams, PROBLEM_RESPONSE, TelemetrySchema } from '../schemas.ts';

const TelemetryRouteSchema = {
  operationId: 'getTelemetry',
  summary: 'The latest value of each metric',
  tags: ['telemetry'],
  params: DeviceParams,
  response: { 200: TelemetrySchema, ...PROBLEM_RESPONSE },
};

/** What devices reported last. */
export const telemetryRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices/:deviceId/telemetry', { schema: TelemetryRouteSchema }, async (request) =>
    showTelemetry(findDevice(hub, request.params.deviceId)),
  );
};
