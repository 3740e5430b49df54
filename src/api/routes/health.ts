import { Type } from '../../config/type.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { TSchema } from 'typebox';
import { version } from '../../base/version.ts';
import type { Hub } from '../../hub/hub.ts';
import type { collectMetrics } from '../metrics.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import { HealthSchema, PROBLEM_RESPONSE } from '../schemas.ts';

const ProbeSchema = Type.Object({ status: Type.Enum(['ok']) });

const ReadinessSchema = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded'], { description: '`degraded`: something cannot be stored' }),
    stores: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          state: Type.Enum([
            'full',
            'read-only',
            'locked',
            'removed',
            'failing',
            'damaged',
            'unreachable',
            'ended',
          ]),
          advice: Type.String({ description: 'What to do' }),
        }),
        { description: 'Those that something is wrong with; not for who would be refused elsewhere' },
      ),
    ),
  },
  { title: 'Readiness' },
);

const HealthRouteSchema = {
  operationId: 'getHealth',
  summary: 'Tells which hub this is, and that it is alive',
  tags: ['hub'],
  response: { 200: HealthSchema, ...PROBLEM_RESPONSE },
};

const probe = <Answer extends TSchema>(operationId: string, summary: string, answer: Answer) => ({
  // Load balancers have no token.
  config: { isOpenToAll: true },
  schema: {
    operationId,
    summary,
    tags: ['hub'],
    security: [],
    response: { 200: answer, ...PROBLEM_RESPONSE },
  },
});

/** Whether the hub lives, and its counters for Prometheus. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ hub: Hub; webhooks: Webhooks }> = async (
  app,
  parts,
) => {
  const { hub } = parts;
  app.get('/healthz', probe('getLiveness', 'Tells that the hub is alive', ProbeSchema), async () => ({
    status: 'ok' as const,
  }));
  // While it starts it does not listen, and while it stops every answer is that it does.
  const readiness = probe('getReadiness', 'Tells that the hub takes requests, and stores', ReadinessSchema);
  app.get('/readyz', readiness, async ({ isAdmitted }) => {
    const stores = (hub.stores?.health ?? []).flatMap(({ name, state, advice }) =>
      state === 'ready' ? [] : [{ name, state, advice }],
    );
    if (stores.length === 0) return { status: 'ok' as const };
    // A stranger need not know what.
    return { status: 'degraded' as const, ...(isAdmitted && { stores }) };
  });
  app.get('/api/v1/health', { config: { verb: 'any' }, schema: HealthRouteSchema }, async () => ({
    status: 'ok' as const,
    name: 'recado' as const,
    version,
  }));

  let metrics: ReturnType<typeof collectMetrics> | undefined;
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    // Many hubs are never asked: their metrics, and the library that writes them, are not there.
    metrics ??= (await import('../metrics.ts')).collectMetrics(parts);
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
};
