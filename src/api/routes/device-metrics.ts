import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import { systemClock } from '../../base/clock.ts';
import { KeptKind } from '../../base/kept-kinds.ts';
import type { Device } from '../../devices/device.ts';
import type { Hub } from '../../hub/hub.ts';
import { DEVICE_METRICS_TYPE, DEVICE_METRICS_BYTES, streamDeviceMetrics } from '../device-metrics.ts';
import { RequestRefused } from '../problems.ts';
import { bookForRequest } from '../request-bookings.ts';

type DeviceMetricsOptions = {
  readonly hub: Hub;
  /** Older readings are left out. */
  readonly maxMetricAgeMs: number;
};

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'The hub has as many answers under way as it may. Try again when some have been read.',
  { headers: { 'retry-after': '5' } },
);

/** The latest numbers of devices for Prometheus, of those that the caller may read. */
export const deviceMetricsRoutes: FastifyPluginAsyncTypebox<DeviceMetricsOptions> = async (app, options) => {
  const { hub, maxMetricAgeMs } = options;
  const config = { verb: 'any' as const };
  app.get('/metrics/devices', { config, schema: { hide: true } }, (request, reply) => {
    const { principal } = request;
    const kept = { kind: KeptKind.ANSWER, bytes: DEVICE_METRICS_BYTES };
    if (!bookForRequest(hub.ledger, request, reply.raw, kept)) throw TOO_MANY;
    function* devices(): Generator<Device> {
      for (const device of hub.devices.all())
        if (may(principal, 'read', hub.devices.targetOf(device.id))) yield device;
    }
    const since = systemClock.now() - maxMetricAgeMs;
    return reply.type(DEVICE_METRICS_TYPE).send(streamDeviceMetrics({ devices, since }));
  });
};
