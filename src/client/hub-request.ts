import { tlsFaultOf } from '../base/tls-fault.ts';
import { parseAnswer, readProblem, ShapeError } from './check-answer.ts';
import { HubAnswerError, HubUnreachableError, ProblemError, type UnreachableReason } from './errors.ts';

/** An answer larger than this is not read to its end. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const LONGEST_TIMER_MS = 2_147_483_647;

/** Every call can be given up: it then throws the signal's reason. */
export type CallOptions = { readonly signal?: AbortSignal | undefined };

/** Members of a request, as options that may be left out or undefined. */
export type Options<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What keeps cookies, as `CookieJar` of tough-cookie. */
export type CookieJar = {
  /** What to send to an address: `name=value; other=…`. */
  getCookieString(url: string): string | Promise<string>;
  /** Takes one `Set-Cookie` of an answer. */
  setCookie(cookie: string, url: string): unknown;
};

export type HubConnection = {
  /** Where the hub is, without a `/` at the end. */
  readonly url: string;
  readonly token: string | undefined;
  readonly cookies: CookieJar | undefined;
  readonly fetch: typeof globalThis.fetch;
};

export type HubRequest<T> = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the hub's address, percent-encoded, with its query. */
  readonly path: string;
  /** Sent as JSON; bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asking twice does no more than asking once. */
  readonly idempotent: boolean;
  /** It has a password in it: where it is refused, that one is wrong. */
  readonly provesPassword?: boolean;
  /** Makes of the answer what the caller wants, or throws a `ShapeError`. */
  readonly read: (answer: unknown) => T;
  /** The same of an answer that is no JSON. */
  readonly readBytes?: (bytes: Uint8Array<ArrayBuffer>, headers: Headers) => T;
};

/**
 * Asks the hub once. A question that may be asked twice is asked again at once, and only once, when the connection
 * broke before any answer: a kept connection that the hub has closed in the meantime looks like that.
 *
 * @throws {ProblemError} when the hub says that it cannot
 * @throws {HubUnreachableError} when no answer came, or not all of it
 * @throws {HubAnswerError} when what came is no answer of a hub
 * @throws the reason of `signal` when the caller gave up
 */
export async function askHub<T>(hub: HubConnection, request: HubRequest<T>): Promise<T> {
  const timeout = AbortSignal.timeout(Math.min(request.timeoutMs, LONGEST_TIMER_MS));
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
  try {
    const response = await fetchResponse(hub, request, signal);
    return await readResponse(hub, request, response);
  } catch (error) {
    if (request.signal?.aborted === true) throw request.signal.reason;
    if (error instanceof ProblemError || error instanceof HubAnswerError) throw error;
    throw explainFailure(hub, request, timeout.aborted, error);
  }
}

/** What opens a stream: `timeoutMs` is for its head, `signal` also ends it. */
type StreamRequest = Pick<HubRequest<void>, 'path' | 'timeoutMs' | 'body'> & {
  readonly method: 'GET' | 'POST';
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the body. */
  readonly mediaType: 'text/event-stream' | 'application/x-ndjson';
};

/**
 * Opens a stream: its head has come, and its body is for the caller to read.
 *
 * @throws as `askHub` does
 */
export async function openHubStream(
  hub: HubConnection,
  { mediaType, ...request }: StreamRequest,
): Promise<Response> {
  const { timeoutMs, method } = request;
  const question = {
    ...request,
    headers: { accept: `${mediaType}, application/problem+json`, ...request.headers },
    idempotent: method === 'GET',
    read: () => undefined,
  };
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.min(timeoutMs, LONGEST_TIMER_MS));
  try {
    const response = await fetchResponse(hub, question, AbortSignal.any([request.signal, late.signal]));
    const type = response.headers.get('content-type') ?? '';
    if (response.ok && type.startsWith(mediaType)) return response;
    await readResponse(hub, question, response);
    const what = mediaType === 'text/event-stream' ? 'events' : 'lines of JSON';
    const detail = `is no stream of ${what}${formOf(response)}`;
    const { status } = response;
    throw new HubAnswerError({ url: hub.url, status, detail, safeToRetry: question.idempotent });
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason;
    if (error instanceof ProblemError || error instanceof HubAnswerError) throw error;
    throw explainFailure(hub, question, late.signal.aborted, error);
  } finally {
    clearTimeout(timer);
  }
}

async function fetchResponse<T>(
  hub: HubConnection,
  request: HubRequest<T>,
  signal: AbortSignal,
): Promise<Response> {
  // A redirect is not followed: it would take the token, or turn a POST into a GET, without anybody asking for it.
  const headers: Record<string, string> = {
    accept: 'application/json, application/problem+json',
    ...request.headers,
  };
  const init: RequestInit = {
    method: request.method,
    headers,
    signal,
    redirect: 'manual',
    cache: 'no-store',
  };
  if (hub.token !== undefined) headers['authorization'] = `Bearer ${hub.token}`;
  // Of a page at another address, too; a token makes cookies needless.
  else init.credentials = 'include';
  const url = hub.url + request.path;
  const cookie = await hub.cookies?.getCookieString(url);
  if (cookie !== undefined && cookie !== '') headers['cookie'] = cookie;
  if (request.body instanceof Uint8Array) {
    init.body = request.body as Uint8Array<ArrayBuffer>;
  } else if (request.body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(request.body);
  }
  // Called as a plain function: a browser's `fetch` refuses to be the method of another object.
  const { fetch } = hub;
  const response = await fetch(url, init).catch((error: unknown) => {
    if (!request.idempotent || signal.aborted || reasonOf(error) !== 'broken') throw error;
    return fetch(url, init);
  });
  if (hub.cookies !== undefined)
    for (const cookie of response.headers.getSetCookie()) await hub.cookies.setCookie(cookie, url);
  return response;
}

async function readResponse<T>(hub: HubConnection, request: HubRequest<T>, response: Response): Promise<T> {
  const described = { url: hub.url, status: response.status, safeToRetry: request.idempotent };
  const fail = (detail: string, cause?: unknown): HubAnswerError =>
    new HubAnswerError({ ...described, detail, cause });
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel();
    const location = response.headers.get('location') ?? undefined;
    const detail = `sends to another address, ${location ?? 'without saying which'}: use that one instead`;
    throw new HubAnswerError({ ...described, detail, location });
  }
  const bytes = await readBody(response, fail);
  if (response.ok && request.readBytes !== undefined) return request.readBytes(bytes, response.headers);
  const parsed = parseAnswer(readText(bytes, fail));
  if (!parsed.ok) throw fail(parsed.failure);
  const answer = parsed.value;
  if (!response.ok) {
    const problem = readProblem(answer, response.status);
    if (problem === undefined) throw fail(`is an error in an unknown form${formOf(response)}`);
    const { provesPassword = false } = request;
    throw new ProblemError(problem, readRetryAfterMs(response.headers.get('retry-after')), {
      provesPassword,
    });
  }
  if (answer === undefined && response.status !== 204) throw fail(`is not JSON${formOf(response)}`);
  try {
    return request.read(answer);
  } catch (error) {
    if (error instanceof ShapeError) throw fail(error.message, error);
    throw error;
  }
}

type Fail = (detail: string, cause?: unknown) => HubAnswerError;

async function readBody(response: Response, fail: Fail): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    if (length > MAX_ANSWER_BYTES) throw fail(`is larger than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

function readText(bytes: Uint8Array, fail: Fail): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw fail('is not UTF-8 text', error);
  }
}

function formOf(response: Response): string {
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim();
  return type === undefined || type === '' || type === 'application/json' ? '' : ` (${type})`;
}

/** `Retry-After` in ms, from seconds or a date (RFC 9110 section 10.2.3); undefined when absent or unreadable. */
function readRetryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function explainFailure<T>(
  hub: HubConnection,
  request: HubRequest<T>,
  timedOut: boolean,
  error: unknown,
): Error {
  const { url } = hub;
  const code = codeOf(error);
  const isTooLarge = code === 'UND_ERR_HEADERS_OVERFLOW';
  if (!timedOut && (isTooLarge || isParserError(error))) {
    const detail = isTooLarge ? 'has a head that is too large' : 'is not HTTP';
    return new HubAnswerError({ url, status: 0, detail, safeToRetry: request.idempotent, cause: error });
  }
  const reason = timedOut ? 'timeout' : reasonOf(error);
  const neverLeft =
    reason === 'blocked-port' ||
    reason === 'refused' ||
    reason === 'unknown-host' ||
    reason === 'no-route' ||
    code === 'UND_ERR_CONNECT_TIMEOUT' ||
    tlsFaultOf({ code }) !== undefined;
  return new HubUnreachableError({ url, reason, safeToRetry: request.idempotent || neverLeft, cause: error });
}

const REASONS: ReadonlyMap<string, UnreachableReason> = new Map([
  ['ECONNREFUSED', 'refused'],
  ['ENOTFOUND', 'unknown-host'],
  ['EAI_AGAIN', 'unknown-host'],
  ['EHOSTUNREACH', 'no-route'],
  ['ENETUNREACH', 'no-route'],
  ['EADDRNOTAVAIL', 'no-route'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
  ['ECONNRESET', 'broken'],
  ['EPIPE', 'broken'],
  ['UND_ERR_SOCKET', 'broken'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'broken'],
]);

function reasonOf(error: unknown): UnreachableReason {
  if (error instanceof Error && error.cause instanceof Error && error.cause.message === 'bad port')
    return 'blocked-port';
  const code = codeOf(error);
  return REASONS.get(code) ?? tlsFaultOf({ code }) ?? 'failed';
}

/** Node's `fetch` tells bytes that are no HTTP by the name of the cause. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.name === 'HTTPParserError';
}

/** The system's code, which Node's `fetch` puts in the cause; empty in browsers. */
function codeOf(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 4 && typeof current === 'object' && current !== null; depth++) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    current = 'cause' in current ? current.cause : undefined;
  }
  return '';
}
