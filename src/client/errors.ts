import type {
  DeviceFailureResource,
  InvocationResource,
  IssueResource,
  PhaseResource,
  ProblemResource,
} from '../api/schemas.ts';
import type { ErrorCode } from '../base/errors.ts';
import { TLS_FAULT_WORDS, type TlsFault } from '../base/tls-fault.ts';

/** A code of the hub's table of errors; a newer hub may send one that this version does not know. */
export type ProblemCode = ErrorCode | (string & {});

/** Everything that this library throws about a hub, except the reason of the caller's own `signal`. */
export abstract class ClientError extends Error {
  /**
   * Whether the same call may be made again without doing the thing twice. Undefined: the hub did not say.
   */
  abstract readonly safeToRetry: boolean | undefined;
}

/** The hub answered that it cannot do what was asked, and why. */
export class ProblemError extends ClientError {
  override readonly name = 'ProblemError';
  /** Stable: compare this one. `DEVICE_OFFLINE`, `ANSWER_TIMEOUT` … */
  readonly code: ProblemCode;
  /** The HTTP status. */
  readonly status: number;
  /** What the code means, in a sentence. */
  readonly title: string;
  /** What happened this time. */
  readonly detail: string;
  /** How far the command came, when a command was invoked. */
  readonly phase: PhaseResource | undefined;
  readonly safeToRetry: boolean | undefined;
  /** When another try makes sense, in ms from the answer; undefined when the hub did not say. */
  readonly retryAfterMs: number | undefined;
  /** Where the input does not fit; empty for other problems. */
  readonly errors: readonly IssueResource[];
  readonly invocation: InvocationResource | undefined;
  /** What the device itself said, for `DEVICE_ERROR`. */
  readonly device: DeviceFailureResource | undefined;

  /** @param asked - `provesPassword`: a token would not have helped */
  constructor(problem: ProblemResource, retryAfterMs?: number, asked = { provesPassword: false }) {
    super(problemMessage(problem, retryAfterMs, asked));
    this.code = problem.code;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    this.phase = problem.phase;
    this.safeToRetry = problem.safeToRetry;
    this.retryAfterMs = retryAfterMs;
    this.errors = problem.errors ?? [];
    this.invocation = problem.invocation;
    this.device = problem.device;
  }
}

/**
 * Why no answer came. `refused`: nothing listens there; `unknown-host`: the name has no address; `no-route`: no
 * way to that address; `timeout`: no answer in time; `broken`: the connection ended before the whole answer;
 * `blocked-port`: `fetch` refuses that port, whatever listens there; `certificate-…`: the hub's certificate was not
 * accepted; `no-tls`: what listens there speaks no TLS; `failed`: anything else (in a browser, which does
 * not tell, always this one).
 */
export type UnreachableReason =
  | 'refused'
  | 'unknown-host'
  | 'no-route'
  | 'timeout'
  | 'broken'
  | 'blocked-port'
  | TlsFault
  | 'failed';

const UNREACHABLE_ADVICE: Record<UnreachableReason, string> = {
  refused: 'Nothing listens there: start the hub, or correct the address.',
  'unknown-host': 'The host name is unknown: correct the address.',
  'no-route': 'No way leads there: check the network and the address.',
  timeout: 'It did not answer in time: check that the hub runs and that the network reaches it.',
  broken:
    'The connection ended before the whole answer came: try again when the hub is back; see whether its address begins with http or https.',
  'blocked-port':
    'HTTP clients refuse that port because it belongs to another service: let the hub use another one.',
  'certificate-untrusted': sentenceOf(
    'certificate-untrusted',
    'name the certificate of its CA in NODE_EXTRA_CA_CERTS',
  ),
  'certificate-name': sentenceOf('certificate-name', 'use the name in the certificate'),
  'certificate-time': sentenceOf('certificate-time', 'renew it, or set the clock of this machine'),
  'no-tls': sentenceOf('no-tls', 'write http:// for https://, or correct the port'),
  failed: 'Check the address, the network and that the hub runs.',
};

function sentenceOf(fault: TlsFault, next: string): string {
  const words = TLS_FAULT_WORDS[fault];
  return `${words[0]?.toUpperCase()}${words.slice(1)}: ${next}.`;
}

/**
 * No answer came from the hub. What was asked may or may not have been done: see `safeToRetry`. Its fields are
 * accessors, so that Node prints the message and not an object when nobody catches it.
 */
export class HubUnreachableError extends ClientError {
  override readonly name = 'HubUnreachableError';
  readonly #url: string;
  readonly #reason: UnreachableReason;
  readonly #safeToRetry: boolean;

  /** @param options - `cause`: what failed below; kept only when the reason does not say it */
  constructor(options: { url: string; reason: UnreachableReason; safeToRetry: boolean; cause?: unknown }) {
    const doubt = options.safeToRetry
      ? ''
      : ' The command may have been carried out: look before you invoke it again.';
    super(
      `The hub at ${options.url} cannot be reached. ${UNREACHABLE_ADVICE[options.reason]}${doubt}`,
      options.reason === 'failed' && options.cause !== undefined ? { cause: options.cause } : undefined,
    );
    this.#url = options.url;
    this.#reason = options.reason;
    this.#safeToRetry = options.safeToRetry;
  }

  /** The hub's address. */
  get url(): string {
    return this.#url;
  }

  get reason(): UnreachableReason {
    return this.#reason;
  }

  /** False only for a command that may have reached the hub. */
  get safeToRetry(): boolean {
    return this.#safeToRetry;
  }
}

/** Something answered, but not as a hub of this version does: another server, or a proxy in between. */
export class HubAnswerError extends ClientError {
  override readonly name = 'HubAnswerError';
  /** The hub's address. */
  readonly url: string;
  /** The HTTP status of the answer; 0 when it was not HTTP. */
  readonly status: number;
  /** What is wrong with the answer, in a few words. */
  readonly detail: string;
  /** Where the answer sends to, when it is a redirect that says so. */
  readonly location: string | undefined;
  /** False only for a command that may have been carried out. */
  readonly safeToRetry: boolean;

  constructor(
    options: Pick<HubAnswerError, 'url' | 'status' | 'detail' | 'safeToRetry'> & {
      location?: string | undefined;
      cause?: unknown;
    },
  ) {
    const advice = 'Check that the address is that of a Recado hub, with no other server in between.';
    const status = options.status === 0 ? '' : ` (status ${options.status})`;
    super(`The answer of ${options.url}${status} ${options.detail}. ${advice}`, {
      cause: options.cause,
    });
    this.url = options.url;
    this.status = options.status;
    this.detail = options.detail;
    this.location = options.location;
    this.safeToRetry = options.safeToRetry;
  }
}

function problemMessage(
  problem: ProblemResource,
  retryAfterMs: number | undefined,
  { provesPassword }: { readonly provesPassword: boolean },
): string {
  const parts = [sentence(problem.detail === '' ? problem.title : problem.detail)];
  for (const { pointer, message } of problem.errors ?? []) {
    const isTold = problem.detail.includes(pointer) && problem.detail.includes(message);
    if (!isTold) parts.push(sentence(`${pointer === '' ? 'The input' : pointer} ${message}`));
  }
  if (problem.code === 'UNAUTHENTICATED' && !provesPassword)
    parts.push('Give createClient the token of this hub, or sign in.');
  if (problem.safeToRetry === true && canSucceedLater(problem.status)) parts.push('It is safe to try again.');
  if (problem.safeToRetry === false)
    parts.push('The device may have done it: look before you invoke it again.');
  if (retryAfterMs !== undefined)
    parts.push(`Another try makes sense in ${Math.ceil(retryAfterMs / 1000)} s.`);
  return `${parts.join(' ')} (${problem.code}, status ${problem.status})`;
}

/** Whether the same request may be answered otherwise another time: what a hub refuses with 4xx it refuses again. */
function canSucceedLater(status: number): boolean {
  return status === 429 || status < 400 || status > 499;
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
