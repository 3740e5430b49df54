import type { FastifyRequest } from 'fastify';
import { jsonPayload, readPayload, spaceJson, type JsonPayload } from '../bridge/json-payload.ts';
import { applyMapping, isConstant, type Mapping } from '../bridge/mapping.ts';

/** Undefined: it is nested too deeply to be written. */
export type PayloadMaker = (request: FastifyRequest) => JsonPayload | undefined;
export type ReplyMaker = (payload: JsonPayload, answer: JsonPayload) => string | undefined;

/** How the question of a route is made of an HTTP request. */
export function payloadMaker(mapping: Mapping | undefined): PayloadMaker {
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

/** How the answer over HTTP is made of the answer over MQTT. */
export function replyMaker(mapping: Mapping | undefined): ReplyMaker {
  if (mapping === undefined) return (_payload, answer) => answer.json;
  return (payload, answer) => {
    const sources = { answer: answer.value, request: payload.value };
    return unlessTooDeep(() => jsonPayload(applyMapping(mapping, sources) ?? null))?.json;
  };
}

function spaced(value: unknown): JsonPayload {
  return { value, json: spaceJson(JSON.stringify(value)) };
}

/** Undefined when there is none. */
function readBody({ body }: FastifyRequest): JsonPayload | undefined {
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
