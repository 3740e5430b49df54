import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';
import { HUB_STOPPING, RequestRefused } from './problems.ts';
import { bookForRequest, headLength } from './request-bookings.ts';

/** Of a body, and of a head; a connection is booked with as much. */
const FREE_BYTES = 4096;
const LOOK_EVERY_MS = 1000;
/** How long the rest of a body that was refused is read, so that its sender comes to see the answer. */
const LINGER_MS = 2000;

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'This server keeps as many bodies of requests as it may. Try again when some have been answered.',
  { headers: { 'retry-after': '1' } },
);

const TOO_LATE = new RequestRefused('BODY_TIMEOUT', 'The body of the request did not come in time.', {
  headers: { connection: 'close' },
});

type RequestBodiesOptions = {
  readonly ledger: Ledger;
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** Requests whose bodies are not kept: they are passed on as they come. */
  readonly isPassedOn?: (url: string) => boolean;
};

/** Books bodies of requests, and heads that are as large, for as long as they are kept; bodies have their time. */
export function limitRequestBodies(app: FastifyInstance, options: RequestBodiesOptions): void {
  const { ledger, maxBodyBytes, bodyTimeoutMs, isPassedOn } = options;
  /** When each must have come, and whom it is told; in the order of their beginning, which is that of their end. */
  const coming = new Map<IncomingMessage, { readonly dueMs: number; readonly reply: FastifyReply }>();
  const ticker = setInterval(() => {
    const now = performance.now();
    for (const [request, { dueMs, reply }] of coming) {
      if (dueMs > now) return;
      coming.delete(request);
      // An answer before this one may not have been read.
      if (reply.raw.socket === null) request.socket.destroy();
      else void reply.send(TOO_LATE);
    }
  }, LOOK_EVERY_MS);
  ticker.unref();
  let isClosing = false;
  // Nothing has been done for them, and what is missing may never come.
  app.addHook('preClose', (done) => {
    isClosing = true;
    for (const { reply } of coming.values()) void reply.send(HUB_STOPPING);
    done();
  });
  const finish = (raw: IncomingMessage): void => {
    coming.delete(raw);
    if (raw.complete) return;
    if (isClosing) raw.socket.destroySoon();
    else setTimeout(() => raw.complete || raw.socket.destroy(), LINGER_MS).unref();
  };

  app.addHook('onRequest', (request, reply, done) => {
    const bytes = bodyLength(request, maxBodyBytes);
    const headBytes = headLength(request.raw);
    if (bytes === 0 && headBytes <= FREE_BYTES) return done();
    // Only where there is a body: a hook for the end of each response would cost every request its listeners.
    reply.raw.once('close', () => finish(request.raw));
    if (isPassedOn?.(request.url) === true) return done();
    if (bytes > 0) coming.set(request.raw, { dueMs: performance.now() + bodyTimeoutMs, reply });
    const kept = beyondFree(headBytes) + beyondFree(bytes);
    if (kept === 0) return done();
    const isBooked = bookForRequest(ledger, request, reply.raw, { kind: KeptKind.BODY, bytes: kept });
    done(isBooked ? undefined : TOO_MANY);
  });
  app.addHook('preValidation', (request, _, done) => {
    coming.delete(request.raw);
    done();
  });
  app.addHook('onClose', async () => clearInterval(ticker));
}

function beyondFree(bytes: number): number {
  return bytes > FREE_BYTES ? bytes : 0;
}

/** What a body may have at the most; 0 where there is none. */
function bodyLength({ headers }: FastifyRequest, maxBodyBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return maxBodyBytes;
  return Math.min(Number(headers['content-length'] ?? 0), maxBodyBytes);
}
