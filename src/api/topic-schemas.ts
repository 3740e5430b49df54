import type { Static } from 'typebox';
import { Type } from '../config/type.ts';
import { nullable, Time } from './schemas.ts';

/* Messages of the MQTT broker, on the wire: their payloads are bodies, as they are. */

const MAX_PAGE_TOPICS = 1000;
/** Longer topics have no room in an address. */
export const MAX_ADDRESSED_BYTES = 8192;
/** What a cursor of such a topic has. */
const MAX_CURSOR_CHARACTERS = 11_000;

export const TopicParams = Type.Object({
  '*': Type.String({ description: 'A Topic Name, with its slashes as they are, or as %2F' }),
});

export const TopicQuerySchema = Type.Object(
  {
    filter: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_ADDRESSED_BYTES,
        description: 'A Topic Filter; # without it',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_PAGE_TOPICS, description: 'Topics a page' }),
    ),
    cursor: Type.Optional(
      Type.String({ maxLength: MAX_CURSOR_CHARACTERS, description: 'The `nextCursor` of the page before' }),
    ),
  },
  { additionalProperties: false },
);
export type TopicQuery = Static<typeof TopicQuerySchema>;

const QoSSchema = Type.Integer({ minimum: 0, maximum: 2 });

const RetainedSchema = Type.Object(
  {
    topic: Type.String(),
    qos: QoSSchema,
    payloadBytes: Type.Integer(),
    contentType: nullable(Type.String()),
    userProperties: Type.Array(Type.Array(Type.String()), { description: 'Pairs of a name and a value' }),
    expires: nullable(Time),
  },
  {
    title: 'RetainedMessage',
    description: 'What is retained on a topic; its payload is at the topic itself',
  },
);
export type RetainedResource = Static<typeof RetainedSchema>;

export const TopicPageSchema = Type.Object(
  {
    topics: Type.Array(RetainedSchema),
    nextCursor: Type.Optional(Type.String({ description: 'Absent on the last page' })),
  },
  { title: 'TopicPage' },
);
export type TopicPageResource = Static<typeof TopicPageSchema>;

const how = {
  qos: Type.Optional(QoSSchema),
  expirySeconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 0xffffffff, description: 'Its Message Expiry Interval' }),
  ),
};
export const PutQuerySchema = Type.Object(how, { additionalProperties: false });
export const PublishQuerySchema = Type.Object(
  { ...how, retain: Type.Optional(Type.Enum(['true', 'false'])) },
  { additionalProperties: false },
);
export type PublishQuery = Static<typeof PublishQuerySchema>;

export const USER_PROPERTIES = 'mqtt-user-properties';
export const MessageHeadersSchema = Type.Object({
  'content-type': Type.Optional(Type.String({ description: 'Its Content Type, as subscribers are told it' })),
  [USER_PROPERTIES]: Type.Optional(
    Type.String({ description: 'Its User Properties: `name=value&other=value`' }),
  ),
});

export const PublishedSchema = Type.Object(
  { isMatched: Type.Boolean({ description: 'Somebody has subscribed to the topic' }) },
  { title: 'Published' },
);
export type PublishedResource = Static<typeof PublishedSchema>;
