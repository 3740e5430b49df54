import * as http from 'node:http';
import * as https from 'node:https';
import { RecadoError } from '../../base/errors.ts';
import { endToEndHeaders, findHeader, pairHeaders } from '../wire/header-list.ts';
import type { RequestHead, ResponseHead } from '../wire/message-heads.ts';
import type { AgentFailure } from '../wire/service-failure.ts';
import { TargetAddress } from './target-address.ts';

/**
 * How long a connection is kept without a request: less than what servers commonly allow, so that a request
 * seldom meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 4000;
const MAX_FREE_SOCKETS = 32;
/** Told anew on the way. */
const OWN_REQUEST_HEADERS: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);
const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length']);
/** RFC 9110 section 8.6: these say so when they have no body. */
const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
/** The network never brought the request to a server. */
const NOT_CONNECTED: ReadonlySet<string | undefined> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
]);

export type UpstreamRequest = Pick<RequestHead, 'method' | 'target' | 'headers' | 'bodyBytes'> & {
  /** There is a body, of `bodyBytes` or of a length that nobody knows. */
  readonly hasBody: boolean;
  /** Not over a connection that was used before. */
  readonly isFresh: boolean;
};

/** The HTTP service that an agent brings requests to; never another one. */
export class Upstream {
  readonly address: TargetAddress;
  readonly host: string;
  readonly port: number;
  readonly #isSecure: boolean;
  readonly #hostHeader: string;
  readonly #agent: http.Agent;
  readonly #freshAgent: http.Agent;

  /**
   * @param url - `http:` or `https:`, perhaps with a path, under which all requests are
   * @throws {RecadoError} `CONFIG_INVALID`
   */
  constructor(url: string) {
    const target = parseTarget(url);
    this.#isSecure = target.protocol === 'https:';
    this.host = target.hostname.replaceAll(/[[\]]/g, '');
    this.port = target.port === '' ? (this.#isSecure ? 443 : 80) : Number(target.port);
    this.address = new TargetAddress(target);
    this.#hostHeader = target.host;
    const kept = { keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS, timeout: KEEP_ALIVE_MS };
    const module = this.#isSecure ? https : http;
    this.#agent = new module.Agent(kept);
    this.#freshAgent = new module.Agent({ keepAlive: false });
  }

  /** Begins a request. The path is put behind that of the URL as it is: it is never taken for an address. */
  request({ method, target, headers, bodyBytes, hasBody, isFresh }: UpstreamRequest): http.ClientRequest {
    const fields = ['Host', this.#hostHeader, ...endToEndHeaders(headers, OWN_REQUEST_HEADERS).flat()];
    if (bodyBytes !== undefined) fields.push('Content-Length', String(bodyBytes));
    else if (hasBody) fields.push('Transfer-Encoding', 'chunked');
    else if (EXPECTS_BODY.has(method)) fields.push('Content-Length', '0');
    const { request } = this.#isSecure ? https : http;
    return request({
      host: this.host,
      port: this.port,
      method,
      path: `${this.address.basePath}${target}`,
      headers: fields,
      agent: isFresh ? this.#freshAgent : this.#agent,
      setHost: false,
    });
  }

  close(): void {
    this.#agent.destroy();
    this.#freshAgent.destroy();
  }
}

/**
 * The head of an answer, as it goes to the hub.
 *
 * @param target - that was asked for
 */
export function readAnswerHead(
  response: http.IncomingMessage,
  address: TargetAddress,
  target: string,
): ResponseHead {
  const headers = pairHeaders(response.rawHeaders);
  const length =
    response.headers['transfer-encoding'] === undefined ? findHeader(headers, 'content-length') : undefined;
  return {
    status: response.statusCode ?? 0,
    headers: address.hide(endToEndHeaders(headers, CONTENT_LENGTH), target),
    ...(length !== undefined && /^\d{1,15}$/.test(length) && { bodyBytes: Number(length) }),
  };
}

/** What an error of a request to the target means for the caller, who need not know where that is. */
export function describeUpstreamError({ code = '' }: NodeJS.ErrnoException): AgentFailure {
  if (code.startsWith('HPE_')) {
    const text = `The answer of the target is not HTTP, or its head is too large (${code}).`;
    return { code: 'bad-answer', message: text, isUntouched: false };
  }
  const isUntouched = NOT_CONNECTED.has(code);
  const what = isUntouched ? 'cannot be reached' : 'ended the connection before it had answered';
  return { code: 'target-down', message: `The target ${what}${code && ` (${code})`}.`, isUntouched };
}

function parseTarget(url: string): URL {
  const target = URL.parse(url);
  const isGood =
    target !== null &&
    /^https?:$/.test(target.protocol) &&
    target.username === '' &&
    target.password === '' &&
    target.search === '' &&
    target.hash === '';
  if (isGood) return target;
  const message = `"${url}" is no address of an HTTP service; write http://HOST:PORT, perhaps with a path`;
  throw new RecadoError('CONFIG_INVALID', message);
}
