import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { may, type Verb } from '../../accounts/permissions.ts';
import type { Principal } from '../../accounts/principal.ts';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import type { BulkCommand } from '../bulk-command.ts';
import { BulkCommands } from '../bulk-commands.ts';
import { BULK_LINES, BulkBodySchema, BulkParams, BulkResumeQuerySchema } from '../bulk-schemas.ts';
import { readDeviceIds, readSelector } from '../device-selector.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE, type DeviceSelector } from '../schemas.ts';

const LINES_RESPONSE = {
  200: {
    description:
      'One line of JSON for each device, as they answer, between one of the type `begin` and one `end`',
    content: { 'application/x-ndjson': { schema: { oneOf: Object.values(BULK_LINES) } } },
  },
  ...PROBLEM_RESPONSE,
};

const BeginSchema = {
  operationId: 'commandDevices',
  summary: 'Invokes a command of many devices, and tells what each answered as it comes',
  tags: ['commands'],
  body: BulkBodySchema,
  response: LINES_RESPONSE,
};

const ResumeSchema = {
  operationId: 'resumeCommandDevices',
  summary: 'Goes on with the answers of many devices behind a line, for a caller whose connection broke',
  tags: ['commands'],
  params: BulkParams,
  querystring: BulkResumeQuerySchema,
  response: LINES_RESPONSE,
};

const CancelSchema = {
  operationId: 'cancelCommandDevices',
  summary: 'Asks no more devices, and cancels what runs',
  tags: ['commands'],
  params: BulkParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

const HEADERS = {
  'content-type': 'application/x-ndjson; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would keep lines until it has 4 KiB of them.
  'x-accel-buffering': 'no',
};

/** Which devices somebody may ask is looked at one by one. */
const LONG = { verb: 'any', isLong: true } as const;

type BulkRoutesOptions = {
  readonly hub: Hub;
  readonly limits: ConstructorParameters<typeof BulkCommands>[1];
};

/** Asks many devices at once. */
export const bulkCommandRoutes: FastifyPluginAsyncTypebox<BulkRoutesOptions> = async (
  app,
  { hub, limits },
) => {
  const bulks = new BulkCommands(hub, limits);
  app.addHook('preClose', async () => bulks.close());
  const answer = (bulk: BulkCommand, request: FastifyRequest, reply: FastifyReply, after: number): void => {
    reply.hijack();
    const headers = { ...reply.getHeaders(), ...HEADERS, location: `/api/v1/commands/${bulk.id}` };
    reply.raw.writeHead(200, headers as Record<string, string>);
    if (request.method === 'HEAD') reply.raw.end();
    else bulks.read(bulk, request, reply.raw, after);
  };

  app.post('/commands', { config: LONG, schema: BeginSchema }, (request, reply) => {
    const { principal, body } = request;
    const selected = selectDevices(hub, body.select, principal);
    const target = `${body.command} ${JSON.stringify(body.select)}`;
    request.auditTarget = target;
    const onEnded = (summary: string): void => void (request.auditTarget = `${target}: ${summary}`);
    answer(bulks.begin(request, body, { selected, onEnded }), request, reply, -1);
  });

  app.get('/commands/:bulkId', { config: LONG, schema: ResumeSchema }, (request, reply) => {
    answer(bulks.find(request.params.bulkId, request), request, reply, request.query.after);
  });

  app.delete(
    '/commands/:bulkId',
    { config: { verb: 'any' }, schema: CancelSchema },
    async (request, reply) => {
      bulks.cancel(bulks.find(request.params.bulkId, request));
      return reply.code(204).send(null);
    },
  );
};

/**
 * The ids of the devices that are meant: those that are named, known or not, as the list has them; else of all that the
 * caller sees those that it may command. Throws `FORBIDDEN` where it may not command one that it names, or none at all.
 */
function selectDevices({ devices }: Hub, selector: DeviceSelector, principal: Principal): string[] {
  const can = (verb: Verb, id: string): boolean => may(principal, verb, devices.targetOf(id));
  const named = readDeviceIds(selector) ?? [];
  const denied = named.find((id) => !can('command', id));
  if (denied !== undefined)
    throw new RequestRefused('FORBIDDEN', `This account may not command ${denied.slice(0, 64)}.`);
  const isMeant = readSelector(selector);
  const { device: _, ...nature } = selector;
  const unknown = Object.keys(nature).length === 0 ? named.filter((id) => devices.get(id) === undefined) : [];
  const seen = [...devices.all()].filter((device) => isMeant(device) && can('read', device.id));
  const selected = seen.filter(({ id }) => can('command', id)).map(({ id }) => id);
  if (selected.length === 0 && seen.length > 0)
    throw new RequestRefused('FORBIDDEN', 'This account may not command any of these devices.');
  return [...selected, ...new Set(unknown)];
}
