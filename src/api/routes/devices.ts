import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { readSelector } from '../device-selector.ts';
import { readMetrics } from '../metric-names.ts';
import { RequestRefused } from '../problems.ts';
import { showDevice, showDeviceDetail, showReadings } from '../resources.ts';
import {
  DeviceDetailSchema,
  DevicePageSchema,
  DevicePatchSchema,
  DeviceParams,
  DeviceQuerySchema,
  PROBLEM_RESPONSE,
} from '../schemas.ts';

const DEFAULT_PAGE_DEVICES = 100;

const ListSchema = {
  operationId: 'listDevices',
  summary: 'Lists devices, in the order in which the hub met them',
  tags: ['devices'],
  querystring: DeviceQuerySchema,
  response: { 200: DevicePageSchema, ...PROBLEM_RESPONSE },
};

const GetSchema = {
  operationId: 'getDevice',
  summary: 'Describes a device',
  tags: ['devices'],
  params: DeviceParams,
  response: { 200: DeviceDetailSchema, ...PROBLEM_RESPONSE },
};

const PatchSchema = {
  operationId: 'changeDevice',
  summary: 'Gives a device a title and tags',
  tags: ['devices'],
  params: DeviceParams,
  body: DevicePatchSchema,
  response: { 200: DeviceDetailSchema, ...PROBLEM_RESPONSE },
};

const ForgetSchema = {
  operationId: 'forgetDevice',
  summary: 'Forgets an offline device',
  tags: ['devices'],
  params: DeviceParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** Lists devices, describes them, and forgets those that are gone. */
export const deviceRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/devices', { config: { verb: 'any' }, schema: ListSchema }, async (request) => {
    const { limit = DEFAULT_PAGE_DEVICES, cursor, metrics, ...filter } = request.query;
    const wanted = metrics === undefined ? undefined : readMetrics(metrics);
    const { principal } = request;
    const isMeant = readSelector(filter);
    const found = [...hub.devices.all()].filter(
      (device) => may(principal, 'read', hub.devices.targetOf(device.id)) && isMeant(device),
    );
    const after = cursor === undefined ? 0 : Number(readCursor('after', cursor));
    const rest = found.filter((device) => device.order > after);
    const page = rest.slice(0, limit);
    const last = rest.length > limit ? page.at(-1) : undefined;
    return {
      devices: page.map((device) => ({
        ...showDevice(device),
        ...(wanted !== undefined && { readings: showReadings(device, wanted) }),
      })),
      ...(last !== undefined && { nextCursor: writeCursor('after', last.order) }),
      total: found.length,
    };
  });

  app.get('/devices/:deviceId', { schema: GetSchema }, async (request) =>
    showDeviceDetail(findDevice(hub, request.params.deviceId)),
  );

  app.patch('/devices/:deviceId', { schema: PatchSchema }, async (request) => {
    const device = findDevice(hub, request.params.deviceId);
    const { title, tags } = request.body;
    const before = device.given;
    hub.devices.give(device, {
      ...before,
      ...(title !== undefined && { title: title ?? undefined }),
      ...(tags !== undefined && { tags: [...new Set(tags)] }),
    });
    await lasting(hub, () => hub.devices.give(device, before));
    return showDeviceDetail(device);
  });

  app.delete('/devices/:deviceId', { schema: ForgetSchema }, async (request, reply) => {
    const { id } = findDevice(hub, request.params.deviceId);
    if (hub.devices.forget(id) === 'online') {
      const message = `Device ${id} is online: only one that is offline can be forgotten.`;
      throw new RequestRefused('DEVICE_ONLINE', message);
    }
    await lasting(hub);
    return reply.code(204).send(null);
  });
};

/** Waits until what was changed lasts. Where it cannot be stored, it is not changed: `undo` is called. */
async function lasting(hub: Hub, undo?: () => void): Promise<void> {
  try {
    await hub.devices.commit();
  } catch (error) {
    undo?.();
    const why = error instanceof Error ? error.message : String(error);
    throw new RequestRefused('STORE_UNAVAILABLE', `The hub cannot write down now what must last: ${why}.`);
  }
}
