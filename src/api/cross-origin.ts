import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Of requests that are no simple ones for a browser (Fetch standard, CORS protocol). */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, Traceparent, Tracestate',
  // As long as Chromium keeps it at all.
  'access-control-max-age': '7200',
};
/** What a page may read besides the few that it always may. */
const EXPOSED = [
  'Allow',
  'Date',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'Recado-Resolution',
  'Retry-After',
  'Server-Timing',
  'Traceparent',
  'WWW-Authenticate',
].join(', ');

type CrossOriginOptions = {
  /** As people write them; `*` for all. */
  readonly allowedOrigins?: readonly string[];
  /** What somebody else answers. */
  readonly isPassedOn?: ((url: string) => boolean) | undefined;
};

/**
 * Says to browsers which pages of other origins may read an answer: the only place that does. It lets nobody in. Who
 * asks is decided afterwards, by a token or a ticket; `Access-Control-Allow-Credentials` is never sent, so no page of
 * another origin gets anything by a cookie, and its place in a trusted network is refused to it as before.
 */
export function allowOrigins(
  app: FastifyInstance,
  { allowedOrigins = [], isPassedOn }: CrossOriginOptions,
): void {
  const listed = new Set(allowedOrigins.map((text) => URL.parse(text)?.origin ?? text));
  app.addHook('onRequest', (request, reply, done) => {
    if (isPassedOn?.(request.url) === true) return done();
    const { origin } = request.headers;
    const allowed = origin === undefined ? undefined : findAllowed(listed, origin, request);
    // Whatever the answer is: what a cache keeps of it is for this origin only.
    if (listed.size > 0) reply.header('vary', 'Origin');
    if (allowed === undefined) return done();
    reply.header('access-control-allow-origin', allowed);
    if (isPreflight(request)) reply.code(204).headers(PREFLIGHT_HEADERS).send();
    else {
      reply.header('access-control-expose-headers', EXPOSED);
      done();
    }
  });
}

/** Who has a ticket needs nothing else: it may be used from any page. */
function findAllowed(
  listed: ReadonlySet<string>,
  origin: string,
  { routeOptions, query }: FastifyRequest,
): string | undefined {
  const isByTicket =
    routeOptions.config?.takesTicket === 'events' && (query as { ticket?: unknown }).ticket !== undefined;
  if (isByTicket || listed.has('*')) return '*';
  return listed.has(origin) ? origin : undefined;
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
