import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { HTTP_CONNECTION_BYTES, KeptKind } from '../base/kept-kinds.ts';
import type { Ledger, Party } from '../base/ledger.ts';
import { addressParty } from '../base/networks.ts';
import { ApiCaller } from './api-caller.ts';
import { isBookedTo } from './request-bookings.ts';

/** What is given back when they are closed. */
const HELD_BY_CONNECTIONS: readonly KeptKind[] = [
  KeptKind.HTTP_CONNECTION,
  KeptKind.BODY,
  KeptKind.FRAME,
  KeptKind.INVOCATION,
  KeptKind.ANSWER,
  KeptKind.EVENT_STREAM,
];

/** What is booked for a connection; the socket is what its requests have. */
type Booking = { socket: Socket; party: Party; readonly ledger: Ledger };
const bookings = new WeakMap<Socket, Booking>();

/** Puts a connection down to whoever uses it now, where proxies keep connections for all who ask them. */
export function moveHttpConnection(socket: Socket, address: string): void {
  const booking = bookings.get(socket);
  const key = addressParty(address);
  if (booking === undefined || booking.party.key === key) return;
  const before = booking.party;
  booking.party = booking.ledger.open(key);
  booking.party.charge(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES);
  giveBack(before);
}

/** A connection goes on as another socket: what was under TLS is what its requests come from. */
export function replaceHttpConnection(before: Socket, after: Socket): void {
  const booking = bookings.get(before);
  if (booking === undefined) return;
  booking.socket = after;
  bookings.set(after, booking);
}

function giveBack(party: Party): void {
  party.release(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES);
  party.close();
}

/**
 * Holds the connections of the HTTP server within their share, so that callers, who need no token to connect, do not
 * take the descriptors of devices and MQTT clients. For a newcomer those of the address that has most are closed.
 *
 * @returns for a socket that becomes a WebSocket: it is a connection of MQTT from then on. A listener for upgrades
 *   here would make Node wait for somebody who answers them, also on servers that have no WebSocket
 */
export function limitHttpConnections(server: Server, ledger: Ledger): (socket: Socket) => void {
  const open = new Set<Booking>();
  const forget = (socket: Socket): void => {
    const booking = bookings.get(socket);
    if (booking !== undefined && open.delete(booking)) giveBack(booking.party);
  };
  server.on('connection', (socket: Socket) => {
    const party = ledger.open(addressParty(socket.remoteAddress ?? ''));
    if (!party.admit(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES)) {
      party.close();
      socket.destroy();
      return;
    }
    const booking = { socket, party, ledger };
    open.add(booking);
    bookings.set(socket, booking);
    socket.once('close', () => forget(socket));
  });
  ledger.onReclaim((party, kind) => {
    if (kind !== undefined && !HELD_BY_CONNECTIONS.includes(kind)) return;
    for (const booking of open) {
      const { socket } = booking;
      // What a caller asks for is its own, and not its address's, where it has proven who it is.
      const isItsOwn =
        booking.party === party || isBookedTo(socket, party) || ApiCaller.isAwaiting(socket, party.key);
      if (!isItsOwn) continue;
      forget(socket);
      socket.destroy();
    }
  });
  return forget;
}
