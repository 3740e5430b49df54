import { parseJsonObject, type JsonObject } from '../../base/json.ts';
import { isHeaderField, isToken, type HeaderList } from './header-list.ts';

/** What REQUEST says before the body. */
export type RequestHead = {
  readonly method: string;
  /** Path and query, as they came to the hub, after the name of the service; begins with `/`. */
  readonly target: string;
  readonly headers: HeaderList;
  /** The length of the body where it is known; undefined where it is not, and where there is none. */
  readonly bodyBytes?: number;
  /** The protocol that is to be spoken behind the answer's head, both ways, instead of bodies. */
  readonly upgrade?: 'websocket';
};

/** What RESPONSE says before the body. */
export type ResponseHead = {
  /** 200 to 599; 101 where the request asked for an upgrade. */
  readonly status: number;
  readonly headers: HeaderList;
  /** The length that the target gave; for HEAD and 304 that of the body which is not sent. */
  readonly bodyBytes?: number;
};

const MAX_METHOD_CHARACTERS = 32;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
/**
 * The request line of HTTP: no space, no control character, nothing beyond a byte, and no `#`, which ends a target
 * for some and is a letter of it for others (RFC 9112 section 3.2 has none).
 */
const TARGET = /^\/[\x21\x22\x24-\x7e\x80-\xff]*$/;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Whether doing it twice does no more than doing it once (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

export function encodeHead(head: RequestHead | ResponseHead): Buffer {
  return Buffer.from(JSON.stringify(head));
}

/** Undefined when it is not a request that may be made: the other side is not to be trusted with that. */
export function decodeRequestHead(bytes: Uint8Array): RequestHead | undefined {
  const value = parseObject(bytes);
  if (value === undefined) return undefined;
  const { method, target, headers, bodyBytes, upgrade } = value;
  const isGood =
    typeof method === 'string' &&
    method.length <= MAX_METHOD_CHARACTERS &&
    isToken(method) &&
    method !== 'CONNECT' &&
    isTarget(target) &&
    isHeaderList(headers) &&
    isBodyBytes(bodyBytes) &&
    isUpgrade(upgrade);
  if (!isGood || (upgrade !== undefined && bodyBytes !== undefined)) return undefined;
  const optional = { ...(bodyBytes !== undefined && { bodyBytes }), ...(upgrade && { upgrade }) };
  return { method, target, headers, ...optional };
}

/** Undefined when it is not an answer that HTTP knows. */
export function decodeResponseHead(bytes: Uint8Array): ResponseHead | undefined {
  const value = parseObject(bytes);
  if (value === undefined) return undefined;
  const { status, headers, bodyBytes } = value;
  const isGood =
    (status === 101 || isWhole(status, 200, 599)) && isHeaderList(headers) && isBodyBytes(bodyBytes);
  if (!isGood) return undefined;
  return { status, headers, ...(bodyBytes !== undefined && { bodyBytes }) };
}

export function isTarget(target: unknown): target is string {
  return typeof target === 'string' && TARGET.test(target);
}

/** JSON in UTF-8 that is an object; undefined when it is not. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseJsonObject(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

export function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isBodyBytes(value: unknown): value is number | undefined {
  return value === undefined || isWhole(value, 0, Number.MAX_SAFE_INTEGER);
}

function isUpgrade(value: unknown): value is 'websocket' | undefined {
  return value === undefined || value === 'websocket';
}

function isHeaderList(value: unknown): value is HeaderList {
  return Array.isArray(value) && value.every(isPair);
}

function isPair(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [name, text] = value as [unknown, unknown];
  return typeof name === 'string' && typeof text === 'string' && isHeaderField(name, text);
}
