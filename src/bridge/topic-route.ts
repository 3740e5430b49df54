import { fail, succeed, type Result } from '../base/result.ts';
import { gatewayLine } from './bridge-lines.ts';
import { jsonPayload, readPayload, spaceJson, type JsonPayload } from './json-payload.ts';
import { applyMapping, isConstant, type Mapping, type MappingSources } from './mapping.ts';
import { isHttpStatus } from './route-leaf.ts';
import type { BridgeServerRoute } from './server-config.ts';
import type { AskFailure, AskOptions, TopicCaller } from './topic-caller.ts';

/** What came over HTTP; of the body its text, where there is one. */
type RouteRequest = { readonly body: string | undefined; readonly query: unknown; readonly params: unknown };

/** What is answered over HTTP. */
type RouteAnswer = { readonly status: number; readonly json: string };

const OK = 200;

/** Undefined: it is nested too deeply to be written. */
type PayloadMaker = (request: RouteRequest) => JsonPayload | undefined;

/** A route of gateway.yaml at work: makes the question of an HTTP request, and its body of the answer. */
export class TopicRoute {
  readonly #route: BridgeServerRoute;
  readonly #caller: TopicCaller;
  readonly #print: ((line: string) => void) | undefined;
  readonly #makePayload: PayloadMaker;

  /** @param print - gets a line for each answer */
  constructor(route: BridgeServerRoute, caller: TopicCaller, print?: (line: string) => void) {
    this.#route = route;
    this.#caller = caller;
    this.#print = print;
    this.#makePayload = payloadMaker(route.payload);
  }

  /** What is answered over HTTP. */
  async ask(request: RouteRequest, options: AskOptions): Promise<Result<RouteAnswer, AskFailure>> {
    const payload = this.#makePayload(request);
    if (payload === undefined) return tooDeep('REQUEST_INVALID', 'The body');
    const asked = await this.#caller.ask(this.#route, payload.json, options);
    if (!asked.ok) return asked;
    const { payload: answer, status } = asked.value;
    this.#print?.(gatewayLine(this.#route.response, answer.json));
    return this.#mapAnswer(answer, { answer: answer.value, request: payload.value, status });
  }

  #mapAnswer(
    answer: JsonPayload,
    sources: MappingSources & { readonly status: number | undefined },
  ): Result<RouteAnswer, AskFailure> {
    const { reply: mapping, status: statusMapping } = this.#route;
    const mapped = statusMapping === undefined ? undefined : applyMapping(statusMapping, sources);
    const status = mapped ?? sources.status ?? OK;
    if (!isHttpStatus(status)) return badAnswer('The status in the answer is no number from 200 to 599.');
    if (mapping === undefined) return succeed({ status, json: answer.json });
    const body = unlessTooDeep(() => jsonPayload(applyMapping(mapping, { ...sources, status }) ?? null));
    return body === undefined ? tooDeep('BAD_ANSWER', 'The answer') : succeed({ status, json: body.json });
  }
}

function payloadMaker(mapping: Mapping | undefined): PayloadMaker {
  if (mapping === undefined) return (request) => readBody(request) ?? spaced(request.query);
  if (isConstant(mapping)) {
    const payload = spaced(applyMapping(mapping, {}));
    return () => payload;
  }
  return (request) => {
    const { query, params } = request;
    const sources = { query, params, body: readBody(request)?.value };
    return unlessTooDeep(() => spaced(applyMapping(mapping, sources) ?? null));
  };
}

function spaced(value: unknown): JsonPayload {
  return { value, json: spaceJson(JSON.stringify(value)) };
}

/** Undefined when there is none. */
function readBody({ body }: RouteRequest): JsonPayload | undefined {
  return body === undefined ? undefined : readPayload(body);
}

function unlessTooDeep<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function tooDeep(code: string, what: string): Result<never, AskFailure> {
  return fail({ kind: 'refused', code, message: `${what} is nested too deeply.`, isTransient: false });
}

function badAnswer(message: string): Result<never, AskFailure> {
  return fail({ kind: 'refused', code: 'BAD_ANSWER', message, isTransient: false });
}
