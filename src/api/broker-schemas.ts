import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { nullable } from './schemas.ts';

/* What the MQTT broker of the hub tells of its clients, on the wire. */

const COUNT = { minimum: 0 };

export const BrokerSessionSchema = Type.Object(
  {
    clientId: Type.String(),
    key: Type.String({
      description:
        'Stands for `clientId` in an address, where that is too long for one or cannot be written there; of this session alone',
    }),
    status: Type.Enum(['connected', 'away']),
    userName: nullable(Type.String()),
    protocolVersion: Type.Enum(['3.1', '3.1.1', '5.0']),
    listener: Type.String({ description: 'The one that it came by; empty where it came before a restart' }),
    address: nullable(Type.String({ description: 'Where it is; null for who may not manage the hub' })),
    subscriptions: Type.Integer(COUNT),
    inFlight: Type.Integer({ ...COUNT, description: 'Messages that were sent and not acknowledged' }),
    queued: Type.Integer({ ...COUNT, description: 'Messages that wait for it' }),
    keptForSeconds: nullable(
      Type.Integer({ description: 'How long it outlives its connection; null: for ever' }),
    ),
  },
  { title: 'BrokerSession', description: 'What the broker keeps of a client, and whether that is connected' },
);
export type BrokerSessionResource = Static<typeof BrokerSessionSchema>;

/** One segment of an address: longer ones are reached by their keys. */
export const ClientParams = Type.Object({
  client: Type.String({
    minLength: 1,
    maxLength: 8192,
    description: 'A client id, or a `key` of the list; an id that begins with `~` is reached by its key',
  }),
});

const MAX_PAGE_SESSIONS = 1000;

const pageQuery = {
  q: Type.Optional(Type.String({ maxLength: 256, description: 'Text in the client id or the user name' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: MAX_PAGE_SESSIONS, description: 'Sessions a page' }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 256, description: 'The `nextCursor` of the page before' })),
};
export const ClientQuerySchema = Type.Object(pageQuery, { additionalProperties: false });
export type ClientQuery = Static<typeof ClientQuerySchema>;

export const SessionQuerySchema = Type.Object(
  { status: Type.Optional(Type.Enum(['connected', 'away'])), ...pageQuery },
  { additionalProperties: false },
);
export type SessionQuery = Static<typeof SessionQuerySchema>;

const nextCursor = Type.Optional(
  Type.String({ description: 'Absent on the last page; others may have fewer than `limit`, and none' }),
);

export const ClientPageSchema = Type.Object(
  { clients: Type.Array(BrokerSessionSchema), nextCursor },
  { title: 'BrokerClientPage' },
);
export type ClientPageResource = Static<typeof ClientPageSchema>;

export const SessionPageSchema = Type.Object(
  { sessions: Type.Array(BrokerSessionSchema), nextCursor },
  { title: 'BrokerSessionPage' },
);
export type SessionPageResource = Static<typeof SessionPageSchema>;
