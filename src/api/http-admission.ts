import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { DeviceTargets } from '../accounts/permissions.ts';
import {
  ANONYMOUS,
  OWNER,
  partyOf,
  STRANGER,
  tokenPrincipal,
  TRUSTED_NETWORK,
  type Principal,
} from '../accounts/principal.ts';
import { TrustedNetworks } from '../accounts/trusted-networks.ts';
import { TrustedProxies, type RequestOrigin } from '../base/forwarding.ts';
import type { Logger } from '../base/logger.ts';
import { isFromOwnPage } from '../base/page-origin.ts';
import { PlainSecrets } from '../base/plain-secrets.ts';
import { lendHttpConnection } from './http-connections.ts';
import { OpenRequests } from './open-requests.ts';
import { isFromOwner } from './owner-socket.ts';
import { RequestRefused } from './problems.ts';
import { checkPermission, isSafeMethod } from './request-permission.ts';
import { readSessionCookie } from './session-cookie-header.ts';
import { asksForWebSocket } from '../services/hub/http-entrance.ts';
import { findServiceTicket, type StreamTicket, type StreamTickets } from './stream-tickets.ts';

type HttpAdmissionOptions = {
  /** Undefined where there are none: the configuration alone says who may come in. */
  readonly accounts?: Accounts | undefined;
  /** Undefined where there are no streams of events. */
  readonly tickets?: StreamTickets;
  readonly tokens: readonly string[];
  readonly trustedNetworks: readonly string[];
  /** Proxies that are believed when they say who asked them. */
  readonly trustedProxies: readonly string[];
  /** Names besides those of this machine under which browsers may reach the hub. */
  readonly hostNames: readonly string[];
  /** Everybody may do everything. */
  readonly insecure: boolean;
  /** Undefined where there are no devices. */
  readonly targetOf?: DeviceTargets;
  readonly log: Logger;
};

const NEEDS_TOKEN = 'This server needs a token: send it as "Authorization: Bearer …".';
const NO_TICKET = 'The ticket is wrong, was used, or is too old: each opens one stream. Ask for a new one.';
const PLAIN_HTTP = {
  listener: 'HTTP',
  remedy:
    'set http.tls, or name the proxy that has TLS in http.trustedProxies and let it send X-Forwarded-Proto',
};
const TOO_MANY = new RequestRefused(
  'TOO_MANY_REQUESTS',
  'As many connections are used from this address as one may have (http.maxConnectionsPerAddress).',
  { headers: { 'retry-after': '1' } },
);
const FORWARDED =
  'The request came through a proxy that http.trustedProxies does not name, so its address proves nothing.';

/**
 * Lets a request in: with a token, or without one from a trusted network. Who needs no token is trusted for
 * where it is, so a web page that a trusted person has open must not borrow that: requests that a browser made
 * for another site, and host names that are not the hub's own, which anybody could point here, are refused. A proxy
 * lends its place to nobody: what it passes on is trusted only where it is named, and for the address that it tells.
 */
export class HttpAdmission {
  readonly proxies: TrustedProxies;
  readonly #tokens: ReadonlyMap<string, Principal>;
  readonly accounts: Accounts | undefined;
  readonly targetOf: DeviceTargets;
  readonly #secrets: PlainSecrets;
  readonly #tickets: StreamTickets | undefined;
  readonly #trusted: TrustedNetworks;
  readonly #hostNames: ReadonlySet<string>;
  readonly #insecure: boolean;
  #lastHost: string | undefined;

  constructor(options: HttpAdmissionOptions) {
    // Kept as digests, so that looking one up takes the same time whatever part of it is right.
    this.#tokens = new Map(options.tokens.map(digest).map((text) => [text, tokenPrincipal(text)]));
    this.accounts = options.accounts;
    this.targetOf = options.targetOf ?? ((device) => ({ device, tags: [] }));
    this.#secrets = new PlainSecrets(options.log, PLAIN_HTTP);
    this.#tickets = options.tickets;
    this.#trusted = new TrustedNetworks(options.trustedNetworks, () => this.accounts?.isOn === true);
    this.#hostNames = new Set(
      ['localhost', hostname(), ...options.hostNames].map((name) => name.toLowerCase()),
    );
    this.#insecure = options.insecure;
    this.proxies = new TrustedProxies(options.trustedProxies);
  }

  /**
   * Throws `UNAUTHENTICATED` or `FORBIDDEN` when the request may not come in.
   *
   * @param isForHub - false: its `Authorization` may be for somebody behind the hub, where the caller needs no token
   * @returns who it is
   */
  check(request: FastifyRequest, origin: RequestOrigin, { isForHub = true } = {}): Principal {
    const { headers, raw } = request;
    const ticket = readTicket(request);
    if (ticket !== undefined) return this.#useTicket(request, origin, ticket);
    if (isFromOwner(raw.socket)) return OWNER;
    const { authorization } = headers;
    const trusted = this.#findTrusted(origin);
    const person = this.#findPerson(headers);
    if (authorization !== undefined) {
      const shown = this.#findToken(authorization, isForHub || (trusted ?? person) === undefined);
      if (shown !== undefined) return shown;
    }
    if (person !== undefined) {
      this.#checkPage(headers);
      return person;
    }
    if (trusted === undefined) {
      const text = origin.isForwarded ? `${NEEDS_TOKEN} ${FORWARDED}` : NEEDS_TOKEN;
      throw new RequestRefused('UNAUTHENTICATED', text, {
        headers: { 'www-authenticate': 'Bearer realm="recado"' },
      });
    }
    this.#checkBrowser(headers);
    return trusted;
  }

  /** Warns of secrets in a request that others could have read. */
  noteSecrets({ raw, method, headers, routeOptions }: FastifyRequest, { address }: RequestOrigin): void {
    if (this.proxies.isOverTls(raw) || isFromOwner(raw.socket)) return;
    if (headers.authorization !== undefined) this.#secrets.note('token', address);
    if (readSessionCookie(headers.cookie) !== undefined) this.#secrets.note('cookie', address);
    if (routeOptions.config.takesPassword === true && !isSafeMethod(method))
      this.#secrets.note('password', address);
  }

  /** Whether who came in as this principal would not be let in so now. */
  hasEnded(principal: Principal): boolean {
    if (principal === TRUSTED_NETWORK) return this.#trusted.isOver && !this.#insecure;
    return this.accounts?.hasEnded(principal) === true;
  }

  /** Whether a `Host`, as it came, is a name of this server, or an address, which no stranger can make lead here. */
  isKnownHost(host: string): boolean {
    const name = host
      .replace(/\.?(?::\d*)?$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase();
    return isIP(name) !== 0 || this.#hostNames.has(name);
  }

  /** Whatever else the request has proves nothing then: it has come from a page, or from anywhere. */
  #useTicket(request: FastifyRequest, { address }: RequestOrigin, text: unknown): Principal {
    const ticket = typeof text === 'string' ? this.#tickets?.take(text) : undefined;
    const isGood =
      ticket !== undefined &&
      isTicketFor(ticket, request) &&
      !this.hasEnded(ticket.principal) &&
      ticket.caller === partyOf(ticket.principal, address);
    if (!isGood) throw new RequestRefused('UNAUTHENTICATED', NO_TICKET);
    request.streamTicket = ticket;
    return ticket.principal;
  }

  /** @param mustBeToken - another one than those of the hub is a mistake, not somebody else's */
  #findToken(authorization: string, mustBeToken: boolean): Principal | undefined {
    if (this.#tokens.size === 0 && this.accounts?.isOn !== true) return undefined;
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const shown =
      token === undefined
        ? undefined
        : (this.accounts?.tokens.verify(token) ?? this.#tokens.get(digest(token)));
    if (shown !== undefined || !mustBeToken) return shown;
    throw new RequestRefused('UNAUTHENTICATED', 'The token is wrong, or has been taken back.', {
      headers: { 'www-authenticate': 'Bearer realm="recado", error="invalid_token"' },
    });
  }

  #findPerson({ cookie }: IncomingHttpHeaders): Principal | undefined {
    const secret = this.accounts === undefined ? undefined : readSessionCookie(cookie);
    return secret === undefined ? undefined : this.accounts?.signIns.verify(secret);
  }

  #findTrusted({ address, isForwarded }: RequestOrigin): Principal | undefined {
    if (!isForwarded && this.#trusted.has(address)) return TRUSTED_NETWORK;
    return this.#insecure ? ANONYMOUS : undefined;
  }

  #checkBrowser(headers: IncomingHttpHeaders): void {
    const { host = '' } = headers;
    // HTTP/1.0 knows no Host, and a browser always sends one.
    if (host !== '' && host !== this.#lastHost) {
      if (!this.isKnownHost(host)) {
        const text = `${host.slice(0, 253)} is no name of this server. Add it to http.hostNames.`;
        throw new RequestRefused('FORBIDDEN', text);
      }
      this.#lastHost = host;
    }
    this.#checkPage(headers);
  }

  /** What a browser adds by itself, its place or a cookie, is not what the page of somebody else may use. */
  #checkPage(headers: IncomingHttpHeaders): void {
    if (isFromOwnPage(headers)) return;
    const text = 'A page of another site asked for this. Use a token, or open it from this server itself.';
    throw new RequestRefused('FORBIDDEN', text);
  }
}

function readTicket({ routeOptions, query, raw }: FastifyRequest): unknown {
  const { takesTicket } = routeOptions.config;
  if (takesTicket === 'events') return (query as { readonly ticket?: unknown }).ticket;
  return takesTicket === 'service' ? findServiceTicket(raw.url ?? '') : undefined;
}

function isTicketFor({ opens }: StreamTicket, { params, raw }: FastifyRequest): boolean {
  const { service } = params as { readonly service?: string };
  if (!('service' in opens)) return service === undefined;
  return opens.service === service && asksForWebSocket(raw);
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it comes from, as far as that can be known: behind proxies that are believed, what they tell. */
    address: string;
    /** Who asks. */
    principal: Principal;
    /** False for who would be refused elsewhere: it is told what everybody may know. */
    isAdmitted: boolean;
    /** What it came in by, where it is one. */
    streamTicket: StreamTicket | undefined;
  }
  interface FastifyContextConfig {
    /** Everybody may ask for it, or whose request is such a one. */
    isOpenToAll?: boolean | ((request: FastifyRequest) => boolean);
    /** There may be a password in the body. */
    takesPassword?: boolean;
    /** A ticket in the query lets a request in: to a stream of events, or to a WebSocket of a service. */
    takesTicket?: 'events' | 'service';
  }
}

/**
 * Lets no request of the app by that is not admitted; those that are open to all excepted.
 *
 * @param isForHub - whether the `Authorization` of a request must be for the hub
 */
export function admitRequests(
  app: FastifyInstance,
  admission: HttpAdmission,
  isForHub: (url: string) => boolean = () => true,
): void {
  app.decorateRequest('address', '');
  app.decorateRequest('principal');
  app.decorateRequest('isAdmitted', true);
  app.decorateRequest('streamTicket', undefined);
  const { accounts } = admission;
  const open =
    accounts === undefined
      ? undefined
      : new OpenRequests(accounts, (principal) => admission.hasEnded(principal));
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const origin = admission.proxies.originOf(request.raw);
    request.address = origin.address;
    admission.noteSecrets(request, origin);
    const isProxy = admission.proxies.has(socket.remoteAddress ?? '');
    if (isProxy && !lendHttpConnection(socket, origin.address, reply.raw)) return done(TOO_MANY);
    try {
      request.principal = admission.check(request, origin, { isForHub: isForHub(request.url) });
      checkPermission(request, admission.targetOf);
      open?.add(request, reply);
      done();
    } catch (error) {
      const { isOpenToAll = false } = request.routeOptions.config;
      const isOpen = typeof isOpenToAll === 'function' ? isOpenToAll(request) : isOpenToAll;
      if (!isOpen) return done(error as RequestRefused);
      request.principal = STRANGER;
      request.isAdmitted = false;
      done();
    }
  });
}
