import { randomBytes } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import type { Principal } from '../../accounts/principal.ts';
import { Type } from '../../config/type.ts';
import type { Hub } from '../../hub/hub.ts';
import type { Broker, SessionInfo } from '../../mqtt/broker/broker.ts';
import {
  BrokerSessionSchema,
  ClientPageSchema,
  ClientParams,
  ClientQuerySchema,
  SessionPageSchema,
  SessionQuerySchema,
  type BrokerSessionResource,
  type SessionQuery,
} from '../broker-schemas.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { expectBroker } from '../expect-broker.ts';
import { RequestRefused } from '../problems.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';

const DEFAULT_PAGE_SESSIONS = 100;
/** Looked at for one page, whatever is found: the others of the hub have their turn. */
const MAX_LOOKED_AT = 10_000;
/** Of client ids on one page, beyond the first: each may have 64 KiB. */
const MAX_PAGE_CHARACTERS = 1_048_576;
/** What keys begin with: after a restart those of before stand for nobody. */
const KEY = `~${randomBytes(4).toString('hex')}.`;
/** MQTT 5.0 section 3.1.2.11.2: the session does not end by itself. */
const FOR_EVER = 0xffffffff;
const VERSIONS = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;

const ListClientsSchema = {
  operationId: 'listBrokerClients',
  summary:
    'Lists the clients that are connected to the MQTT broker, in the order in which their sessions began',
  tags: ['broker'],
  querystring: ClientQuerySchema,
  response: { 200: ClientPageSchema, ...PROBLEM_RESPONSE },
};

const ListSessionsSchema = {
  operationId: 'listBrokerSessions',
  summary:
    'Lists the sessions of the MQTT broker, also those whose clients are away, in the order of their beginning',
  tags: ['broker'],
  querystring: SessionQuerySchema,
  response: { 200: SessionPageSchema, ...PROBLEM_RESPONSE },
};

const GetClientSchema = {
  operationId: 'getBrokerClient',
  summary: 'Describes a client that is connected',
  tags: ['broker'],
  params: ClientParams,
  response: { 200: BrokerSessionSchema, ...PROBLEM_RESPONSE },
};

const GetSessionSchema = {
  ...GetClientSchema,
  operationId: 'getBrokerSession',
  summary: 'Describes a session, whether its client is connected or away',
};

const KickSchema = {
  operationId: 'disconnectBrokerClient',
  summary: 'Ends the connection of a client, and not its session: it may come back',
  tags: ['broker'],
  params: ClientParams,
  response: { 204: Type.Null(), ...PROBLEM_RESPONSE },
};

const EndSchema = {
  ...KickSchema,
  operationId: 'endBrokerSession',
  summary: 'Ends a session with all that waits in it, and the connection of its client',
};

/** Who is connected to the broker of the hub, and what outlives connections. */
export const brokerRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/broker/clients', { schema: ListClientsSchema }, async ({ query, principal }) => {
    const { sessions, ...page } = listSessions(hub, { ...query, status: 'connected' }, principal);
    return { clients: sessions, ...page };
  });

  app.get('/broker/sessions', { schema: ListSessionsSchema }, async ({ query, principal }) =>
    listSessions(hub, query, principal),
  );

  app.get('/broker/clients/:client', { schema: GetClientSchema }, async (request) =>
    showSession(findClient(expectBroker(hub), request), request.principal),
  );

  app.get('/broker/sessions/:client', { schema: GetSessionSchema }, async (request) =>
    showSession(findSession(expectBroker(hub), request), request.principal),
  );

  app.delete('/broker/clients/:client', { schema: KickSchema }, async (request, reply) => {
    const broker = expectBroker(hub);
    const { client } = findClient(broker, request);
    request.auditTarget = client.clientId;
    broker.disconnectClient(client.clientId);
    return reply.code(204).send(null);
  });

  app.delete('/broker/sessions/:client', { schema: EndSchema }, async (request, reply) => {
    const broker = expectBroker(hub);
    const { client } = findSession(broker, request);
    request.auditTarget = client.clientId;
    broker.disconnectClient(client.clientId, { endSession: true });
    return reply.code(204).send(null);
  });
};

function listSessions(
  hub: Hub,
  { status, q, limit = DEFAULT_PAGE_SESSIONS, cursor }: SessionQuery,
  principal: Principal,
): { sessions: BrokerSessionResource[]; nextCursor?: string } {
  const after = cursor === undefined ? 0 : Number(readCursor('after', cursor));
  const text = q?.toLowerCase();
  const sessions: BrokerSessionResource[] = [];
  let lookedAt = 0;
  let characters = 0;
  let last = after;
  for (const session of expectBroker(hub).sessions({ after })) {
    if (lookedAt++ === MAX_LOOKED_AT || sessions.length === limit || characters > MAX_PAGE_CHARACTERS)
      return { sessions, nextCursor: writeCursor('after', last) };
    last = session.number;
    characters += session.client.clientId.length;
    if (status !== undefined && session.isConnected !== (status === 'connected')) continue;
    if (text !== undefined && !hasText(session, text)) continue;
    sessions.push(showSession(session, principal));
  }
  return { sessions };
}

function hasText({ client: { clientId, userName = '' } }: SessionInfo, text: string): boolean {
  return clientId.toLowerCase().includes(text) || userName.toLowerCase().includes(text);
}

type ClientRequest = FastifyRequest<{ Params: { client: string } }>;

function findClient(broker: Broker, request: ClientRequest): SessionInfo {
  const session = findSession(broker, request);
  if (session.isConnected) return session;
  throw new RequestRefused(
    'CLIENT_UNKNOWN',
    'This client is not connected: the broker has its session only.',
  );
}

function findSession(broker: Broker, { params: { client } }: ClientRequest): SessionInfo {
  const found = client.startsWith('~') ? findByKey(broker, client) : broker.session(client);
  if (found !== undefined) return found;
  const text = `The broker has no session of the client ${client.slice(0, 64)}.`;
  throw new RequestRefused('CLIENT_UNKNOWN', text);
}

function findByKey(broker: Broker, key: string): SessionInfo | undefined {
  const digits = key.startsWith(KEY) ? key.slice(KEY.length) : '';
  if (!/^\d{1,15}$/.test(digits)) return undefined;
  const number = Number(digits);
  const [session] = broker.sessions({ after: number - 1 });
  return session?.number === number ? session : undefined;
}

function showSession(session: SessionInfo, principal: Principal): BrokerSessionResource {
  const { client, expiryInterval } = session;
  return {
    clientId: client.clientId,
    key: `${KEY}${session.number}`,
    status: session.isConnected ? 'connected' : 'away',
    userName: client.userName ?? null,
    protocolVersion: VERSIONS[client.protocolVersion],
    listener: client.listener,
    address: may(principal, 'manage') ? client.peer.address : null,
    subscriptions: session.subscriptionCount,
    inFlight: session.inflightCount,
    queued: session.queuedCount,
    keptForSeconds: expiryInterval === FOR_EVER ? null : expiryInterval,
  };
}
