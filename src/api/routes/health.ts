import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { version } from '../../base/version.ts';
import type { Hub } from '../../hub/hub.ts';
import type { collectMetrics } from '../metrics.ts';
import { HealthSchema, PROBLEM_RESPONSE, ProbeSchema } from '../schemas.ts';

const HealthRouteSchema = {
  operationId: 'getHealth',
  summary: 'Tells which hub this is, and that it is alive',
  tags: ['hub'],
  response: { 200: HealthSchema, ...PROBLEM_RESPONSE },
};

const probe = (operationId: string, summary: string) => ({
  // Load balancers have no token.
  config: { isOpenToAll: true },
  schema: {
    operationId,
    summary,
    tags: ['hub'],
    security: [],
    response: { 200: ProbeSchema, ...PROBLEM_RESPONSE },
  },
});

/** Whether the hub lives, and its counters for Prometheus. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/healthz', probe('getLiveness', 'Tells that the hub is alive'), async () => ({
    status: 'ok' as const,
  }));
  // While it starts it does not listen, and while it stops every answer is that it does.
  app.get('/readyz', probe('getReadiness', 'Tells that the hub takes requests'), async () => ({
    status: 'ok' as const,
  }));
  app.get('/api/v1/health', { config: { verb: 'any' }, schema: HealthRouteSchema }, async () => ({
    status: 'ok' as const,
    name: 'recado' as const,
    version,
  }));

  let metrics: ReturnType<typeof collectMetrics> | undefined;
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    // Many hubs are never asked: their metrics, and the library that writes them, are not there.
    metrics ??= (await import('../metrics.ts')).collectMetrics(hub);
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
};
