import { definedMembers } from '../base/defined-members.ts';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { ERROR_TABLE, problemSlug, RecadoError, type ErrorCode, type Issue } from '../base/errors.ts';
import { systemClock } from '../base/clock.ts';
import { LogBudget } from '../base/log-budget.ts';
import { addressParty } from '../base/networks.ts';
import type { Logger } from '../base/logger.ts';
import type { Failure } from '../devices/failure.ts';
import type { InvokeFailure } from '../hub/hub.ts';
import { StoreError } from '../store/store-state.ts';
import { showInvocation } from './resources.ts';
import type { ProblemResource } from './schemas.ts';

/** A request that the API itself refuses: what is wrong, and where. */
export class RequestRefused extends RecadoError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; issues?: readonly Issue[]; headers?: Record<string, string> } = {},
  ) {
    super(code, message, options);
    this.headers = options.headers ?? {};
  }
}

/** To whoever asks a server that closes. */
export const HUB_STOPPING = new RequestRefused('HUB_STOPPING', 'This server is shutting down.', {
  headers: { 'retry-after': '1' },
});

export function problemOf(
  code: ErrorCode,
  detail: string,
  more: Partial<ProblemResource> = {},
): ProblemResource {
  const { status, title } = ERROR_TABLE[code];
  return { type: `urn:recado:problem:${problemSlug(code)}`, title, status, detail, code, ...more };
}

/** What went wrong, as everybody is told it. */
export function problemOfFailure({ code, message, device, issues }: Failure): ProblemResource {
  return problemOf(
    code,
    message,
    definedMembers({ status: device?.status, errors: issues && [...issues], device }),
  );
}

export function sendProblem(reply: FastifyReply, problem: ProblemResource): FastifyReply {
  reply.request.problemCode = problem.code;
  // A string passes Fastify's serialisation by, so that no response schema can cut a member off.
  return reply
    .code(problem.status)
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

/** Tells why an invocation did not complete: its own status, the phase it reached, and whether to try again. */
export function sendFailure(reply: FastifyReply, failure: InvokeFailure): FastifyReply {
  if (failure.retryAfterSeconds !== undefined) reply.header('retry-after', failure.retryAfterSeconds);
  return sendProblem(reply, problemOfInvocation(failure));
}

/** The same, as it is told. */
export function problemOfInvocation(failure: InvokeFailure): ProblemResource {
  const { invocation } = failure;
  return {
    ...problemOfFailure(failure),
    safeToRetry: invocation?.safeToRetry ?? true,
    ...definedMembers({ phase: invocation?.phase, invocation: invocation && showInvocation(invocation) }),
  };
}

/** What the framework refuses, in words of our own. */
const REFUSED_BY_FRAMEWORK: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_BAD_URL: [
    'REQUEST_INVALID',
    'The address cannot be read: it is a path, in which each % has two hexadecimal digits that spell UTF-8.',
  ],
  FST_ERR_MAX_PARAM_LENGTH: ['REQUEST_INVALID', 'A part of the address is longer than this server takes.'],
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: ['REQUEST_INVALID', 'A QUERY says of what Content-Type it is.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE_UNSUPPORTED', 'The Content-Type of the body cannot be read.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_INVALID', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'The request body is larger than http.maxBodyBytes allows.'],
};

function frameworkProblem({ code }: FastifyError): ProblemResource {
  return problemOf(...(REFUSED_BY_FRAMEWORK[code] ?? ['REQUEST_INVALID', 'The request cannot be read.']));
}

/** For requests that fail before a route is found: an address that cannot be decoded, say. */
export function answerFrameworkError(error: FastifyError, reply: FastifyReply): void {
  reply.header('x-content-type-options', 'nosniff');
  sendProblem(reply, frameworkProblem(error));
}

/** Makes every error of this instance a problem. Call it before routes are added. */
export function useProblems(app: FastifyInstance, log: Logger): void {
  const logBudget = new LogBudget(systemClock, log);
  app.addHook('onClose', () => logBudget.close());
  app.setErrorHandler((error: FastifyError | RecadoError, request, reply) => {
    if (error instanceof RequestRefused) reply.headers(error.headers);
    const tellFailure = (): boolean =>
      logBudget.write(
        'requests that failed',
        { err: error },
        `a request failed: ${error.message}`,
        addressParty(request.ip),
      );
    return sendProblem(reply, problemFromError(error, tellFailure));
  });
}

function problemFromError(
  error: FastifyError | RecadoError | StoreError,
  tellFailure: () => void,
): ProblemResource {
  if (error instanceof RecadoError) {
    return problemOf(error.code, error.message, error.issues.length > 0 ? { errors: [...error.issues] } : {});
  }
  if (error instanceof StoreError)
    return problemOf(
      'STORE_UNAVAILABLE',
      `It cannot be kept (${error.message}), and would end with the hub.`,
    );
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) return frameworkProblem(error);
  tellFailure();
  return problemOf('INTERNAL', 'The server failed at this request. Its log says why.');
}
