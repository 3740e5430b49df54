import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import { partyOf, type Principal } from '../../accounts/principal.ts';
import { DEVICE_EVENT_KINDS, type DeviceEventKind, type EventInterest } from '../../devices/events.ts';
import type { Hub } from '../../hub/hub.ts';
import {
  EVENT_SCHEMAS,
  EventQuerySchema,
  TicketBodySchema,
  TicketSchema,
  type EventQuery,
  type TicketBody,
} from '../event-schemas.ts';
import { choosesByNature, readDeviceIds, readSelector } from '../device-selector.ts';
import type { EventStreams } from '../event-streams.ts';
import { openEventStream, tooMany } from '../open-event-stream.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE, type DeviceSelector } from '../schemas.ts';
import { TICKET_SECONDS, type EventWish, type StreamTickets } from '../stream-tickets.ts';

const FollowSchema = {
  operationId: 'followEvents',
  summary: 'Tells what happens at devices, as Server-Sent Events',
  description:
    'Each event has its type in `event`, the data of that type as JSON in `data`, and in `id` what a reader sends as ' +
    '`Last-Event-ID` when it comes back.',
  tags: ['events'],
  querystring: EventQuerySchema,
  response: {
    200: {
      description: `The data of each event is one of these, by type: ${Object.keys(EVENT_SCHEMAS).join(', ')}`,
      content: { 'text/event-stream': { schema: { oneOf: Object.values(EVENT_SCHEMAS) } } },
    },
    ...PROBLEM_RESPONSE,
  },
};

const TicketRouteSchema = {
  operationId: 'createTicket',
  summary:
    'Makes a ticket for one stream of events, or one WebSocket of a service, for a page that can send no header',
  tags: ['events'],
  body: TicketBodySchema,
  response: { 201: TicketSchema, ...PROBLEM_RESPONSE },
};

type EventRoutesOptions = {
  readonly hub: Hub;
  readonly tickets: StreamTickets;
  readonly streams: EventStreams;
};

/** Tells what happens at devices, as it happens. */
export const eventRoutes: FastifyPluginAsyncTypebox<EventRoutesOptions> = async (app, options) => {
  const { hub, streams, tickets } = options;
  const config = { verb: 'any', isLong: true, takesTicket: 'events' } as const;
  app.get('/events', { config, schema: FollowSchema }, (request, reply) =>
    openEventStream({ streams, ledger: hub.ledger }, reply, readWish(request, hub)),
  );

  app.post('/tickets', { config: { verb: 'any' }, schema: TicketRouteSchema }, async (request, reply) => {
    const { principal, address, body } = request;
    const { service, lastEventId, device = '' } = body;
    const opens =
      service === undefined
        ? { interest: readInterest(body, principal, hub), lastEventId }
        : readService(body, service, principal);
    const text = tickets.give({ principal, caller: partyOf(principal, address), opens }, device.length);
    if (text === undefined) throw tooMany('The hub keeps as many tickets as it may. Each ends by itself.');
    reply.code(201).header('cache-control', 'no-store');
    return { ticket: text, expiresInSeconds: TICKET_SECONDS };
  });
};

/** Of a ticket that is used for more, or for something else. */
export const NOT_FOR_THIS = new RequestRefused(
  'REQUEST_INVALID',
  'What a ticket is for was said when it was made.',
);

type EventRequest = Pick<FastifyRequest, 'principal' | 'headers' | 'streamTicket'> & {
  readonly query: EventQuery;
};

/** What a stream is to tell, and from where on. A ticket says that itself: nothing in the address makes more of it. */
function readWish(request: EventRequest, hub: Hub): EventWish {
  const { query, principal, headers, streamTicket } = request;
  if (streamTicket === undefined) {
    return {
      interest: readInterest(query, principal, hub),
      lastEventId: headers['last-event-id']?.toString(),
    };
  }
  const { opens } = streamTicket;
  if ('service' in opens || Object.keys(query).length > 1) throw NOT_FOR_THIS;
  return opens;
}

/** Throws `FORBIDDEN` for a service that the caller may not say everything to, whether there is one or not. */
function readService(body: TicketBody, service: string, principal: Principal): { readonly service: string } {
  if (Object.keys(body).length > 1)
    throw new RequestRefused(
      'REQUEST_INVALID',
      'A ticket is for a service, or for events, and not for both.',
    );
  if (!may(principal, 'command', { service }))
    throw new RequestRefused('FORBIDDEN', `This account may not use ${service}: it would have to command.`);
  return { service };
}

/** Throws `REQUEST_INVALID` for what cannot be, and `FORBIDDEN` for what the caller may not read. */
export function readInterest(
  { kind, ...selector }: DeviceSelector & { readonly kind?: string },
  principal: Principal,
  { devices: known }: Hub,
): EventInterest {
  const devices = readDeviceIds(selector);
  const kinds = kind?.split(',');
  const unknown = kinds?.find((name) => !(DEVICE_EVENT_KINDS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const text = `kind: ${unknown.slice(0, 64)} is none. There are ${DEVICE_EVENT_KINDS.join(', ')}.`;
    throw new RequestRefused('REQUEST_INVALID', text);
  }
  const isReadable = (id: string): boolean => may(principal, 'read', known.targetOf(id));
  const denied = devices?.find((id) => !isReadable(id));
  if (denied !== undefined)
    throw new RequestRefused('FORBIDDEN', `This account may not read ${denied.slice(0, 64)}.`);
  // Also of devices that it may read now: people may give them other tags.
  const isNarrowed = !may(principal, 'read');
  const isMeant = choosesByNature(selector) ? readSelector(selector) : undefined;
  const isPermitted = (id: string): boolean => {
    if (isNarrowed && !isReadable(id)) return false;
    const device = isMeant && known.get(id);
    return isMeant === undefined || (device !== undefined && isMeant(device));
  };
  return {
    devices: devices && new Set(devices),
    kinds: kinds && new Set(kinds as DeviceEventKind[]),
    ...((isNarrowed || isMeant !== undefined) && { isPermitted }),
  };
}
