import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { findHeadFault, findUpgradeFault } from '../base/request-head.ts';
import { UpgradeResponse } from '../services/hub/upgrade-response.ts';
import { problemOf, RequestRefused } from './problems.ts';
import { headLength } from './request-bookings.ts';

/** As Node's own; heads that are passed on may be larger. */
const MAX_HEAD_BYTES = 16_384;
const CLOSES = { headers: { connection: 'close' } };
const TOO_LARGE = new RequestRefused('HEAD_TOO_LARGE', 'The head of the request is too large.', CLOSES);

/**
 * Refuses requests that could be read in two ways, and those with large heads. Call it before all that looks at a
 * request.
 */
export function refuseBrokenHeads(app: FastifyInstance, isPassedOn?: (url: string) => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const isUpgrade = reply.raw instanceof UpgradeResponse;
    const fault = isUpgrade ? findUpgradeFault(request.raw) : findHeadFault(request.raw);
    if (fault !== undefined) done(new RequestRefused('REQUEST_INVALID', fault, CLOSES));
    else if (headLength(request.raw) > MAX_HEAD_BYTES && isPassedOn?.(request.url) !== true) done(TOO_LARGE);
    else done();
  });
}

/** Answers what Node's parser does not take for HTTP, or not in time, in the words of all other errors. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { STATUS_CODES } = process.getBuiltinModule('node:http');
  const problem = problemOf(...describeClientError(error.code));
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
  return ['REQUEST_INVALID', 'This is not a request of HTTP/1.1.'];
}
