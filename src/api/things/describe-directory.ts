import { TicketBodySchema, TicketSchema } from '../event-schemas.ts';
import { describeSecurity, TD_CONTEXT, TICKET_VARIABLES, type ThingReader } from './thing-reader.ts';

export const DISCOVERY_CONTEXT = 'https://www.w3.org/2022/wot/discovery';
/** What happens in the directory, by the name of its event in the description (WoT Discovery, section 7.3.2.2). */
export const DIRECTORY_EVENTS = {
  thingCreated: 'thing_created',
  thingUpdated: 'thing_updated',
  thingDeleted: 'thing_deleted',
} as const;
export type DirectoryEvent = (typeof DIRECTORY_EVENTS)[keyof typeof DIRECTORY_EVENTS];

const THINGS = {
  title: 'The Thing Descriptions of all devices that may be read',
  type: 'array',
  items: { type: 'object' },
  readOnly: true,
  uriVariables: {
    offset: { type: 'integer', minimum: 0, title: 'How many to leave out, in the order of their ids' },
    limit: { type: 'integer', minimum: 1, title: 'How many at the most' },
    format: { type: 'string', enum: ['array', 'collection'] },
  },
  forms: [
    {
      href: '/things{?offset,limit,format}',
      op: 'readproperty',
      contentType: 'application/ld+json',
      'htv:methodName': 'GET',
    },
  ],
};

/** For who must show a token, and cannot where a stream is opened. */
const CREATE_TICKET = {
  title: 'Makes a ticket for one stream',
  input: TicketBodySchema,
  output: TicketSchema,
  safe: false,
  idempotent: false,
  synchronous: true,
  forms: [{ href: '/api/v1/tickets', op: 'invokeaction', contentType: 'application/json' }],
};

/** The directory of Thing Descriptions, as a thing itself. It is told to everybody, and says nothing of any device. */
export function describeDirectory(reader: ThingReader): object {
  const { needsProof, base } = reader;
  return {
    '@context': [TD_CONTEXT, DISCOVERY_CONTEXT],
    '@type': 'ThingDirectory',
    id: 'urn:recado:directory',
    title: 'Devices of Recado',
    base,
    ...describeSecurity(reader),
    properties: { things: THINGS },
    ...(needsProof && { actions: { createTicket: CREATE_TICKET } }),
    events: Object.fromEntries(
      Object.entries(DIRECTORY_EVENTS).map(([name, type]) => [name, describeEvent(type, needsProof)]),
    ),
  };
}

function describeEvent(type: DirectoryEvent, needsProof: boolean): object {
  return {
    data: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
    ...(needsProof && { uriVariables: TICKET_VARIABLES }),
    forms: [
      {
        href: `/events/${type}${needsProof ? '{?ticket}' : ''}`,
        op: ['subscribeevent', 'unsubscribeevent'],
        subprotocol: 'sse',
        contentType: 'application/json',
      },
    ],
  };
}
