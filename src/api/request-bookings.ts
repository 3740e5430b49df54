import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ANONYMOUS, partyOf } from '../accounts/principal.ts';
import { costOf, type KeptKind } from '../base/kept-kinds.ts';
import type { Ledger } from '../base/ledger.ts';

/** What is booked for a connection, and the response that gives it back. */
type Booking = { readonly response: ServerResponse; readonly giveBack: () => void };

const bySocket = new WeakMap<Socket, Booking[]>();

/** What is to be given back for a connection. Not every Node tells responses that wait behind others of its end. */
function bookingsOf(socket: Socket): Booking[] {
  const known = bySocket.get(socket);
  if (known !== undefined) return known;
  const bookings: Booking[] = [];
  bySocket.set(socket, bookings);
  socket.once('close', () => {
    // The first close of a response gives back all that is booked for it.
    for (let first = bookings[0]; first !== undefined; first = bookings[0]) {
      const { giveBack, response } = first;
      giveBack();
      // Newer versions of Node 24 have destroyed those that wait; else whoever works for them would go on.
      if (response.socket === null && !response.destroyed) response.emit('close');
    }
  });
  return bookings;
}

/** How long the head of a request is, which is kept as long as the request. */
export function headLength({ url, rawHeaders }: IncomingMessage): number {
  let bytes = url?.length ?? 0;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/**
 * Books something of a request to who asks, until its response has gone or its connection has closed.
 *
 * @param isDecided - it is kept whether there is room or not
 * @returns false, and nothing is booked, when there is no room for it
 */
export function bookForRequest(
  ledger: Ledger,
  { principal, address, ip, raw }: FastifyRequest,
  response: ServerResponse,
  { kind, bytes, isDecided }: { kind: KeptKind; bytes: number; isDecided?: boolean },
): boolean {
  // Nobody would give it back: the answer goes nowhere, and is forgotten as soon as it is made.
  if (raw.socket.closed) return true;
  // One that was refused before anybody asked who it is has neither.
  const party = ledger.open(partyOf(principal ?? ANONYMOUS, address || ip));
  const cost = costOf(kind, bytes);
  const hasRoom = party.admit(kind, cost);
  if (!hasRoom && isDecided === true) party.charge(kind, cost);
  party.close();
  if (!hasRoom && isDecided !== true) return false;
  const bookings = bookingsOf(raw.socket);
  const giveBack = (): void => {
    const index = bookings.indexOf(booking);
    if (index < 0) return;
    bookings.splice(index, 1);
    holding.leave();
    party.release(kind, cost);
  };
  const booking: Booking = { response, giveBack };
  const holding = party.hold({
    yieldRoom(wanted) {
      if (wanted !== undefined && wanted !== kind) return;
      giveBack();
      raw.socket.destroy();
    },
  });
  bookings.push(booking);
  response.once('close', giveBack);
  return true;
}
