import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ANONYMOUS, partyOf, type Principal } from '../accounts/principal.ts';
import { KEPT_KINDS, KeptKind } from '../base/kept-kinds.ts';
import type { Ledger, Party } from '../base/ledger.ts';
import { RequestRefused } from './problems.ts';

/** Of an answer; a connection is booked with as much. */
const FREE_BYTES = 4096;

const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'This server keeps as many answers as it may. Try again when some have been read.',
  { headers: { 'retry-after': '1' } },
);

type Booked = { readonly party: Party; readonly bytes: number };

/** Books the answers that do not go at once: they are large, or their caller has not read the ones before. */
export function limitKeptAnswers(app: FastifyInstance, ledger: Ledger): void {
  const bySocket = new WeakMap<Socket, Map<ServerResponse, Booked>>();
  const giveBack = (kept: Map<ServerResponse, Booked>, response: ServerResponse): void => {
    const booked = kept.get(response);
    kept.delete(response);
    booked?.party.release(KeptKind.ANSWER, booked.bytes);
  };
  /** Those that wait behind another are not told when their connection closes. */
  const keptFor = (socket: Socket): Map<ServerResponse, Booked> => {
    const known = bySocket.get(socket);
    if (known !== undefined) return known;
    const kept = new Map<ServerResponse, Booked>();
    bySocket.set(socket, kept);
    socket.once('close', () => {
      for (const response of kept.keys()) giveBack(kept, response);
    });
    return kept;
  };

  app.addHook('onSend', (request, reply, payload: unknown, done) => {
    const length = typeof payload === 'string' || payload instanceof Uint8Array ? payload.length : 0;
    // A response has its socket when those before it have gone.
    const isRead = reply.raw.socket?.writableLength === 0;
    if (isRead && length <= FREE_BYTES) return done();
    const { socket } = request.raw;
    // One that was not let in has no principal.
    const principal = (request.principal as Principal | undefined) ?? ANONYMOUS;
    const party = ledger.open(partyOf(principal, request.ip));
    const { fixedBytes, perByte } = KEPT_KINDS[KeptKind.ANSWER]!;
    const bytes = fixedBytes + perByte * length;
    const hasRoom = party.admit(KeptKind.ANSWER, bytes);
    // What a command has done is told: asked again, it would be done twice.
    const isKept = hasRoom || (isRead && request.method !== 'GET');
    if (!hasRoom && isKept) party.charge(KeptKind.ANSWER, bytes);
    party.close();
    if (!isKept) {
      // Another answer would wait as this one does.
      if (isRead) return done(TOO_MANY);
      socket.destroy();
      return done();
    }
    const kept = keptFor(socket);
    kept.set(reply.raw, { party, bytes });
    reply.raw.once('close', () => giveBack(kept, reply.raw));
    done();
  });
}
