import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import { cutText } from '../base/cut-text.ts';
import { isServiceRequest } from './routes/services.ts';
import { isSafeMethod } from './request-permission.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What it is about, where the path does not say it. */
    auditTarget: string;
    /** Of the problem that it was answered with. */
    problemCode: string;
  }
}

const MAX_TARGET_CHARACTERS = 200;
/** Who left before the answer, as in `INVOCATION_CANCELLED`. */
const LEFT = 499;

/** What is to be noted of a connection when it closes first: not every Node tells each response of its end. */
const pending = new WeakMap<Socket, Set<() => void>>();

/**
 * Notes who did what: every command and every change, as soon as it is answered, and also when nobody waited for that.
 * Nothing where there are no accounts: everybody is the same then. Of services, only they know what was done.
 */
export function auditRequests(app: FastifyInstance, accounts: Accounts): void {
  app.decorateRequest('auditTarget', '');
  app.decorateRequest('problemCode', '');
  app.addHook('onRequest', (request, reply, done) => {
    if (isAudited(request, accounts)) onAnswered(request, reply, () => note(accounts, request, reply));
    done();
  });
}

function isAudited({ method, url, is404, routeOptions }: FastifyRequest, { isOn }: Accounts): boolean {
  const { verb } = routeOptions.config;
  if (is404 || (!isOn && verb !== 'administer')) return false;
  return verb === 'command' || (!isSafeMethod(method) && !isServiceRequest(url));
}

function onAnswered({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply, act: () => void): void {
  const waiting = waitingOf(socket);
  const once = (): void => {
    if (waiting.delete(once)) act();
  };
  waiting.add(once);
  raw.once('close', once);
}

function waitingOf(socket: Socket): Set<() => void> {
  const known = pending.get(socket);
  if (known !== undefined) return known;
  const waiting = new Set<() => void>();
  pending.set(socket, waiting);
  socket.once('close', () => {
    for (const act of waiting) act();
  });
  return waiting;
}

function note(accounts: Accounts, request: FastifyRequest, reply: FastifyReply): void {
  const { principal, address, params, problemCode, auditTarget } = request;
  // Nobody has come so far as to be somebody.
  if (principal === undefined) return;
  const path = Object.values((params ?? {}) as Record<string, string>).join('/');
  accounts.audit.note(principal, {
    address,
    action: actionOf(request),
    target: cutText(auditTarget || path, MAX_TARGET_CHARACTERS),
    status: isAnswered(reply.raw) ? reply.raw.statusCode : LEFT,
    ...(problemCode !== '' && { code: problemCode }),
  });
}

function isAnswered({ writableFinished }: ServerResponse): boolean {
  return writableFinished;
}

function actionOf({ method, routeOptions: { schema, url = '' } }: FastifyRequest): string {
  const { operationId } = (schema ?? {}) as { operationId?: string };
  return operationId ?? `${method} ${url}`;
}
