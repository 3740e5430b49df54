import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { findHeadFault, findUpgradeFault, NO_HTTP } from '../base/request-head.ts';
import { UpgradeResponse } from '../services/hub/upgrade-response.ts';
import { problemOf, RequestRefused } from './problems.ts';
import { headLength } from './request-bookings.ts';

/** As Node's own; heads that are passed on may be larger. */
const MAX_HEAD_BYTES = 16_384;
const CLOSES = { headers: { connection: 'close' } };
const TOO_LARGE = new RequestRefused('HEAD_TOO_LARGE', 'The head of the request is too large.', CLOSES);

const BROKEN_QUERY = new RequestRefused(
  'REQUEST_INVALID',
  'The query cannot be read: each % has two hexadecimal digits that spell UTF-8.',
);

/**
 * Refuses requests that could be read in two ways, and those with large heads. Call it before all that looks at a
 * request.
 */
export function refuseBrokenHeads(app: FastifyInstance, isPassedOn?: (url: string) => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    const isUpgrade = reply.raw instanceof UpgradeResponse;
    const fault = isUpgrade ? findUpgradeFault(request.raw) : findHeadFault(request.raw, request.originalUrl);
    const isElsewhere = isPassedOn?.(request.url) === true;
    if (fault !== undefined) done(new RequestRefused('REQUEST_INVALID', fault, CLOSES));
    else if (isElsewhere) done();
    else if (headLength(request.raw) > MAX_HEAD_BYTES) done(TOO_LARGE);
    else done(isQueryRight(request.url) ? undefined : BROKEN_QUERY);
  });
}

/** What cannot be decoded would be taken for a text that nobody meant. */
function isQueryRight(url: string): boolean {
  const at = url.indexOf('?');
  if (at < 0 || !url.includes('%', at)) return true;
  try {
    decodeURIComponent(url.slice(at));
    return true;
  } catch {
    return false;
  }
}

/** What was asked last over each connection. */
const lastResponses = new WeakMap<Socket, ServerResponse>();

/** Whether all that was asked over a connection has its answer. */
export function isAnswered(socket: Socket): boolean {
  return lastResponses.get(socket)?.writableFinished ?? true;
}

/** Answers a CONNECT, which Node would let fall silently, and remembers to whom an answer is still due. */
export function refuseTunnels(server: Server): void {
  server.on('request', (request, response) => lastResponses.set(request.socket, response));
  server.on('connect', (_request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.resume();
    sendLast(socket, ['REQUEST_INVALID', 'This server is no proxy, and takes no CONNECT.']);
  });
}

/** Answers what Node's parser does not take for HTTP, or not in time, in the words of all other errors. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET') socket.destroy();
  else sendLast(socket, describeClientError(error.code));
}

/** Those whose last answer waits for the ones before it: whatever else comes is not looked at. */
const ending = new WeakSet<Socket>();

/** The last answer of a connection: it would be taken for one of those before it, where they have not gone. */
function sendLast(socket: Socket, refusal: Parameters<typeof problemOf>): void {
  const last = lastResponses.get(socket);
  if (last === undefined || isAnswered(socket)) return writeLast(socket, refusal);
  // Its own body is what cannot be read; a response has its socket when those before it have gone.
  const isItsOwn = last.socket === socket && !last.headersSent && !last.req.complete;
  if (isItsOwn) return writeLast(socket, refusal);
  // Whoever has ended its side has left, and what has no whole body has no answer.
  if (socket.readableEnded || !last.req.complete) return void socket.destroy();
  if (!ending.has(socket)) last.once('close', () => writeLast(socket, refusal));
  ending.add(socket);
}

function writeLast(socket: Socket, refusal: Parameters<typeof problemOf>): void {
  // The answer before was to be the last, and is on its way.
  if (!socket.writable) return;
  const { STATUS_CODES } = process.getBuiltinModule('node:http');
  const problem = problemOf(...refusal);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function describeClientError(code: string | undefined): Parameters<typeof problemOf> {
  if (code === 'HPE_HEADER_OVERFLOW') return ['HEAD_TOO_LARGE', TOO_LARGE.message];
  const tooLate = { status: 408 };
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return ['REQUEST_INVALID', 'The request did not come in time.', tooLate];
  return ['REQUEST_INVALID', NO_HTTP];
}
