import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { may } from '../../accounts/permissions.ts';
import { partyOf } from '../../accounts/principal.ts';
import { KeptKind } from '../../base/kept-kinds.ts';
import type { Ledger } from '../../base/ledger.ts';
import { TrustedProxies } from '../../base/forwarding.ts';
import type { Config } from '../../hub/config/config-schema.ts';
import { sandboxOf } from '../../hub/config/open-listeners.ts';
import type { Hub } from '../../hub/hub.ts';
import { serveHttp } from '../../services/hub/http-entrance.ts';
import type { ServiceHosts } from '../../services/hub/service-hosts.ts';
import type { ServiceFailure } from '../../services/wire/service-failure.ts';
import { problemOf, RequestRefused } from '../problems.ts';
import { bookForRequest, headLength } from '../request-bookings.ts';
import { showService } from '../resources.ts';
import { PROBLEM_RESPONSE } from '../schemas.ts';
import { withoutServiceTicket } from '../stream-tickets.ts';
import { ServiceListSchema } from '../service-schemas.ts';

const PREFIX = '/services/';

const ListSchema = {
  operationId: 'listServices',
  summary: 'Lists the services that agents offer, with their agents',
  tags: ['services'],
  response: { 200: ServiceListSchema, ...PROBLEM_RESPONSE },
};

/** Whether a request is for what stands behind a service, and not for the hub itself. */
export function isServiceRequest(url: string): boolean {
  return url.startsWith(PREFIX);
}

/** Lists services. */
export const serviceListRoutes: FastifyPluginAsyncTypebox<{ hub: Hub }> = async (app, { hub }) => {
  app.get('/services', { config: { verb: 'any' }, schema: ListSchema }, async ({ principal }) => {
    const all = hub.services?.serviceHub?.directory.services ?? [];
    const found = [...all].filter(({ name }) => may(principal, 'read', { service: name }));
    return { services: found.map((service) => showService(service, performance.now())) };
  });
};

/**
 * What a request for a service is, for the router and all that looks at it: also one by a host name of its own. What is
 * passed on stands where the router decodes nothing: `/services/billing?/a/b?c`.
 */
export function serviceUrl(hosts: ServiceHosts, { url = '/', headers }: IncomingMessage): string {
  const service = hosts.find(headers.host);
  // OPTIONS may ask for `*`.
  if (service !== undefined) return `${PREFIX}${service}?${url.startsWith('/') ? '' : '/'}${url}`;
  if (!isServiceRequest(url)) return url;
  const rest = url.slice(PREFIX.length);
  const end = rest.search(/[/?]/);
  return end <= 0 ? url : `${PREFIX}${rest.slice(0, end)}?${rest.slice(end)}`;
}

/** `/services/{name}/…`, and whole host names: whatever is asked there goes through an agent, as it came. */
export function registerServiceEntrance(
  app: FastifyInstance,
  hub: Hub,
  { config, hosts }: { readonly config: Config; readonly hosts: ServiceHosts },
): void {
  const proxies = new TrustedProxies(config.http.trustedProxies);
  takeAllMethods(app);
  app.route({
    method: [...app.supportedMethods],
    url: `${PREFIX}:service`,
    config: { isLong: true, takesTicket: 'service' },
    exposeHeadRoute: false,
    schema: { hide: true },
    handler: async (): Promise<never> => {
      throw new TypeError('a request for a service was not taken');
    },
    // Before anything reads the body: it is passed on as it comes.
    onRequest: (request, reply, done) => {
      const place = splitUrl(request.raw.url ?? '');
      const serviceHub = hub.services?.serviceHub;
      if (place === undefined || serviceHub === undefined) {
        done(place === undefined ? NO_PATH : NO_SERVICES);
        return;
      }
      if (!bookRequest(hub.ledger, request, reply.raw, serviceHub.limits.maxKeptBytes)) {
        done(TOO_MANY);
        return;
      }
      reply.hijack();
      const { raw, principal, streamTicket } = request;
      // It was for the hub, and is none of the service's.
      const dropsAuthorization = principal.provenBy === 'token';
      const hasOwnHost = hosts.find(raw.headers.host) !== undefined;
      const call = {
        request: raw,
        response: reply.raw,
        ...place,
        ...(streamTicket !== undefined && { target: withoutServiceTicket(place.target) }),
        prefix: hasOwnHost ? '' : `${PREFIX}${place.service}`,
        sandbox: hasOwnHost ? ('off' as const) : sandboxOf(config, hub.accounts.isOn),
        isProxy: proxies.has(raw.socket.remoteAddress ?? ''),
        dropsAuthorization,
        mayOnlyRead: !may(principal, 'command', { service: place.service }),
        caller: partyOf(principal, request.address),
      };
      serveHttp(serviceHub, call, writeFailure);
    },
  });
}

/** Of WebDAV, calendars and their like: what stands behind an agent may know them. */
function takeAllMethods(app: FastifyInstance): void {
  const { METHODS } = process.getBuiltinModule('node:http');
  for (const method of METHODS)
    if (method !== 'CONNECT' && !app.supportedMethods.includes(method))
      app.addHttpMethod(method, { hasBody: true });
}

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'The hub has as many requests for services under way as it may. Try again when some have been answered.',
  { headers: { 'retry-after': '1' } },
);
const NO_PATH = new RequestRefused(
  'REQUEST_INVALID',
  'A service is asked for as /services/NAME/PATH, with `services` in plain letters.',
);
const NO_SERVICES = new RequestRefused(
  'SERVICE_UNKNOWN',
  'This hub has no services: services.enabled is false, or it has no MQTT broker.',
);

/** Books a request, its head, and what may be kept of its body, until it is answered; false when there is no room. */
function bookRequest(
  ledger: Ledger,
  request: FastifyRequest,
  response: ServerResponse,
  maxKeptBytes: number,
): boolean {
  const { headers } = request;
  const bodyBytes =
    headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity;
  const bytes = headLength(request.raw) + Math.min(bodyBytes, maxKeptBytes);
  return bookForRequest(ledger, request, response, { kind: KeptKind.FRAME, bytes });
}

/** {@link serviceUrl} → `billing`, `/a/b?c`: the path as it came, nothing decoded and nothing made shorter. */
function splitUrl(url: string): { service: string; target: string } | undefined {
  // The router takes `/%73ervices/` for it.
  if (!isServiceRequest(url)) return undefined;
  const [service = ''] = url.slice(PREFIX.length).split('?', 1);
  return { service, target: url.slice(PREFIX.length + service.length + 1) };
}

function writeFailure(response: ServerResponse, { code, message, retryAfterSeconds }: ServiceFailure): void {
  const problem = problemOf(code, message);
  const body = Buffer.from(JSON.stringify(problem));
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': body.length,
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
