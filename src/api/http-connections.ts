import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { TrustedProxies } from '../base/forwarding.ts';
import { HTTP_CONNECTION_BYTES, KeptKind } from '../base/kept-kinds.ts';
import type { Holder, Holding } from '../base/holding.ts';
import type { Ledger, Party } from '../base/ledger.ts';
import { addressParty } from '../base/networks.ts';
import { sayFull } from '../base/open-files.ts';
import type { Refusals } from '../mqtt/transport/refusals.ts';
import { PartialHead } from './partial-head.ts';
import { isAnswered } from './request-heads.ts';

const LOOK_EVERY_MS = 1000;

type HttpConnectionsOptions = {
  readonly ledger: Ledger;
  readonly refusals: Refusals;
  /** For the log: how many the ledger has room for. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** They have connections for all who ask them: their own address has as many as it needs. */
  readonly trustedProxies: readonly string[];
};

type HttpConnections = {
  /** It is a connection of MQTT from here on. */
  forget(socket: Socket): void;
  /** It stays one of its caller, and what comes is passed on. */
  passOn(socket: Socket): void;
};

/** How many connections each address has, as far as addresses tell peers apart. */
class HttpPlaces {
  readonly options: HttpConnectionsOptions;
  readonly #proxies: TrustedProxies;
  readonly #taken = new Map<string, number>();

  constructor(options: HttpConnectionsOptions) {
    this.options = options;
    this.#proxies = new TrustedProxies(options.trustedProxies);
  }

  /** Tells of it where an address has as many as it may. */
  hasPlaceFor(address: string, key: string): boolean {
    const { maxConnectionsPerAddress: most, refusals } = this.options;
    // Whom a balancer does not name has no address.
    const isCounted = address !== '' && !this.#proxies.has(address);
    if (!isCounted || (this.#taken.get(key) ?? 0) < most) return true;
    refusals.tell('too-many-from-address', address, new Error(`http.maxConnectionsPerAddress is ${most}`));
    return false;
  }

  take(key: string): void {
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  giveBack(key: string): void {
    const left = (this.#taken.get(key) ?? 1) - 1;
    if (left === 0) this.#taken.delete(key);
    else this.#taken.set(key, left);
  }
}

/** What is booked for a connection; the socket is what its requests have. */
class Booking implements Holder {
  socket: Socket;
  party: Party;
  /** Whose place it has: {@link NOBODY} while a proxy keeps it for whoever asks next. */
  place: string;
  readonly places: HttpPlaces;
  readonly head = new PartialHead();
  #holding: Holding;
  #isOver = false;
  /** What had come before the first request could begin: a handshake. */
  #bytesBefore = 0;

  constructor(socket: Socket, { party, place }: Pick<Booking, 'party' | 'place'>, places: HttpPlaces) {
    this.socket = socket;
    this.party = party;
    this.place = place;
    this.places = places;
    places.take(place);
    this.#holding = party.hold(this);
  }

  /** Whether it has not begun to ask for anything. */
  get isSilent(): boolean {
    return this.socket.bytesRead === this.#bytesBefore;
  }

  goOnAs(socket: Socket): void {
    this.socket = socket;
    this.#bytesBefore = socket.bytesRead;
  }

  givePlaceTo(place: string): void {
    this.places.giveBack(this.place);
    this.places.take(place);
    this.place = place;
  }

  /** Puts it down to another one, whether that one has room or not. */
  moveTo(party: Party): void {
    party.charge(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES);
    this.#closeBooks();
    this.party = party;
    this.#holding = party.hold(this);
  }

  /** It is closed, or one of HTTP no more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    bookings.delete(this.socket);
    this.head.end();
    this.places.giveBack(this.place);
    this.#closeBooks();
  }

  yieldRoom(kind: KeptKind | undefined): void {
    const isPart = kind === KeptKind.PARTIAL && this.head.isBooked;
    if (kind !== undefined && kind !== KeptKind.HTTP_CONNECTION && !isPart) return;
    this.end();
    this.socket.destroy();
  }

  #closeBooks(): void {
    this.#holding.leave();
    this.party.release(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES);
    this.party.close();
  }
}
const bookings = new WeakMap<Socket, Booking>();
const NOBODY = '';

/**
 * Puts a connection down to whoever uses it now.
 *
 * @returns false, and nothing is changed, where that one has as many as an address may have
 */
export function moveHttpConnection(socket: Socket, address: string): boolean {
  const booking = bookings.get(socket);
  const key = addressParty(address);
  if (booking === undefined || booking.place === key) return true;
  const { places, party } = booking;
  if (!places.hasPlaceFor(address, key)) return false;
  booking.givePlaceTo(key);
  if (party.key !== key) booking.moveTo(places.options.ledger.open(key));
  return true;
}

/**
 * The same until the answer has gone: what a proxy keeps open between requests takes nobody's place.
 *
 * @returns as {@link moveHttpConnection}
 */
export function lendHttpConnection(socket: Socket, address: string, response: ServerResponse): boolean {
  if (!moveHttpConnection(socket, address)) return false;
  response.once('close', () => {
    const booking = bookings.get(socket);
    if (booking !== undefined && isAnswered(socket)) booking.givePlaceTo(NOBODY);
  });
  return true;
}

/** A connection goes on as another socket: what was under TLS is what its requests come from. */
export function replaceHttpConnection(before: Socket, after: Socket): void {
  const booking = bookings.get(before);
  if (booking === undefined) return;
  booking.goOnAs(after);
  bookings.set(after, booking);
}

/**
 * Holds the connections of the HTTP server within their share, so that callers, who need no token to connect, do not
 * take the descriptors of devices and MQTT clients. For a newcomer those of the address that has most are closed.
 * When the server closes, those over which nothing came are closed at once: Node waits for their first request.
 *
 * @returns for a socket that becomes a WebSocket. A listener for upgrades here would make Node wait for somebody who
 *   answers them, also on servers that have no WebSocket
 */
export function limitHttpConnections(app: FastifyInstance, options: HttpConnectionsOptions): HttpConnections {
  const { server } = app;
  const { ledger, refusals } = options;
  const places = new HttpPlaces(options);
  const open = new Set<Booking>();
  const forget = (socket: Socket): void => {
    const booking = bookings.get(socket);
    if (booking === undefined) return;
    open.delete(booking);
    booking.end();
  };
  const ticker = setInterval(() => {
    for (const { head, socket, party } of open) if (!head.look(socket, party)) socket.destroy();
  }, LOOK_EVERY_MS);
  ticker.unref();
  server.once('close', () => clearInterval(ticker));
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    for (const { isSilent, socket } of open) if (isSilent) socket.destroy();
    done();
  });
  server.on('connection', (socket: Socket) => {
    if (isClosing) socket.destroy();
    if (socket.destroyed) return;
    const { remoteAddress: address = '' } = socket;
    const key = addressParty(address);
    if (!places.hasPlaceFor(address, key)) {
      socket.destroy();
      return;
    }
    const party = ledger.open(key);
    if (!party.admit(KeptKind.HTTP_CONNECTION, HTTP_CONNECTION_BYTES)) {
      party.close();
      socket.destroy();
      // Once, and not for each address.
      refusals.tell(
        'too-many-connections',
        '',
        new Error(sayFull('http.maxConnections', options.maxConnections)),
      );
      return;
    }
    const booking = new Booking(socket, { party, place: key }, places);
    open.add(booking);
    bookings.set(socket, booking);
    socket.once('close', () => forget(socket));
  });
  return { forget, passOn: (socket) => bookings.get(socket)?.head.end() };
}
