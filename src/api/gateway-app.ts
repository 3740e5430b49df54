import type { FastifyInstance, FastifyReply } from 'fastify';
import Fastify from 'fastify';
import { ERROR_TABLE, type ErrorCode } from '../base/errors.ts';
import { HTTP_CONNECTION_BYTES, KeptKind } from '../base/kept-kinds.ts';
import { Ledger } from '../base/ledger.ts';
import type { Logger } from '../base/logger.ts';
import { shareOpenFiles } from '../base/open-files.ts';
import { version } from '../base/version.ts';
import { gatewayLine } from '../bridge/exchange-lines.ts';
import type { BridgeServerRoute } from '../bridge/server-config.ts';
import type { AskOutcome, TopicCaller } from '../bridge/topic-caller.ts';
import type { BridgeServerConfig } from '../bridge/server-config.ts';
import { limitHttpConnections } from './http-connections.ts';
import { limitRequestBodies } from './request-bodies.ts';
import { HttpAdmission } from './http-admission.ts';
import { payloadMaker, replyMaker, type PayloadMaker, type ReplyMaker } from './gateway-payload.ts';
import {
  answerFrameworkError,
  problemOf,
  sendProblem,
  useProblems,
  type RequestRefused,
} from './problems.ts';

/** What a caller reads when no answer came: programs of this kind look for exactly this. */
const TIMEOUT_BODY = '{"error":"timeout waiting MQTT response"}';
const JSON_TYPE = 'application/json; charset=utf-8';
const RETRY_AFTER_S = 1;
const MAX_PARAM_CHARACTERS = 1024;

export type GatewayParts = {
  readonly config: BridgeServerConfig;
  readonly routes: readonly BridgeServerRoute[];
  readonly caller: TopicCaller;
  readonly log: Logger;
  /** Gets a line for each answer. */
  readonly print?: ((line: string) => void) | undefined;
};

/** The HTTP side of a gateway: each route is a question over MQTT. Nothing is opened before `listen`. */
export function buildGatewayApp({ config, routes, caller, log, print }: GatewayParts): FastifyInstance {
  const app = Fastify({
    bodyLimit: config.http.maxBodyBytes,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    frameworkErrors: (error, _request, reply) => answerFrameworkError(error, reply as FastifyReply),
  });
  useProblems(app, log, 'The routes are in the configuration of this gateway.');
  // What is no JSON travels as well: nothing is refused for its type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  const access = new HttpAdmission({ ...config.http, insecure: config.insecure });
  app.decorateRequest('principal');
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    try {
      request.principal = access.check(request);
      done();
    } catch (error) {
      done(error as RequestRefused);
    }
  });

  limitCallers(app, config.http);
  endConnectionsWhenClosing(app);
  app.get('/healthz', async () => ({
    status: 'ok',
    name: 'recado-gateway',
    version,
    broker: caller.isBrokerThere ? 'connected' : 'away',
    inFlight: caller.inFlight,
    counters: caller.counters,
  }));
  for (const route of routes) addRoute(app, { route, caller, print });
  return app;
}

function limitCallers(app: FastifyInstance, http: BridgeServerConfig['http']): void {
  const connections = Math.min(http.maxConnections, shareOpenFiles().http);
  const limits = { [KeptKind.HTTP_CONNECTION]: connections * HTTP_CONNECTION_BYTES };
  const ledger = new Ledger({ limits });
  limitHttpConnections(app.server, ledger);
  limitRequestBodies(app, { ...http, ledger });
}

/** A connection that is kept after its last answer would keep the gateway from closing. */
function endConnectionsWhenClosing(app: FastifyInstance): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
}

type RouteParts = {
  readonly route: BridgeServerRoute;
  readonly caller: TopicCaller;
  readonly print: GatewayParts['print'];
};

function addRoute(app: FastifyInstance, { route, caller, print }: RouteParts): void {
  const makePayload: PayloadMaker = payloadMaker(route.payload);
  const makeReply: ReplyMaker = replyMaker(route.reply);
  app.route({
    method: route.route.method,
    url: route.route.path,
    handler: async (request, reply) => {
      const payload = makePayload(request);
      if (payload === undefined) return sendTooDeep(reply);
      const signal = leaveSignal(reply);
      const outcome = await caller.ask(route, payload.json, { caller: request.ip, signal });
      if (outcome.kind !== 'answer') return sendOutcome(reply, outcome);
      print?.(gatewayLine(route.response, outcome.answer.json));
      return sendReply(reply, makeReply(payload, outcome.answer));
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

function sendReply(reply: FastifyReply, json: string | undefined): FastifyReply {
  if (json !== undefined) return reply.type(JSON_TYPE).send(json);
  return sendProblem(reply, problemOf('BAD_ANSWER', 'The answer is nested too deeply.'));
}

function sendTooDeep(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, problemOf('REQUEST_INVALID', 'The body is nested too deeply.'));
}

function sendOutcome(reply: FastifyReply, outcome: Exclude<AskOutcome, { kind: 'answer' }>): FastifyReply {
  if (outcome.kind !== 'failure') return reply.code(504).type(JSON_TYPE).send(TIMEOUT_BODY);
  const { code, message, status, isTransient } = outcome;
  if (isTransient) reply.header('retry-after', RETRY_AFTER_S);
  const known: ErrorCode = Object.hasOwn(ERROR_TABLE, code) ? (code as ErrorCode) : 'INTERNAL';
  return sendProblem(reply, problemOf(known, message, status === undefined ? {} : { status }));
}
