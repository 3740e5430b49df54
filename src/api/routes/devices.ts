import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Device } from '../../devices/device.ts';
import type { Hub } from '../../hub/hub.ts';
import { RequestRefused } from '../problems.ts';
import { showCommand, showDevice, showDeviceDetail, showTelemetry } from '../resources.ts';
import { Command, Device as DeviceSchema, DeviceDetail, DeviceId, PROBLEM_RESPONSE, Telemetry } from '../schemas.ts';

const MAX_PAGE_DEVICES = 1000;
const DEFAULT_PAGE_DEVICES = 100;

const Query = Type.Object(
  {
    status: Type.Optional(Type.Enum(['online', 'offline'])),
    gateway: Type.Optional(Type.String({ maxLength: 64 })),
    q: Type.Optional(Type.String({ maxLength: 256, description: 'Text in the id, title or model' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_PAGE_DEVICES, description: 'Devices a page' })),
    cursor: Type.Optional(Type.String({ maxLength: 256, description: 'The `nextCursor` of the page before' })),
  },
  { additionalProperties: false },
);

type Filter = { status?: 'online' | 'offline'; gateway?: string; q?: string };

const PARAMS = Type.Object({ deviceId: DeviceId });

/** Lists devices, describes them, and forgets those that are gone. */
export const deviceRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  const find = (deviceId: string): Device => {
    const device = hub.devices.get(deviceId);
    if (device === undefined) throw new RequestRefused('DEVICE_UNKNOWN', `There is no device ${deviceId}.`);
    return device;
  };

  const list = Type.Object({ devices: Type.Array(DeviceSchema), nextCursor: Type.Optional(Type.String()), total: Type.Integer() });
  app.get(
    '/devices',
    { schema: { operationId: 'listDevices', summary: 'Lists devices', tags: ['devices'], querystring: Query, response: { 200: list, ...PROBLEM_RESPONSE } } },
    async (request) => {
      const { limit = DEFAULT_PAGE_DEVICES, cursor, ...filter } = request.query;
      const found = [...hub.devices.all()].filter((device) => matches(device, filter));
      const from = cursor === undefined ? 0 : startOf(found, cursor);
      const page = found.slice(from, from + limit);
      const last = page.at(-1);
      const more = last !== undefined && from + limit < found.length;
      return { devices: page.map(showDevice), ...(more && { nextCursor: cursorAfter(last) }), total: found.length };
    },
  );

  app.get(
    '/devices/:deviceId',
    { schema: { operationId: 'getDevice', summary: 'Describes a device', tags: ['devices'], params: PARAMS, response: { 200: DeviceDetail, ...PROBLEM_RESPONSE } } },
    async (request) => showDeviceDetail(find(request.params.deviceId)),
  );

  app.delete(
    '/devices/:deviceId',
    { schema: { operationId: 'forgetDevice', summary: 'Forgets an offline device', tags: ['devices'], params: PARAMS, response: { 204: Type.Null(), ...PROBLEM_RESPONSE } } },
    async (request, reply) => {
      const { deviceId } = request.params;
      const outcome = hub.devices.forget(deviceId);
      if (outcome === 'unknown') throw new RequestRefused('DEVICE_UNKNOWN', `There is no device ${deviceId}.`);
      if (outcome === 'online') throw new RequestRefused('DEVICE_ONLINE', `Device ${deviceId} is online: only one that is offline can be forgotten.`);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/devices/:deviceId/commands',
    {
      schema: {
        operationId: 'listCommands',
        summary: 'Lists the commands of a device, with their schemas',
        tags: ['commands'],
        params: PARAMS,
        response: { 200: Type.Object({ commands: Type.Array(Command) }), ...PROBLEM_RESPONSE },
      },
    },
    async (request) => ({ commands: find(request.params.deviceId).description.commands.map(showCommand) }),
  );

  app.get(
    '/devices/:deviceId/telemetry',
    {
      schema: {
        operationId: 'getTelemetry',
        summary: 'The latest value of each metric',
        tags: ['telemetry'],
        params: PARAMS,
        response: { 200: Telemetry, ...PROBLEM_RESPONSE },
      },
    },
    async (request) => showTelemetry(find(request.params.deviceId)),
  );
};

function matches(device: Device, filter: Filter): boolean {
  if (filter.status !== undefined && device.presence.status !== filter.status) return false;
  if (filter.gateway !== undefined && device.gateway !== filter.gateway) return false;
  if (filter.q === undefined) return true;
  const text = filter.q.toLowerCase();
  return [device.id, device.title, device.description.model].some((field) => field?.toLowerCase().includes(text) === true);
}

/*
 * A cursor names the last device of its page and its place. Devices are listed in the order in which the hub met
 * them, so the page after it is the same one even when others came meanwhile.
 */
function cursorAfter(device: Device): string {
  return Buffer.from(device.id).toString('base64url');
}

function startOf(devices: readonly Device[], cursor: string): number {
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  const index = devices.findIndex((device) => device.id === id);
  if (index < 0) {
    throw new RequestRefused('REQUEST_INVALID', 'The cursor is of no use any more: its device is gone from this list. Start again without it.');
  }
  return index + 1;
}
