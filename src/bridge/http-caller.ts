import type { IncomingHttpHeaders } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import type { Alarms } from '../base/alarms.ts';
import { fail, succeed, type Result } from '../base/result.ts';
import { findCharset, readText } from '../base/read-text.ts';
import { WheelTimer } from '../base/timer-wheel.ts';
import { TLS_FAULT_WORDS, tlsFaultOf } from '../base/tls-fault.ts';
import { callTarget, type CallTarget } from './call-target.ts';
import type { HttpCall } from './http-call.ts';
import { METHODS_WITH_BODY } from './http-method.ts';
import type { JsonPayload } from './json-payload.ts';

/**
 * How long a connection is kept without a request: less than what servers commonly allow, so that a request seldom
 * meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 4000;

/** What the service answered. */
type HttpAnswer = { readonly status: number; readonly text: string };

/** Why there is no answer of the service, and the status that says it in its place. */
type CallFailure = { readonly status: 400 | 502 | 504; readonly message: string };
export type CallResult = Result<HttpAnswer, CallFailure>;

type CallOptions = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Of the answer's body. */
  readonly maxAnswerBytes: number;
};

/** Calls one HTTP service, over connections that are kept. Redirections are answers like others: none is followed. */
export class HttpCaller {
  readonly #call: HttpCall;
  readonly #alarms: Alarms;
  readonly #targetOf: CallTarget;
  /** For texts. */
  readonly #label: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pool: Pool;

  constructor(call: HttpCall, alarms: Alarms) {
    const { url, method } = call;
    this.#call = call;
    this.#alarms = alarms;
    this.#targetOf = callTarget(call);
    this.#label = `${url.origin}${url.pathname}`;
    this.#headers = {
      accept: 'application/json, */*',
      ...(METHODS_WITH_BODY.has(method) && { 'content-type': 'application/json' }),
    };
    // How long an answer may take is told with each call.
    const limits = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 0, bodyTimeout: 0, allowH2: false };
    this.#pool = new Pool(url.origin, { ...limits, connections: null });
  }

  /** Sends the payload as JSON; where the method has no body, the members of an object in the query. Never rejects. */
  call(
    { value, json }: JsonPayload,
    { timeoutMs, signal, maxAnswerBytes }: CallOptions,
  ): Promise<CallResult> {
    const target = this.#targetOf(value);
    if (!target.ok) return Promise.resolve(fail({ status: 400, message: target.failure }));
    const { method } = this.#call;
    const reading = new AnswerReading(this.#label, maxAnswerBytes);
    const timer = new WheelTimer(() =>
      reading.giveUp(504, `${this.#label} did not answer within ${Math.round(timeoutMs)} ms`),
    );
    const leave = (): void => reading.giveUp(504, 'the caller has left');
    signal.addEventListener('abort', leave, { once: true });
    this.#alarms.set(timer, this.#alarms.clock.monotonic() + timeoutMs);
    reading.onEnd = () => {
      this.#alarms.clear(timer);
      signal.removeEventListener('abort', leave);
    };
    const body = METHODS_WITH_BODY.has(method) ? json : null;
    this.#pool.dispatch({ method, path: target.value, headers: this.#headers, body }, reading);
    return reading.promise;
  }

  /** Calls that run fail. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** One answer, as it comes. */
class AnswerReading implements Dispatcher.DispatchHandler {
  readonly promise: Promise<CallResult>;
  onEnd: () => void = () => {};
  readonly #label: string;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  readonly #resolve: (result: CallResult) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #bytes = 0;
  #status = 0;
  #charset: string | undefined;
  #failure: CallFailure | undefined;

  constructor(label: string, maxBytes: number) {
    const { promise, resolve } = Promise.withResolvers<CallResult>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#label = label;
    this.#maxBytes = maxBytes;
  }

  /** Ends the call, and says why instead of an answer. */
  giveUp(status: CallFailure['status'], message: string): void {
    this.#failure ??= { status, message };
    this.#end(fail(this.#failure));
    this.#controller?.abort(new Error(message));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was given up while it waited for a connection.
    if (this.#failure !== undefined) controller.abort(new Error(this.#failure.message));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#charset = findCharset(headers['content-type']);
    const coding = headers['content-encoding'] ?? 'identity';
    // None was asked for.
    if (coding !== 'identity') this.#refuse(`has the Content-Encoding ${coding}`);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) this.#chunks.push(chunk);
    else this.#refuse(`has more than ${this.#maxBytes} bytes`);
  }

  onResponseEnd(): void {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first;
    const text = readText(bytes, this.#charset);
    if (text === undefined) this.#refuse(`is not ${(this.#charset ?? 'utf-8').toUpperCase()}`);
    else this.#end(succeed({ status: this.#status, text }));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: NodeJS.ErrnoException): void {
    const fault = tlsFaultOf(error);
    const known = error.code === 'ECONNREFUSED' ? 'nothing listens there' : fault && TLS_FAULT_WORDS[fault];
    const what = known ?? error.code ?? error.message;
    this.#end(fail(this.#failure ?? { status: 502, message: `${this.#label} cannot be reached: ${what}` }));
  }

  /** @param what - that is wrong with the answer */
  #refuse(what: string): void {
    this.giveUp(502, `the answer of ${this.#label} ${what}`);
  }

  #end(result: CallResult): void {
    this.onEnd();
    this.#resolve(result);
  }
}
