import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { fail } from '../../base/result.ts';
import { addForwarding, seeThroughProxy } from './forwarded.ts';
import { fromCallerAddress, withoutSessionCookie, type Sandbox, type ServicePlace } from './service-place.ts';
import {
  endToEndHeaders,
  isDestination,
  isOverride,
  pairHeaders,
  type HeaderField,
  type HeaderList,
} from '../wire/header-list.ts';
import { isTarget } from '../wire/message-heads.ts';
import { isServiceName } from '../wire/service-topics.ts';
import type { ServiceFailure } from '../wire/service-failure.ts';
import type { ServiceHub } from './service-hub.ts';
import { UpgradeResponse } from './upgrade-response.ts';

/** How long the rest of a body that nobody wants is read, so that its sender comes to see the answer. */
const LINGER_MS = 2000;

/** Told anew on the way (`host`, `content-length`), or answered here (`expect`). */
const OWN_HEADERS: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);
const OWN_HEADERS_AND_AUTHORIZATION: ReadonlySet<string> = new Set([...OWN_HEADERS, 'authorization']);

const BAD_TARGET: ServiceFailure = {
  code: 'REQUEST_INVALID',
  message: 'The path of the request has characters that it may not have.',
};

type EntranceCall = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly service: string;
  /** What follows the name of the service in the request line; empty for `/`. */
  readonly target: string;
  /** What stands before that: `/services/billing`; empty where the service has the host for itself. */
  readonly prefix: string;
  readonly sandbox: Sandbox;
  /** The peer is a proxy whose word on who asked it is believed. */
  readonly isProxy: boolean;
  /** The caller's `Authorization` was for the hub. */
  readonly dropsAuthorization: boolean;
  /** A header that makes another method of a GET would let it do more. */
  readonly mayOnlyRead: boolean;
  /** To whom the request is put down: places of a service are shared between callers. */
  readonly caller: string;
};

/** Writes what the hub itself has to say. */
type WriteFailure = (response: ServerResponse, failure: ServiceFailure) => void;

/** Takes a request of Node's HTTP server, body unread, through a service; its response is answered whatever happens. */
export function serveHttp(hub: ServiceHub, call: EntranceCall, writeFailure: WriteFailure): void {
  const { request, response, service } = call;
  const answerFailure = (failure: ServiceFailure): void => {
    if (!response.headersSent) writeFailure(response, failure);
  };
  if (isPageWithoutSlash(call)) {
    // Relative: whatever stands before it, the addresses in the page begin from there.
    response.writeHead(308, { location: `${service}/${call.target}`, 'content-length': 0 }).end();
    return;
  }
  const bodyBytes = readContentLength(request);
  const target = call.target.startsWith('/') ? call.target : `/${call.target}`;
  const admitted = isTarget(target)
    ? hub.admission.admit(service, { caller: call.caller, bodyBytes })
    : fail(BAD_TARGET);
  if (!admitted.ok) {
    answerFailure(admitted.failure);
    drain(request, response);
    return;
  }
  const method = request.method ?? 'GET';
  const upgrade = response instanceof UpgradeResponse ? ('websocket' as const) : undefined;
  const { headers, place } = readPlace(call, target);
  const hasBody = request.headers['transfer-encoding'] !== undefined || (bodyBytes ?? 0) > 0;
  const onEnd = (): void => drain(request, response);
  const body = { bodyBytes: upgrade === undefined ? bodyBytes : undefined, hasBody };
  const asked = { method, target, headers, ...body, upgrade, place, request, response };
  hub.send(admitted.value, { ...asked, answerFailure, onEnd });
}

/** A browser that is told `/services/billing` would look for what is on the page beside it. */
function isPageWithoutSlash({ request, service, target, prefix }: EntranceCall): boolean {
  const { method, headers } = request;
  const isPage = method === 'GET' && headers.accept?.includes('text/html') === true;
  return isPage && prefix !== '' && !target.startsWith('/') && isServiceName(service);
}

/** Whether a request asks for a WebSocket. Other offers, as of HTTP/2, may be ignored (RFC 9110 section 7.8). */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  const offers = (headers.upgrade ?? '').split(',');
  return method === 'GET' && offers.some((name) => name.trim().toLowerCase() === 'websocket');
}

/** The head that goes on, and where the caller found the service. */
function readPlace(call: EntranceCall, target: string): { headers: HeaderList; place: ServicePlace } {
  const { request, prefix, isProxy, sandbox } = call;
  const without = call.dropsAuthorization ? OWN_HEADERS_AND_AUTHORIZATION : OWN_HEADERS;
  const { socket } = request;
  const caller = {
    address: socket.remoteAddress ?? '',
    host: request.headers.host,
    protocol: (socket as Partial<TLSSocket>).encrypted === true ? ('https' as const) : ('http' as const),
    prefix,
    isProxy,
  };
  const sent = endToEndHeaders(pairHeaders(request.rawHeaders), without);
  const headers = call.mayOnlyRead ? sent.filter(([name]) => !isOverride(name)) : sent;
  const seen = seeThroughProxy(headers, caller);
  const origin = `${seen.protocol}://${seen.host ?? ''}`;
  const place = { origin, prefix: seen.prefix, sandbox, target };
  return {
    headers: addForwarding(
      headers.flatMap((field) => forService(field, place)),
      caller,
      seen,
    ),
    place,
  };
}

/** Without the cookie of the hub, and with addresses as the service has them. */
function forService(field: HeaderField, place: ServicePlace): HeaderField[] {
  const [name, value] = field;
  if (isDestination(name)) return [[name, fromCallerAddress(value, place)]];
  if (name.length !== 6 || name.toLowerCase() !== 'cookie') return [field];
  const kept = withoutSessionCookie(value);
  return kept === undefined ? [] : [[name, kept]];
}

/** Node's parser has checked it, and refused those that contradict each other or Transfer-Encoding. */
function readContentLength({ headers }: IncomingMessage): number | undefined {
  const text = headers['content-length'];
  return text === undefined || headers['transfer-encoding'] !== undefined ? undefined : Number(text);
}

/**
 * The answer is given, and the body not at its end: it is thrown away for a while, because a connection that is closed
 * with unread bytes takes the answer with it.
 */
function drain(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed) {
    request.resume();
    return;
  }
  request.on('error', ignore);
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  timer.unref();
  const stop = (): void => clearTimeout(timer);
  request.once('end', stop);
  response.once('close', () => {
    // With the answer gone out and the rest still coming, the timer decides.
    if (request.destroyed) stop();
  });
}

function ignore(): void {}
