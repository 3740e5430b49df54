import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ANONYMOUS, partyOf } from '../accounts/principal.ts';
import { costOf, type KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';

type GiveBack = () => void;

const bySocket = new WeakMap<Socket, Set<GiveBack>>();

/** What is to be given back for a connection; a response that waits behind others is not told when it closes. */
function bookingsOf(socket: Socket): Set<GiveBack> {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const bookings = new Set<GiveBack>();
  bySocket.set(socket, bookings);
  socket.once('close', () => {
    for (const giveBack of bookings) giveBack();
  });
  return bookings;
}

/**
 * Books something of a request to who asks, until its response has gone or its connection has closed.
 *
 * @param isDecided - it is kept whether there is room or not
 * @returns false, and nothing is booked, when there is no room for it
 */
export function bookForRequest(
  ledger: Ledger,
  { principal, ip, raw }: FastifyRequest,
  response: ServerResponse,
  { kind, bytes, isDecided }: { kind: KeptKind; bytes: number; isDecided?: boolean },
): boolean {
  // One that was not let in has no principal.
  const party = ledger.open(partyOf(principal ?? ANONYMOUS, ip));
  const cost = costOf(kind, bytes);
  const hasRoom = party.admit(kind, cost);
  if (!hasRoom && isDecided === true) party.charge(kind, cost);
  party.close();
  if (!hasRoom && isDecided !== true) return false;
  const bookings = bookingsOf(raw.socket);
  const giveBack = (): void => {
    if (bookings.delete(giveBack)) party.release(kind, cost);
  };
  bookings.add(giveBack);
  response.once('close', giveBack);
  return true;
}
