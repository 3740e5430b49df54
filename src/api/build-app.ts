import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../base/clock.ts';
import type { TrustedProxies } from '../base/forwarding.ts';
import type { Logger } from '../base/logger.ts';
import type { Config } from '../hub/config/config-schema.ts';
import type { Hub } from '../hub/hub.ts';
import { auditRequests } from './audit-requests.ts';
import { createApp } from './create-app.ts';
import type { describeApi } from './describe-api.ts';
import { admitRequests, HttpAdmission } from './http-admission.ts';
import { limitKeptAnswers } from './kept-answers.ts';
import { auditRoutes } from './routes/audit.ts';
import { brokerRoutes } from './routes/broker.ts';
import { bulkCommandRoutes } from './routes/bulk-commands.ts';
import { commandRoutes } from './routes/commands.ts';
import { consoleRoutes } from './routes/console.ts';
import { parseJsonBodies } from './json-bodies.ts';
import { limitRequestBodies } from './request-bodies.ts';
import { deviceApiRoutes } from './routes/device-api.ts';
import { deviceMetricsRoutes } from './routes/device-metrics.ts';
import { deviceRoutes } from './routes/devices.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { firstAdminRoutes } from './routes/first-admin.ts';
import { healthRoutes } from './routes/health.ts';
import {
  isServiceRequest,
  registerServiceEntrance,
  serviceListRoutes,
  serviceUrl,
} from './routes/services.ts';
import { hubStateRoutes } from './routes/hub-state.ts';
import { invocationRoutes } from './routes/invocations.ts';
import { sessionRoutes } from './routes/session.ts';
import { historyRoutes } from './routes/history.ts';
import { topicRoutes } from './routes/topics.ts';
import { telemetryRoutes } from './routes/telemetry.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { EventStreams } from './event-streams.ts';
import { thingRoutes } from './routes/things.ts';
import { thingStreamRoutes } from './routes/thing-streams.ts';
import { seedRoutes } from './seed-routes.ts';
import type { ServiceHosts } from '../services/hub/service-hosts.ts';
import { StreamTickets } from './stream-tickets.ts';
import { upgradeRules } from './upgrades.ts';
import { createWebhooks } from './webhooks/create-webhooks.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

/** Values in paths of the old routes may be long. */
const MAX_PATH_VALUE_CHARACTERS = 8192;
const PLACE = 'The API is under /api/v1; /openapi.json describes it.';

/** The HTTP side of a hub. Nothing is opened before `listen`; requests can be injected for tests. */
export async function buildApp(parts: {
  hub: Hub;
  config: Config;
  hosts: ServiceHosts;
  log: Logger;
}): Promise<FastifyInstance> {
  const { hub, config, hosts, log } = parts;
  const { maxHeaderSize } = process.getBuiltinModule('node:http');
  const app = createApp({
    log,
    maxBodyBytes: config.http.maxBodyBytes,
    allowedOrigins: config.http.cors.allowedOrigins,
    maxPathValueCharacters: MAX_PATH_VALUE_CHARACTERS,
    place: PLACE,
    http: {
      ...upgradeRules(config, hosts),
      // What services take is not held up before it comes to them.
      maxHeaderSize: Math.max(maxHeaderSize, config.services.maxHeadBytes),
    },
    urlOf: (request) => serviceUrl(hosts, request),
    isPassedOn: isServiceRequest,
  }).withTypeProvider<TypeBoxTypeProvider>();
  parseJsonBodies(app);

  const tickets = new StreamTickets({ ledger: hub.ledger, clock: systemClock });
  app.addHook('preClose', async () => tickets.close());
  const hostNames = [...config.http.hostNames, ...Object.keys(config.services.hosts)];
  const admission = new HttpAdmission({
    ...config.http,
    hostNames,
    insecure: config.insecure,
    accounts: hub.accounts,
    tickets,
    log,
    targetOf: (deviceId) => hub.devices.targetOf(deviceId),
  });
  auditRequests(app, hub.accounts);
  // In front of a service, Authorization may be meant for what stands behind it.
  admitRequests(app, admission, (url) => !isServiceRequest(url));

  limitRequestBodies(app, { ...config.http, ledger: hub.ledger, isPassedOn: isServiceRequest });
  limitKeptAnswers(app, hub.ledger);
  const webhooks = createWebhooks(hub, config, log);
  // The hub has opened its stores by then, and has not closed them.
  app.addHook('onReady', () => webhooks.start());
  app.addHook('preClose', () => webhooks.close());
  const routes = (own: FastifyInstance): Promise<void> =>
    registerRoutes(own, { hub, config, proxies: admission.proxies, tickets, webhooks });
  await routes(app);
  if (config.console.enabled) {
    await app.register(consoleRoutes);
    await app.register(docsRoutes);
  }
  registerServiceEntrance(app, hub, { config, hosts });
  let description: Awaited<ReturnType<typeof describeApi>> | undefined;
  app.get('/openapi.json', { config: { verb: 'any' }, schema: { hide: true } }, async (_request, reply) => {
    // Where no file can be opened now, another request finds it.
    description ??= await (await import('./describe-api.ts')).describeApi(routes);
    return reply.type('application/json; charset=utf-8').send(description);
  });
  return app;
}

async function registerRoutes(
  app: FastifyInstance,
  parts: { hub: Hub; config: Config; proxies: TrustedProxies; tickets: StreamTickets; webhooks: Webhooks },
): Promise<void> {
  const { hub, config, proxies, tickets, webhooks } = parts;
  const streams = new EventStreams(hub.feed, config.events, systemClock);
  app.addHook('preClose', async () => streams.close());
  await app.register(healthRoutes, { hub, webhooks });
  await app.register(hubStateRoutes, { hub, config, prefix: '/api/v1' });
  await app.register(deviceMetricsRoutes, { hub, maxMetricAgeMs: config.telemetry.maxMetricAgeMs });
  await app.register(tokenRoutes, { accounts: hub.accounts, prefix: '/api/v1' });
  await app.register(userRoutes, { accounts: hub.accounts, prefix: '/api/v1' });
  await app.register(auditRoutes, { accounts: hub.accounts, prefix: '/api/v1' });
  const clearsPages = !config.services.sameOrigin;
  await app.register(firstAdminRoutes, { accounts: hub.accounts, proxies, clearsPages });
  await app.register(sessionRoutes, { accounts: hub.accounts, proxies, clearsPages, prefix: '/api/v1' });
  await app.register(seedRoutes, { hub });
  await app.register(deviceRoutes, { hub, prefix: '/api/v1' });
  await app.register(commandRoutes, { hub, prefix: '/api/v1' });
  await app.register(bulkCommandRoutes, { hub, limits: config.invocations, prefix: '/api/v1' });
  await app.register(invocationRoutes, { hub, prefix: '/api/v1' });
  await app.register(telemetryRoutes, { hub, prefix: '/api/v1' });
  await app.register(historyRoutes, { hub, prefix: '/api/v1' });
  await app.register(eventRoutes, { hub, streams, tickets, prefix: '/api/v1' });
  await app.register(thingRoutes, { hub, proxies });
  await app.register(deviceApiRoutes, { hub });
  await app.register(thingStreamRoutes, { hub, streams });
  await app.register(webhookRoutes, { webhooks, prefix: '/api/v1' });
  await app.register(brokerRoutes, { hub, prefix: '/api/v1' });
  await app.register(topicRoutes, { hub, prefix: '/api/v1' });
  await app.register(serviceListRoutes, { hub, prefix: '/api/v1' });
}
