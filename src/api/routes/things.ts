import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { may } from '../../accounts/permissions.ts';
import type { TrustedProxies } from '../../base/forwarding.ts';
import type { Hub } from '../../hub/hub.ts';
import { findDevice } from '../find-device.ts';
import { invokeForCaller } from '../invoke-for-caller.ts';
import { parseJsonBodies } from '../json-bodies.ts';
import { RequestRefused, sendFailure } from '../problems.ts';
import { DeviceParams, PROBLEM_RESPONSE } from '../schemas.ts';
import { gather, sendInTurns, writeList } from '../send-in-turns.ts';
import { describeDirectory, DISCOVERY_CONTEXT } from '../things/describe-directory.ts';
import { describeThing, thingId } from '../things/thing-description.ts';
import { readerOf } from '../things/thing-reader.ts';
import {
  TD_TYPE,
  THING_RESPONSE,
  ThingActionParams,
  ThingListQuerySchema,
  ThingMetricParams,
  THINGS_RESPONSE,
  THINGS_TYPE,
  ThingValueSchema,
} from '../thing-schemas.ts';

const TAGS = ['things'];
const JSON_TYPE = 'application/json; charset=utf-8';

const DirectorySchema = {
  operationId: 'describeDirectory',
  summary: 'Describes the directory of Thing Descriptions (W3C WoT Discovery), as a thing itself',
  tags: TAGS,
  response: THING_RESPONSE,
};

const ListSchema = {
  operationId: 'listThings',
  summary: 'Thing Descriptions of all devices, in the order of their ids',
  tags: TAGS,
  querystring: ThingListQuerySchema,
  response: THINGS_RESPONSE,
};

const GetSchema = {
  operationId: 'getThing',
  summary: 'The W3C Thing Description of a device',
  tags: TAGS,
  params: DeviceParams,
  response: THING_RESPONSE,
};

const ReadSchema = {
  operationId: 'readProperty',
  summary: 'The latest value of a metric, bare',
  tags: TAGS,
  params: ThingMetricParams,
  response: { 200: ThingValueSchema, ...PROBLEM_RESPONSE },
};

const InvokeSchema = {
  operationId: 'invokeAction',
  summary: 'Invokes a command: the body is its input, bare, and the answer its output',
  tags: TAGS,
  params: ThingActionParams,
  body: ThingValueSchema,
  response: { 200: ThingValueSchema, ...PROBLEM_RESPONSE },
};

type ThingRoutesOptions = { readonly hub: Hub; readonly proxies: TrustedProxies };

/** Devices as the Web of Things has them: described, read and invoked without words of the hub's own. */
export const thingRoutes: FastifyPluginAsyncTypebox<ThingRoutesOptions> = async (app, { hub, proxies }) => {
  parseJsonBodies(app, { isInput: true });
  // Who comes to know that there is a directory is told by it what to show.
  const open = { verb: 'any', isOpenToAll: true } as const;

  app.get('/.well-known/wot', { config: open, schema: DirectorySchema }, (request, reply) =>
    reply.type(TD_TYPE).send(JSON.stringify(describeDirectory(readerOf(request, hub, proxies)))),
  );

  app.get('/things', { config: { verb: 'any' }, schema: ListSchema }, (request, reply) => {
    const { offset = 0, limit = Infinity, format } = request.query;
    const ids = readableThings(hub, (target) => may(request.principal, 'read', target));
    const reader = readerOf(request, hub, proxies);
    const page = writeList(ids.slice(offset, offset + limit), (id) => {
      const device = hub.devices.get(id);
      return device && JSON.stringify(describeThing(device, reader));
    });
    const next =
      offset + limit < ids.length ? addressOf({ offset: offset + limit, limit, format }) : undefined;
    const links = [`<${new URL('things', reader.base).href}>; rel="canonical"`];
    if (next !== undefined) links.unshift(`<${next}>; rel="next"`);
    reply.type(THINGS_TYPE).header('link', links.join(', '));
    const own = addressOf({ offset, limit, format });
    const texts = format === 'collection' ? collect(page, { total: ids.length, own, next }) : page;
    void sendInTurns(reply, hub.ledger, gather(texts));
  });

  app.get('/things/:deviceId', { schema: GetSchema }, (request, reply) => {
    const device = findDevice(hub, request.params.deviceId);
    return reply.type(TD_TYPE).send(JSON.stringify(describeThing(device, readerOf(request, hub, proxies))));
  });

  app.get('/things/:deviceId/properties/:metric', { schema: ReadSchema }, (request, reply) => {
    const { deviceId, metric } = request.params;
    const reading = findDevice(hub, deviceId).telemetry.get(metric);
    if (reading === undefined)
      throw new RequestRefused('METRIC_UNKNOWN', `Device ${deviceId} has not reported ${metric}.`);
    return reply.type(JSON_TYPE).send(JSON.stringify(reading.value));
  });

  const invoke = { config: { verb: 'command' as const }, schema: InvokeSchema };
  app.post('/things/:deviceId/actions/:commandName', invoke, (request, reply) => {
    const { deviceId, commandName: command } = request.params;
    const { input } = request.body as { readonly input?: unknown };
    // The invocation has it as text.
    request.body = {};
    invokeForCaller(hub, { request, deviceId, command, input }, (end) => {
      if (end.ok) reply.type(JSON_TYPE).send(JSON.stringify(end.value.output ?? null));
      else sendFailure(reply, end.failure);
    });
  });
};

/** The ids of devices that may be read, in the order of those that they have as things. */
function readableThings(
  { devices }: Hub,
  isReadable: (target: ReturnType<Hub['devices']['targetOf']>) => boolean,
): string[] {
  const found: (readonly [thing: string, id: string])[] = [];
  for (const { id } of devices.all()) if (isReadable(devices.targetOf(id))) found.push([thingId(id), id]);
  found.sort(([a], [b]) => (a < b ? -1 : 1));
  return found.map(([, id]) => id);
}

type PageQuery = { readonly offset: number; readonly limit: number; readonly format: string | undefined };

function addressOf({ offset, limit, format }: PageQuery): string {
  const query = new URLSearchParams();
  if (offset > 0) query.set('offset', String(offset));
  if (limit !== Infinity) query.set('limit', String(limit));
  if (format !== undefined) query.set('format', format);
  return query.size === 0 ? '/things' : `/things?${query.toString()}`;
}

/** A page as a collection (WoT Discovery, section 7.3.2.1.5). */
function* collect(
  page: Iterable<string>,
  { total, own, next }: { readonly total: number; readonly own: string; readonly next: string | undefined },
): Generator<string> {
  const head = { '@context': DISCOVERY_CONTEXT, '@type': 'ThingCollection', '@id': own, total, next };
  yield `${JSON.stringify(head).slice(0, -1)},"members":`;
  yield* page;
  yield '}';
}
