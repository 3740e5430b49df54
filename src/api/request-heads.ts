import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { findHeadFault, findUpgradeFault } from '../base/request-head.ts';
import { UpgradeResponse } from '../services/hub/upgrade-response.ts';
import { problemOf, RequestRefused } from './problems.ts';

/** Refuses requests that could be read in two ways. Call it before all that looks at a request. */
export function refuseBrokenHeads(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    const isUpgrade = reply.raw instanceof UpgradeResponse;
    const fault = isUpgrade ? findUpgradeFault(request.raw) : findHeadFault(request.raw);
    if (fault === undefined) done();
    else done(new RequestRefused('REQUEST_INVALID', fault, { headers: { connection: 'close' } }));
  });
}

/** Answers what Node's parser does not take for HTTP, or not in time, in the words of all other errors. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { STATUS_CODES } = process.getBuiltinModule('node:http');
  const problem = problemOf('REQUEST_INVALID', ...describeClientError(error.code));
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

function describeClientError(code: string | undefined): [detail: string, more: { status: number }] {
  if (code === 'HPE_HEADER_OVERFLOW') return ['The head of the request is too large.', { status: 431 }];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['The request did not come in time.', { status: 408 }];
  return ['This is not a request of HTTP/1.1.', { status: 400 }];
}
