import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Principal } from '../accounts/principal.ts';
import type { Logger } from '../base/logger.ts';
import type { Config } from '../hub/config/config-schema.ts';
import type { Hub } from '../hub/hub.ts';
import type { describeApi } from './describe-api.ts';
import { admitRequests, HttpAdmission } from './http-admission.ts';
import { answerFrameworkError, useProblems } from './problems.ts';
import { limitKeptAnswers } from './kept-answers.ts';
import { commandRoutes } from './routes/commands.ts';
import { limitRequestBodies } from './request-bodies.ts';
import { answerClientError, refuseBrokenHeads } from './request-heads.ts';
import { deviceRoutes } from './routes/devices.ts';
import { healthRoutes } from './routes/health.ts';
import {
  isServiceRequest,
  registerServiceEntrance,
  serviceListRoutes,
  serviceUrl,
} from './routes/services.ts';
import { telemetryRoutes } from './routes/telemetry.ts';
import { seedRoutes } from './seed-routes.ts';
import { spreadPipelines } from './spread-pipelines.ts';
import type { ServiceHosts } from '../services/hub/service-hosts.ts';
import { upgradeRules } from './upgrades.ts';
import { COMPILERS } from './validator.ts';

/** For a head to come whole, and for a new connection to begin one. */
const HEAD_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 2000;
/** Values in paths of the old routes may be long; find-my-way answers 404 beyond its own limit. */
const MAX_PATH_VALUE_CHARACTERS = 8192;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. */
    principal: Principal;
  }
}

/** The HTTP side of a hub. Nothing is opened before `listen`; requests can be injected for tests. */
export async function buildApp(parts: {
  hub: Hub;
  config: Config;
  hosts: ServiceHosts;
  log: Logger;
}): Promise<FastifyInstance> {
  const { hub, config, hosts, log } = parts;
  const { maxHeaderSize } = process.getBuiltinModule('node:http');
  const app = Fastify({
    bodyLimit: config.http.maxBodyBytes,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    http: {
      ...upgradeRules(config, hosts),
      headersTimeout: HEAD_TIMEOUT_MS,
      // What services take is not held up before it comes to them.
      maxHeaderSize: Math.max(maxHeaderSize, config.services.maxHeadBytes),
      connectionsCheckingInterval: LOOK_EVERY_MS,
    },
    schemaController: COMPILERS,
    routerOptions: { maxParamLength: MAX_PATH_VALUE_CHARACTERS },
    clientErrorHandler: answerClientError,
    rewriteUrl: (request) => serviceUrl(hosts, request),
    frameworkErrors: (error, _request, reply) => answerFrameworkError(error, reply as FastifyReply),
  }).withTypeProvider<TypeBoxTypeProvider>();
  spreadPipelines(app.server);
  useProblems(app, log);
  refuseBrokenHeads(app);

  const hostNames = [...config.http.hostNames, ...Object.keys(config.services.hosts)];
  const admission = new HttpAdmission({ ...config.http, hostNames, insecure: config.insecure });
  // In front of a service, Authorization may be meant for what stands behind it.
  admitRequests(app, (request) => admission.check(request, { isForHub: !isServiceRequest(request.url) }));

  limitRequestBodies(app, { ...config.http, ledger: hub.ledger, isPassedOn: isServiceRequest });
  limitKeptAnswers(app, hub.ledger);
  await registerRoutes(app, hub);
  registerServiceEntrance(app, hub, { config, hosts });
  let description: ReturnType<typeof describeApi> | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    description ??= import('./describe-api.ts').then((described) =>
      described.describeApi((own) => registerRoutes(own, hub)),
    );
    return reply.type('application/json; charset=utf-8').send(await description);
  });
  return app;
}

async function registerRoutes(app: FastifyInstance, hub: Hub): Promise<void> {
  await app.register(healthRoutes, { hub });
  await app.register(seedRoutes, { hub });
  await app.register(deviceRoutes, { hub, prefix: '/api/v1' });
  await app.register(commandRoutes, { hub, prefix: '/api/v1' });
  await app.register(telemetryRoutes, { hub, prefix: '/api/v1' });
  await app.register(serviceListRoutes, { hub, prefix: '/api/v1' });
}
