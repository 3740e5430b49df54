import type { FastifyInstance } from 'fastify';
import { KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';
import { RequestRefused } from './problems.ts';
import { bookForRequest } from './request-bookings.ts';

/** Of an answer; a connection is booked with as much. */
const FREE_BYTES = 4096;

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'This server keeps as many answers as it may. Try again when some have been read.',
  { headers: { 'retry-after': '1' } },
);

/** Books the answers that do not go at once: they are large, or their caller has not read the ones before. */
export function limitKeptAnswers(app: FastifyInstance, ledger: Ledger): void {
  app.addHook('onSend', (request, reply, payload: unknown, done) => {
    const bytes = typeof payload === 'string' || payload instanceof Uint8Array ? payload.length : 0;
    // A response has its socket when those before it have gone.
    const isRead = reply.raw.socket?.writableLength === 0;
    if (isRead && bytes <= FREE_BYTES) return done();
    // What a command has done is told: asked again, it would be done twice.
    const isDecided = isRead && request.method !== 'GET';
    if (bookForRequest(ledger, request, reply.raw, { kind: KeptKind.ANSWER, bytes, isDecided }))
      return done();
    if (isRead) return done(TOO_MANY);
    // Another answer would wait as this one does.
    request.raw.socket.destroy();
    done();
  });
}
