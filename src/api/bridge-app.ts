import type { FastifyInstance, FastifyReply } from 'fastify';
import { ERROR_TABLE, type ErrorCode } from '../base/errors.ts';
import type { Ledger } from '../base/ledger.ts';
import { addressParty } from '../base/networks.ts';
import type { Logger } from '../base/logger.ts';
import { shareOpenFiles } from '../base/open-files.ts';
import { succeed } from '../base/result.ts';
import { version } from '../base/version.ts';
import type { BridgeServerConfig, BridgeServerRoute } from '../bridge/server-config.ts';
import type { AskFailure, TopicCaller } from '../bridge/topic-caller.ts';
import { TopicRoute } from '../bridge/topic-route.ts';
import { readBodyText } from './body-text.ts';
import type { Refusals } from '../mqtt/transport/refusals.ts';
import { createApp } from './create-app.ts';
import { limitHttpConnections } from './http-connections.ts';
import { limitRequestBodies } from './request-bodies.ts';
import { admitRequests, HttpAdmission } from './http-admission.ts';
import { problemOf, RequestRefused, sendProblem } from './problems.ts';

/** What a caller reads when no answer came: programs of this kind look for exactly this. */
const TIMEOUT_BODY = '{"error":"timeout waiting MQTT response"}';
const JSON_TYPE = 'application/json; charset=utf-8';
/** RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
const RETRY_AFTER_S = 1;
const MAX_PARAM_CHARACTERS = 1024;

type BridgeAppParts = {
  readonly config: BridgeServerConfig;
  readonly caller: TopicCaller;
  readonly ledger: Ledger;
  /** Counts connections that do not get as far as HTTP. */
  readonly refusals: Refusals;
  readonly log: Logger;
  /** Gets a line for each answer. */
  readonly print?: ((line: string) => void) | undefined;
};

/** The HTTP side of a gateway: each route is a question over MQTT. Nothing is opened before `listen`. */
export function buildBridgeApp(parts: BridgeAppParts): FastifyInstance {
  const { config, caller, log, print } = parts;
  const app = createApp({
    log,
    maxBodyBytes: config.http.maxBodyBytes,
    allowedOrigins: config.http.cors.allowedOrigins,
    maxPathValueCharacters: MAX_PARAM_CHARACTERS,
    place: 'The routes are in the configuration of this gateway.',
  });
  // What is no JSON travels as well: nothing is refused for its type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, ({ headers, is404 }, bytes, done) => {
    const read = bytes.length === 0 || is404 ? succeed(undefined) : readBodyText(headers, bytes);
    if (read.ok) done(null, read.value);
    else done(read.failure);
  });

  admitRequests(app, new HttpAdmission({ ...config.http, insecure: config.insecure, log }));

  limitCallers(app, parts);
  addProbes(app, caller);
  for (const route of config.routes) addRoute(app, route.route, new TopicRoute(route, caller, print));
  return app;
}

/** Load balancers have no token, and are told no more than that. */
function addProbes(app: FastifyInstance, caller: TopicCaller): void {
  const options = { config: { isOpenToAll: true } };
  app.get('/healthz', options, async ({ isAdmitted }) => ({
    status: 'ok',
    ...(isAdmitted && {
      name: 'recado-gateway',
      version,
      broker: caller.isBrokerThere ? 'connected' : 'away',
      inFlight: caller.inFlight,
      counters: caller.counters,
    }),
  }));
  app.get('/readyz', options, async () => {
    if (caller.isBrokerThere) return { status: 'ready' };
    throw new RequestRefused('BROKER_OFFLINE', 'The broker is away.');
  });
}

function limitCallers(app: FastifyInstance, { config: { http }, ledger, refusals }: BridgeAppParts): void {
  const maxConnections = Math.min(http.maxConnections, shareOpenFiles().http);
  limitHttpConnections(app, { ...http, maxConnections, ledger, refusals });
  limitRequestBodies(app, { ...http, ledger });
}

function addRoute(
  app: FastifyInstance,
  { method, path }: BridgeServerRoute['route'],
  route: TopicRoute,
): void {
  app.route({
    method,
    url: path,
    handler: async (request, reply) => {
      const { query, params, address } = request;
      const asked = await route.ask(
        { body: request.body as string | undefined, query, params },
        { caller: addressParty(address), signal: leaveSignal(reply) },
      );
      if (!asked.ok) return sendAskFailure(reply, asked.failure);
      const { status, json } = asked.value;
      if (WITHOUT_BODY.has(status)) return reply.code(status).send();
      return reply.code(status).type(JSON_TYPE).send(json);
    },
  });
}

/** Comes when the caller has gone without its answer. */
function leaveSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort();
  });
  return controller.signal;
}

function sendAskFailure(reply: FastifyReply, failure: AskFailure): FastifyReply {
  if (failure.kind !== 'refused') return reply.code(504).type(JSON_TYPE).send(TIMEOUT_BODY);
  const { code, message, status, isTransient } = failure;
  if (isTransient) reply.header('retry-after', RETRY_AFTER_S);
  const known: ErrorCode = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'INTERNAL';
  return sendProblem(reply, problemOf(known, message, status === undefined ? {} : { status }));
}
