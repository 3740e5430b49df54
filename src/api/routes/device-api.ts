import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import type { Device } from '../../devices/device.ts';
import type { Hub } from '../../hub/hub.ts';
import { describeDevices } from '../describe-devices.ts';
import { gather, sendInTurns } from '../send-in-turns.ts';

/** The commands of live devices as an API of their own, of those that the caller may command. */
export const deviceApiRoutes: FastifyPluginAsyncTypebox<{ readonly hub: Hub }> = async (app, { hub }) => {
  const open = { config: { verb: 'any' as const }, schema: { hide: true } };
  app.get('/openapi/devices.json', open, ({ principal }, reply) => {
    function* devices(): Generator<Device> {
      for (const device of hub.devices.all())
        if (may(principal, 'command', hub.devices.targetOf(device.id))) yield device;
    }
    const texts = gather(describeDevices(devices()));
    return sendInTurns(reply.type('application/json; charset=utf-8'), hub.ledger, texts);
  });
};
