import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type { DeviceEventKind } from '../../devices/events.ts';
import type { Hub } from '../../hub/hub.ts';
import type { EventStreams, EventWriter } from '../event-streams.ts';
import { findDevice } from '../find-device.ts';
import { openEventStream } from '../open-event-stream.ts';
import { RequestRefused } from '../problems.ts';
import type { EventWish } from '../stream-tickets.ts';
import { DIRECTORY_EVENTS, type DirectoryEvent } from '../things/describe-directory.ts';
import { thingId } from '../things/thing-description.ts';
import {
  DirectoryEventParams,
  THING_STREAM_RESPONSE,
  ThingEventParams,
  ThingMetricParams,
  ThingStreamQuerySchema,
} from '../thing-schemas.ts';
import { writeEvent } from '../write-event.ts';
import { NOT_FOR_THIS, readInterest } from './events.ts';

const ofStream = (operationId: string, summary: string) => ({
  operationId,
  summary,
  tags: ['things'],
  querystring: ThingStreamQuerySchema,
  response: THING_STREAM_RESPONSE,
});

const ObserveSchema = {
  ...ofStream('observeProperty', 'Tells each value of a metric as it is reported, bare'),
  params: ThingMetricParams,
};
const SubscribeSchema = {
  ...ofStream(
    'subscribeEvent',
    'Tells each time that something happens at a device: the data of the event, bare',
  ),
  params: ThingEventParams,
};
const FollowSchema = ofStream('followThings', 'Tells which things come, change and go');
const FollowOneSchema = {
  ...ofStream('followThingsOfType', 'Tells which things come, or change, or go'),
  params: DirectoryEventParams,
};

type ThingStreamOptions = { readonly hub: Hub; readonly streams: EventStreams };

/** What happens at things, and in their directory, as consumers of Thing Descriptions follow it. */
export const thingStreamRoutes: FastifyPluginAsyncTypebox<ThingStreamOptions> = async (app, options) => {
  const { hub, streams } = options;
  const place = { streams, ledger: hub.ledger };
  const ofDevice = { isLong: true, takesTicket: 'events' } as const;
  const ofAll = { ...ofDevice, verb: 'any' } as const;

  const observe = { config: ofDevice, schema: ObserveSchema };
  app.get('/things/:deviceId/properties/:metric/observe', observe, (request, reply) => {
    const { deviceId: device, metric } = request.params;
    const { description, telemetry } = findDevice(hub, device);
    if (telemetry.get(metric) === undefined && !description.telemetry.some((each) => each.metric === metric))
      throw new RequestRefused('METRIC_UNKNOWN', `Device ${device} has not reported ${metric}.`);
    const wish = readWish(hub, request, { device, kinds: ['reading'] });
    openEventStream(place, reply, { ...wish, write: writeReadingsOf(metric) });
  });

  const subscribe = { config: ofDevice, schema: SubscribeSchema };
  app.get('/things/:deviceId/events/:eventName', subscribe, (request, reply) => {
    const { deviceId: device, eventName } = request.params;
    if (findDevice(hub, device).description.events?.some(({ name }) => name === eventName) !== true)
      throw new RequestRefused('EVENT_UNKNOWN', `Device ${device} tells no ${eventName}.`);
    const wish = readWish(hub, request, { device, kinds: ['event'] });
    openEventStream(place, reply, { ...wish, write: writeEventsOf(eventName) });
  });

  const directory = { kinds: ['description', 'forgotten'] } as const;
  app.get('/events', { config: ofAll, schema: FollowSchema }, (request, reply) =>
    openEventStream(place, reply, { ...readWish(hub, request, directory), write: writeDirectoryEvents() }),
  );
  app.get('/events/:type', { config: ofAll, schema: FollowOneSchema }, (request, reply) => {
    const write = writeDirectoryEvents(request.params.type);
    openEventStream(place, reply, { ...readWish(hub, request, directory), write });
  });
};

/** What a stream tells: of what a ticket is for, the part that is asked for here. */
function readWish(
  hub: Hub,
  { principal, headers, streamTicket }: Pick<FastifyRequest, 'principal' | 'headers' | 'streamTicket'>,
  { device, kinds }: { readonly device?: string; readonly kinds: readonly DeviceEventKind[] },
): EventWish {
  if (streamTicket === undefined) {
    const selector = device === undefined ? {} : { device };
    const interest = readInterest({ ...selector, kind: kinds.join(',') }, principal, hub);
    return { interest, lastEventId: headers['last-event-id']?.toString() };
  }
  const { opens } = streamTicket;
  if ('service' in opens) throw NOT_FOR_THIS;
  const { interest, lastEventId } = opens;
  const isForDevice = device === undefined || interest.devices?.has(device) !== false;
  if (!isForDevice || kinds.some((kind) => interest.kinds?.has(kind) === false)) throw NOT_FOR_THIS;
  const devices = device === undefined ? interest.devices : new Set([device]);
  return { interest: { ...interest, devices, kinds: new Set(kinds) }, lastEventId };
}

/** Of the name that a reader without words of the hub's own listens for. */
function writeValue(id: string, json: string): string {
  return `id: ${id}\ndata: ${json}\n\n`;
}

function writeReadingsOf(metric: string): EventWriter {
  return (event, id) => {
    if (event.kind !== 'reading') return writeEvent(event, id);
    return event.metric === metric ? writeValue(id, JSON.stringify(event.value)) : '';
  };
}

function writeEventsOf(name: string): EventWriter {
  return (event, id) => {
    if (event.kind !== 'event') return writeEvent(event, id);
    return event.name === name ? writeValue(id, event.data ?? 'null') : '';
  };
}

/** @param only - the type that is wanted; undefined: all */
function writeDirectoryEvents(only?: DirectoryEvent): EventWriter {
  const { thingCreated, thingUpdated, thingDeleted } = DIRECTORY_EVENTS;
  return (event, id) => {
    if (event.kind !== 'description' && event.kind !== 'forgotten') return writeEvent(event, id);
    const changed = event.kind === 'description' && !event.isNew ? thingUpdated : thingCreated;
    const type = event.kind === 'forgotten' ? thingDeleted : changed;
    if (only !== undefined && type !== only) return '';
    return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id: thingId(event.deviceId) })}\n\n`;
  };
}
