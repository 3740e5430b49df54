import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import { apiClient } from '../../hub/mqtt/mqtt-principal.ts';
import type { Result } from '../../base/result.ts';
import type { BrokerGuest, GuestFailure, RetainedMessage } from '../../mqtt/broker/guest.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { expectBroker } from '../expect-broker.ts';
import { RequestRefused } from '../problems.ts';
import { takeBytes } from '../raw-bodies.ts';
import { showTime } from '../resources.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';
import {
  MAX_ADDRESSED_BYTES,
  MessageHeadersSchema,
  PublishedSchema,
  PublishQuerySchema,
  PutQuerySchema,
  TopicPageSchema,
  TopicParams,
  TopicQuerySchema,
  USER_PROPERTIES,
  type PublishedResource,
  type PublishQuery,
  type RetainedResource,
} from '../topic-schemas.ts';

const DEFAULT_PAGE_TOPICS = 100;
/** Of User Properties in the head of an answer: clients take no more than some. */
const MAX_HEADER_CHARACTERS = 8192;
/** What programs say of a body of which nobody said anything. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['', 'application/x-www-form-urlencoded']);
const ANY_TOPIC = /^.+$/s;
/** A type that can stand in the head of an answer (RFC 9110 section 8.3.1). */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+ *(;[\x20-\x7e]*)?$/;
const BYTES = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

const ListSchema = {
  operationId: 'listTopics',
  summary: 'Lists what is retained on the topics of a filter, in the order of the topics',
  tags: ['topics'],
  querystring: TopicQuerySchema,
  response: { 200: TopicPageSchema, ...PROBLEM_RESPONSE },
};

const GetSchema = {
  operationId: 'getRetained',
  summary: 'What is retained on a topic: its payload, of its Content Type',
  tags: ['topics'],
  params: TopicParams,
  response: { 200: { description: 'The payload', content: BYTES }, ...PROBLEM_RESPONSE },
};

const PutSchema = {
  operationId: 'retain',
  summary: 'Publishes the body on a topic, and retains it there',
  tags: ['topics'],
  params: TopicParams,
  querystring: PutQuerySchema,
  headers: MessageHeadersSchema,
  response: { 200: PublishedSchema, ...PROBLEM_RESPONSE },
};

const PublishSchema = {
  ...PutSchema,
  operationId: 'publish',
  summary: 'Publishes the body on a topic',
  querystring: PublishQuerySchema,
};

const ClearSchema = {
  operationId: 'clearRetained',
  summary:
    'Takes away what is retained on a topic, and tells its subscribers so, as MQTT does: by an empty message',
  tags: ['topics'],
  params: TopicParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

/** What somebody may do with a topic, the broker says. */
const ANY = { verb: 'any' as const };

/** What is retained by the broker of the hub, and messages to it. */
export const topicRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  takeBytes(app);

  app.get('/topics', { config: ANY, schema: ListSchema }, async (request) => {
    const { filter = '#', limit = DEFAULT_PAGE_TOPICS, cursor } = request.query;
    const after = cursor === undefined ? '' : readCursor('topic', cursor, ANY_TOPIC);
    const isWanted = (): boolean => !request.raw.socket.destroyed;
    const page = { after, limit, maxTopicBytes: MAX_ADDRESSED_BYTES, isWanted };
    const { messages, last } = expect(await guestOf(hub, request).listRetained(filter, page));
    const now = Date.now();
    return {
      topics: messages.map((message) => showRetained(message, now)),
      ...(last !== undefined && { nextCursor: writeCursor('topic', last) }),
    };
  });

  app.get('/topics/*', { config: ANY, schema: GetSchema }, async (request, reply) => {
    const { '*': topic } = request.params;
    const message = expect(guestOf(hub, request).retained(topic));
    if (message === undefined)
      throw new RequestRefused('RETAINED_UNKNOWN', `Nothing is retained on ${topic.slice(0, 256)}.`);
    reply.headers(headersOf(message));
    return reply.send(message.payload);
  });

  app.put('/topics/*', { config: ANY, schema: PutSchema }, (request) => {
    if (readPayload(request).length > 0) return publish(hub, request, { ...request.query, retain: 'true' });
    const text = 'An empty message retains nothing, and takes away what was there: DELETE does that.';
    throw new RequestRefused('REQUEST_INVALID', text);
  });

  app.post('/topics/*', { config: ANY, schema: PublishSchema }, (request) =>
    publish(hub, request, request.query),
  );

  app.delete('/topics/*', { config: ANY, schema: ClearSchema }, async (request, reply) => {
    const { '*': topicName } = request.params;
    const nothing = { topicName, payload: Buffer.alloc(0), qos: 1, retain: true, properties: {} } as const;
    expect(await guestOf(hub, request).publish(nothing));
    return reply.code(204).send(null);
  });
};

type TopicRequest = FastifyRequest<{ Params: { '*': string } }>;

async function publish(
  hub: Hub,
  request: TopicRequest,
  { qos = 0, retain, expirySeconds }: PublishQuery,
): Promise<PublishedResource> {
  const contentType = request.headers['content-type'] ?? '';
  const userProperties = readUserProperties(request.headers[USER_PROPERTIES]);
  const message = {
    topicName: request.params['*'],
    payload: readPayload(request),
    qos: qos as 0 | 1 | 2,
    retain: retain === 'true',
    properties: {
      ...(expirySeconds !== undefined && { messageExpiryInterval: expirySeconds }),
      ...(!SAYS_NOTHING.has(contentType) && { contentType }),
      ...(userProperties.length > 0 && { userProperties }),
    },
  };
  return expect(await guestOf(hub, request).publish(message));
}

/** The caller as a guest of the broker, which asks its own rules what it may. */
function guestOf(hub: Hub, { principal, address }: FastifyRequest): BrokerGuest {
  return expectBroker(hub).guest(apiClient(principal, address));
}

function expect<T>(result: Result<T, GuestFailure>): T {
  if (result.ok) return result.value;
  throw new RequestRefused(result.failure.code, result.failure.message);
}

function readPayload({ body }: FastifyRequest): Buffer {
  return body instanceof Buffer ? body : Buffer.alloc(0);
}

function readUserProperties(header: string | string[] | undefined): [string, string][] {
  return [...new URLSearchParams([header ?? ''].flat().join('&'))];
}

function showRetained(
  { topicName, qos, payload, properties }: RetainedMessage,
  now: number,
): RetainedResource {
  const { contentType = null, userProperties = [], messageExpiryInterval: seconds } = properties;
  return {
    topic: topicName,
    qos,
    payloadBytes: payload.length,
    contentType,
    userProperties: userProperties.map((pair) => [...pair]),
    expires: seconds === undefined ? null : showTime(now + seconds * 1000),
  };
}

/** Whoever published it says what it is: a page that a browser shows must not act as who has signed in. */
function headersOf({ qos, properties }: RetainedMessage): Record<string, string> {
  const { contentType = '', userProperties = [], messageExpiryInterval } = properties;
  const pairs = new URLSearchParams(
    userProperties.map(([name, value]): [string, string] => [name, value]),
  ).toString();
  return {
    'content-type': MEDIA_TYPE.test(contentType) ? contentType : 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': 'no-store',
    'mqtt-qos': String(qos),
    ...(pairs !== '' && pairs.length <= MAX_HEADER_CHARACTERS && { [USER_PROPERTIES]: pairs }),
    ...(messageExpiryInterval !== undefined && { 'mqtt-expires-in': String(messageExpiryInterval) }),
  };
}
