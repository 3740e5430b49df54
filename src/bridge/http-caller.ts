import { isJsonObject, parseJson } from '../base/json.ts';
import * as http from 'node:http';
import * as https from 'node:https';
import { fail, succeed, type Result } from '../base/result.ts';
import type { HttpCall } from './http-call.ts';
import { METHODS_WITH_BODY } from './http-method.ts';
import type { JsonPayload } from './json-payload.ts';

/**
 * How long a connection is kept without a request: less than what servers commonly allow, so that a request seldom
 * meets a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 4000;
const MAX_FREE_SOCKETS = 64;

/** What the service answered. */
type HttpAnswer =
  | { readonly kind: 'json'; readonly status: number; readonly value: unknown }
  | { readonly kind: 'text'; readonly status: number; readonly text: string };

type CallFailure = { readonly message: string; readonly isTimeOver: boolean };
export type CallResult = Result<HttpAnswer, CallFailure>;

type CallOptions = {
  readonly timeoutMs: number;
  /** Of the answer's body. */
  readonly maxAnswerBytes: number;
};

/** Calls one HTTP service, over connections that are kept. Redirections are answers like others: none is followed. */
export class HttpCaller {
  readonly #target: HttpCall;
  /** For texts. */
  readonly #label: string;
  readonly #agent: http.Agent;
  readonly #options: http.RequestOptions;

  constructor(target: HttpCall) {
    const { method, url } = target;
    const { Agent } = url.protocol === 'https:' ? https : http;
    this.#target = target;
    this.#label = `${url.origin}${url.pathname}`;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS, timeout: KEEP_ALIVE_MS });
    const host = url.hostname.replaceAll(/[[\]]/g, '');
    this.#options = { host, port: url.port, method, agent: this.#agent };
  }

  /** Sends the payload as JSON; where the method has no body, the members of an object in the query. Never rejects. */
  call(payload: JsonPayload, { timeoutMs, maxAnswerBytes }: CallOptions): Promise<CallResult> {
    return new Promise((resolve) => {
      const label = this.#label;
      const request = this.#request(payload);
      const end = (result: CallResult): void => {
        clearTimeout(timer);
        resolve(result);
      };
      const giveUp = (message: string, isTimeOver = false): void => {
        end(fail({ message, isTimeOver }));
        request.destroy();
      };
      const onError = (error: NodeJS.ErrnoException): void => giveUp(describeError(error, label));
      const tellLate = (): void => giveUp(`${label} did not answer within ${Math.round(timeoutMs)} ms`, true);
      const timer = setTimeout(tellLate, timeoutMs);
      request.on('error', onError);
      request.on('response', (response) => {
        response.on('error', onError);
        collect(response, maxAnswerBytes, (text) => {
          if (text === undefined) giveUp(`the answer of ${label} has more than ${maxAnswerBytes} bytes`);
          else end(succeed(readAnswer(response.statusCode ?? 0, text)));
        });
      });
    });
  }

  /** Calls that run fail. */
  close(): void {
    this.#agent.destroy();
  }

  #request({ value, json }: JsonPayload): http.ClientRequest {
    const { method, url } = this.#target;
    const { request } = url.protocol === 'https:' ? https : http;
    const { pathname, search, host } = url;
    const accept = 'application/json, */*';
    if (!METHODS_WITH_BODY.has(method)) {
      const path = `${pathname}${withQuery(search, value)}`;
      return request({ ...this.#options, path, headers: { host, accept } }).end();
    }
    const body = Buffer.from(json);
    const headers = { host, accept, 'content-type': 'application/json', 'content-length': body.length };
    return request({ ...this.#options, path: `${pathname}${search}`, headers }).end(body);
  }
}

/** @param done - undefined when there is more than allowed */
function collect(
  response: http.IncomingMessage,
  maxBytes: number,
  done: (text: string | undefined) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) return done(undefined);
    chunks.push(chunk);
  });
  response.on('end', () => {
    if (response.complete && bytes <= maxBytes) done(Buffer.concat(chunks).toString());
  });
}

function readAnswer(status: number, text: string): HttpAnswer {
  const value = parseJson(text);
  return value === undefined ? { kind: 'text', status, text } : { kind: 'json', status, value };
}

/** Members that are texts, numbers or truth values; a query has no room for others. */
function withQuery(search: string, value: unknown): string {
  if (!isJsonObject(value)) return search;
  const query = new URLSearchParams(search);
  for (const [name, member] of Object.entries(value))
    if (['string', 'number', 'boolean'].includes(typeof member)) query.append(name, String(member));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function describeError({ code, message }: NodeJS.ErrnoException, label: string): string {
  const what = code === 'ECONNREFUSED' ? 'nothing listens there' : (code ?? message);
  return `${label} cannot be reached: ${what}`;
}
