import type { IncomingMessage, ServerOptions } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from '../base/logger.ts';
import { toOriginForm } from '../base/request-head.ts';
import { allowOrigins } from './cross-origin.ts';
import { answerOtherMethods } from './other-methods.ts';
import { answerFrameworkError, HUB_STOPPING, useProblems } from './problems.ts';
import { answerClientError, refuseBrokenHeads, refuseTunnels } from './request-heads.ts';
import { spreadPipelines } from './spread-pipelines.ts';
import { COMPILERS } from './validator.ts';

/** For a head to come whole, and for a new connection to begin one. */
const HEAD_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 2000;

type AppOptions = {
  readonly log: Logger;
  readonly maxBodyBytes: number;
  /** Values in paths may be so long; find-my-way answers 404 beyond its own limit. */
  readonly maxPathValueCharacters: number;
  /** A sentence that says where to look for what there is. */
  readonly place: string;
  /** More for Node's server. */
  readonly http?: ServerOptions;
  /** What the router is asked for. */
  readonly urlOf?: (request: IncomingMessage) => string;
  /** Whose pages may read answers. */
  readonly allowedOrigins?: readonly string[];
  /** Requests whose heads may be as large as `http.maxHeaderSize` says: they are passed on. */
  readonly isPassedOn?: (url: string) => boolean;
};

/** What the HTTP servers of the hub and of `recado gateway` have in common; it has no routes yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const { urlOf = ({ url = '/' }) => url } = options;
  const app = Fastify({
    bodyLimit: options.maxBodyBytes,
    // HEAD answers as GET does.
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    http: {
      headersTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_EVERY_MS,
      // Node would answer without a word about what is wrong: `refuseBrokenHeads` says it.
      requireHostHeader: false,
      ...options.http,
    },
    // `refuseWhenClosing` says it in the words of all other errors.
    return503OnClosing: false,
    schemaController: COMPILERS,
    routerOptions: { maxParamLength: options.maxPathValueCharacters },
    clientErrorHandler: answerClientError,
    rewriteUrl: (request) => {
      toOriginForm(request);
      return urlOf(request);
    },
    frameworkErrors: (error, _request, reply) => answerFrameworkError(error, reply as FastifyReply),
  });
  const { server } = app;
  // Of the headers beyond the 2,000th Node would say nothing, and one of them may say that a proxy is there.
  server.maxHeadersCount = 0;
  // What Node does not know it would answer with 417, empty; it may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  spreadPipelines(server);
  refuseTunnels(server);
  useProblems(app, options.log);
  answerOtherMethods(app, options.place);
  refuseBrokenHeads(app, options.isPassedOn);
  allowOrigins(app, options);
  refuseWhenClosing(app);
  return app;
}

/** Requests on connections that are still there. One that is kept after its last answer would hold all up. */
function refuseWhenClosing(app: FastifyInstance): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  app.addHook('onRequest', (_request, _response, done) => done(isClosing ? HUB_STOPPING : undefined));
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done();
  });
}
