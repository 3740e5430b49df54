import { fail, succeed, type Result } from '../base/result.ts';
import { gatewayLine } from './bridge-lines.ts';
import { jsonPayload, readPayload, spaceJson, type JsonPayload } from './json-payload.ts';
import { applyMapping, isConstant, type Mapping } from './mapping.ts';
import type { BridgeServerRoute } from './server-config.ts';
import type { AskFailure, AskOptions, TopicCaller } from './topic-caller.ts';

/** What came over HTTP. */
type RouteRequest = { readonly body: unknown; readonly query: unknown; readonly params: unknown };

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

  /** The JSON that is answered over HTTP. */
  async ask(request: RouteRequest, options: AskOptions): Promise<Result<string, AskFailure>> {
    const payload = this.#makePayload(request);
    if (payload === undefined) return tooDeep('REQUEST_INVALID', 'The body');
    const asked = await this.#caller.ask(this.#route, payload.json, options);
    if (!asked.ok) return asked;
    this.#print?.(gatewayLine(this.#route.response, asked.value.json));
    return this.#mapAnswer(payload, asked.value);
  }

  #mapAnswer(payload: JsonPayload, answer: JsonPayload): Result<string, AskFailure> {
    const { reply: mapping } = this.#route;
    if (mapping === undefined) return succeed(answer.json);
    const sources = { answer: answer.value, request: payload.value };
    const mapped = unlessTooDeep(() => jsonPayload(applyMapping(mapping, sources) ?? null));
    return mapped === undefined ? tooDeep('BAD_ANSWER', 'The answer') : succeed(mapped.json);
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
  return Buffer.isBuffer(body) && body.length > 0 ? readPayload(body) : undefined;
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
