import type { Readable } from 'node:stream';
import { Client, Pool, type Dispatcher } from 'undici';
import { RecadoError } from '../../base/errors.ts';
import { TLS_FAULT_WORDS, tlsFaultOf } from '../../base/tls-fault.ts';
import { DEFAULT_AGENT_LIMITS } from '../options.ts';
import { endToEndHeaders, findHeader, isDestination, type HeaderField } from '../wire/header-list.ts';
import type { RequestHead, ResponseHead } from '../wire/message-heads.ts';
import type { AgentFailure } from '../wire/service-failure.ts';
import { TargetAddress } from './target-address.ts';

/**
 * How long a connection is kept without a request: less than what servers commonly allow, so that a request
 * seldom meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 4000;
/** Told anew on the way; what undici does not take as a header is said to it in other words. */
const OWN_REQUEST_HEADERS: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);
const CONTENT_LENGTH: ReadonlySet<string> = new Set(['content-length']);
/** The network never brought the request to a server. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** What came is no answer that may be passed on. */
const BAD_ANSWERS: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

type UpstreamRequest = RequestHead & {
  readonly body: Readable | Buffer | null;
};

/** The HTTP service that an agent brings requests to; never another one. */
export class Upstream {
  readonly address: TargetAddress;
  readonly host: string;
  readonly port: number;
  readonly #origin: string;
  readonly #hostHeader: string;
  readonly #options: Client.Options;
  readonly #pool: Pool;
  #isConnectionNew = false;

  /**
   * @param url - `http:` or `https:`, perhaps with a path, under which all requests are
   * @param maxHeadBytes - of an answer
   * @throws {RecadoError} `CONFIG_INVALID`
   */
  constructor(url: string, { maxHeadBytes = DEFAULT_AGENT_LIMITS.maxHeadBytes } = {}) {
    const target = parseTarget(url);
    this.host = target.hostname.replaceAll(/[[\]]/g, '');
    this.port = target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : Number(target.port);
    this.#origin = target.origin;
    this.address = new TargetAddress(target);
    this.#hostHeader = target.host;
    // Who waits, and how long, is decided by the exchange.
    this.#options = {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: maxHeadBytes,
      allowH2: false,
    };
    this.#pool = new Pool(target.origin, { ...this.#options, connections: null });
    // A request that waited for a connection begins on it in the same turn, before any microtask.
    this.#pool.on('connect', () => {
      this.#isConnectionNew = true;
      queueMicrotask(() => (this.#isConnectionNew = false));
    });
  }

  /** Whether a request of `request` that begins at this moment is the first one on its connection. */
  get isConnectionNew(): boolean {
    return this.#isConnectionNew;
  }

  /** Begins a request. The path is put behind that of the URL as it is: it is never taken for an address. */
  request(request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(this.#describe(request), handler);
  }

  /** The same over a connection of its own. */
  requestAnew(request: UpstreamRequest, handler: Dispatcher.DispatchHandler): void {
    const client = new Client(this.#origin, this.#options);
    client.dispatch(this.#describe(request), handler);
    // When the request is over.
    void client.close();
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #describe({
    method,
    target,
    headers,
    bodyBytes,
    upgrade,
    body,
  }: UpstreamRequest): Dispatcher.DispatchOptions {
    const fields = ['Host', this.#hostHeader];
    for (const [name, value] of endToEndHeaders(headers, OWN_REQUEST_HEADERS))
      fields.push(name, isDestination(name) ? this.address.url + value : value);
    if (bodyBytes !== undefined) fields.push('Content-Length', String(bodyBytes));
    return {
      method: method,
      path: this.address.basePath + target,
      headers: fields,
      body,
      upgrade: upgrade ?? null,
    };
  }
}

/**
 * The head of an answer, as it goes to the hub.
 *
 * @param raw - names and values in turn
 * @param asked - the target that was asked for, and where
 */
export function readAnswerHead(
  status: number,
  raw: readonly Buffer[],
  { address, target }: { readonly address: TargetAddress; readonly target: string },
): ResponseHead {
  const headers: HeaderField[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    headers.push([raw[index]!.toString('latin1'), raw[index + 1]!.toString('latin1')]);
  const isChunked = findHeader(headers, 'transfer-encoding') !== undefined;
  const length = isChunked ? undefined : findHeader(headers, 'content-length');
  return {
    status,
    headers: address.hide(endToEndHeaders(headers, CONTENT_LENGTH), target),
    ...(length !== undefined && /^\d{1,15}$/.test(length) && { bodyBytes: Number(length) }),
  };
}

/**
 * What an error of a request to the target means for the caller, who need not know where that is.
 *
 * @param hasBegun - something of an answer had come
 */
export function describeUpstreamError(
  { code = '' }: NodeJS.ErrnoException,
  { hasBegun }: { readonly hasBegun: boolean },
): AgentFailure {
  if (hasBegun || code.startsWith('HPE_') || BAD_ANSWERS.has(code)) {
    const text = `The answer of the target is not HTTP, or cannot be passed on (${code}).`;
    return { code: 'bad-answer', message: text, isUntouched: false };
  }
  const fault = tlsFaultOf({ code });
  const isUntouched = fault !== undefined || NOT_CONNECTED.has(code);
  const what =
    fault !== undefined
      ? `cannot be reached: ${TLS_FAULT_WORDS[fault]}`
      : isUntouched
        ? 'cannot be reached'
        : 'ended the connection before it had answered';
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
