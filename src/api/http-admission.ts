import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ANONYMOUS, tokenPrincipal, TRUSTED_NETWORK, type Principal } from '../accounts/principal.ts';
import { Networks } from '../base/networks.ts';
import { RequestRefused } from './problems.ts';

type HttpAdmissionOptions = {
  readonly tokens: readonly string[];
  readonly trustedNetworks: readonly string[];
  /** Names besides IP addresses and local names under which browsers may reach the hub. */
  readonly hostNames: readonly string[];
  /** Everybody may do everything. */
  readonly insecure: boolean;
};

/** Names that no stranger on the internet can own. */
const LOCAL_NAME = /^(?:[^.]+|.*\.(?:localhost|local|lan|home|internal|home\.arpa|test))$/;

/**
 * Lets a request in: with a token, or without one from a trusted network. Who needs no token is trusted for
 * where it is, so a web page that a trusted person has open must not borrow that: requests that a browser made
 * for another site, and host names that anybody could point here, are refused.
 */
export class HttpAdmission {
  readonly #tokens: ReadonlyMap<string, Principal>;
  readonly #trusted: Networks;
  readonly #hostNames: ReadonlySet<string>;
  readonly #insecure: boolean;
  /** Who comes without a token, by its connection; undefined: nobody who may come in. */
  readonly #bySocket = new WeakMap<Socket, Principal | undefined>();
  #lastHost: string | undefined;

  constructor(options: HttpAdmissionOptions) {
    // Kept as digests, so that looking one up takes the same time whatever part of it is right.
    this.#tokens = new Map(options.tokens.map(digest).map((text) => [text, tokenPrincipal(text)]));
    this.#trusted = new Networks(options.trustedNetworks);
    this.#hostNames = new Set(options.hostNames.map((name) => name.toLowerCase()));
    this.#insecure = options.insecure;
  }

  /**
   * Throws `UNAUTHENTICATED` or `FORBIDDEN` when the request may not come in.
   *
   * @param isForHub - false: its `Authorization` may be for somebody behind the hub, where the caller needs no token
   * @returns who it is
   */
  check(request: FastifyRequest, { isForHub = true } = {}): Principal {
    const { authorization } = request.headers;
    const trusted = this.#findTrusted(request.raw.socket);
    if (authorization !== undefined) {
      const shown = this.#findToken(authorization, isForHub || trusted === undefined);
      if (shown !== undefined) return shown;
    }
    if (trusted === undefined) {
      throw new RequestRefused(
        'UNAUTHENTICATED',
        'This hub needs a token: send it as "Authorization: Bearer …".',
        {
          headers: { 'www-authenticate': 'Bearer realm="recado"' },
        },
      );
    }
    this.#checkBrowser(request);
    return trusted;
  }

  /** Whether a `Host`, as a request has it, cannot be one that a stranger made lead here. */
  isKnownHost(host: string): boolean {
    const name = host
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase();
    return isIP(name) !== 0 || LOCAL_NAME.test(name) || this.#hostNames.has(name);
  }

  /** @param mustBeToken - another one than those of the hub is a mistake, not somebody else's */
  #findToken(authorization: string, mustBeToken: boolean): Principal | undefined {
    if (this.#tokens.size === 0) return undefined;
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    const shown = token === undefined ? undefined : this.#tokens.get(digest(token));
    if (shown !== undefined || !mustBeToken) return shown;
    throw new RequestRefused('UNAUTHENTICATED', 'The token is wrong, or has been taken back.', {
      headers: { 'www-authenticate': 'Bearer realm="recado", error="invalid_token"' },
    });
  }

  #findTrusted(socket: Socket): Principal | undefined {
    const known = this.#bySocket.get(socket);
    if (known !== undefined || this.#bySocket.has(socket)) return known;
    const isTrusted = this.#trusted.has(socket.remoteAddress ?? '');
    const found = isTrusted ? TRUSTED_NETWORK : this.#insecure ? ANONYMOUS : undefined;
    this.#bySocket.set(socket, found);
    return found;
  }

  #checkBrowser(request: FastifyRequest): void {
    const { host, origin, referer } = request.headers;
    if (host !== undefined && host !== this.#lastHost) {
      if (!this.isKnownHost(host)) {
        throw new RequestRefused(
          'FORBIDDEN',
          `The hub does not know the name ${host.slice(0, 253)}. Add it to http.hostNames.`,
        );
      }
      this.#lastHost = host;
    }
    const site = request.headers['sec-fetch-site'];
    const from = origin ?? referer;
    if (site === 'cross-site' || site === 'same-site' || (from !== undefined && !isSameOrigin(from, host))) {
      throw new RequestRefused(
        'FORBIDDEN',
        'A page of another site asked for this. Use a token, or open it from the hub itself.',
      );
    }
  }
}

/** `from` is an Origin, or a Referer, which goes on with a path. */
function isSameOrigin(from: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  const rest = /^https?:\/\/(.*)$/.exec(from)?.[1];
  return rest === host || rest?.startsWith(`${host}/`) === true;
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. */
    principal: Principal;
    /** False for who would be refused elsewhere: it is told what everybody may know. */
    isAdmitted: boolean;
  }
  interface FastifyContextConfig {
    /** Everybody may ask for it. */
    isOpenToAll?: boolean;
  }
}

/** Lets no request of the app by without `check`, which says who asks; those that are open to all excepted. */
export function admitRequests(app: FastifyInstance, check: (request: FastifyRequest) => Principal): void {
  app.decorateRequest('principal');
  app.decorateRequest('isAdmitted', true);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    try {
      request.principal = check(request);
      done();
    } catch (error) {
      if (request.routeOptions.config.isOpenToAll !== true) return done(error as RequestRefused);
      request.principal = ANONYMOUS;
      request.isAdmitted = false;
      done();
    }
  });
}
