import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { version } from '../../base/version.ts';
import type { Hub } from '../../hub/hub.ts';
import type { collectMetrics } from '../metrics.ts';
import { HealthSchema } from '../schemas.ts';

/** Whether the hub lives, and its counters for Prometheus. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'getHealth',
        summary: 'Tells that the hub is alive',
        tags: ['hub'],
        response: { 200: HealthSchema },
      },
    },
    async () => ({ status: 'ok' as const, name: 'recado' as const, version }),
  );

  let metrics: ReturnType<typeof collectMetrics> | undefined;
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    // Many hubs are never asked: their metrics, and the library that writes them, are not there.
    metrics ??= (await import('../metrics.ts')).collectMetrics(hub);
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
};
