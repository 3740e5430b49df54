import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import { systemClock } from '../../base/clock.ts';
import type { Device } from '../../devices/device.ts';
import type { Hub } from '../../hub/hub.ts';
import { DEVICE_METRICS_TYPE, writeMetrics } from '../device-metrics.ts';
import { sendInTurns } from '../send-in-turns.ts';

type DeviceMetricsOptions = {
  readonly hub: Hub;
  /** Older readings are left out. */
  readonly maxMetricAgeMs: number;
};

/** The latest numbers of devices for Prometheus, of those that the caller may read. */
export const deviceMetricsRoutes: FastifyPluginAsyncTypebox<DeviceMetricsOptions> = async (app, options) => {
  const { hub, maxMetricAgeMs } = options;
  const config = { verb: 'any' as const };
  app.get('/metrics/devices', { config, schema: { hide: true } }, (request, reply) => {
    const { principal } = request;
    function* devices(): Generator<Device> {
      for (const device of hub.devices.all())
        if (may(principal, 'read', hub.devices.targetOf(device.id))) yield device;
    }
    const since = systemClock.now() - maxMetricAgeMs;
    return sendInTurns(reply.type(DEVICE_METRICS_TYPE), hub.ledger, writeMetrics({ devices, since }));
  });
};
