import { isJsonObject, parseJsonObject } from '../../base/json.ts';
import type { BusMessage } from '../../bus/bus.ts';

const FAILED = 400;
const LAST_STATUS = 599;
const OPEN_BRACE = 0x7b;

/**
 * A failure that a responder answers with: a handler throws it, and the caller of a request reads it out of the answer
 * with `readAnswerError`.
 */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  /** Chosen by the responder: `TANK_EMPTY`. */
  readonly code: string;
  /** 400 to 599, as in HTTP. */
  readonly status: number;

  constructor(code: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 500;
  }
}

/**
 * The failure that an answer tells of: by the user property `status` where there is one, else by a payload that is
 * `{"error": {"code": …, "message": …}}` and nothing beside. Undefined when the answer is a good one.
 */
export function readAnswerError({
  payload,
  properties,
}: Pick<BusMessage, 'payload' | 'properties'>): AnswerError | undefined {
  const told = (properties.userProperties ?? []).find(([name]) => name === 'status')?.[1];
  const status = told !== undefined && /^\d{3}$/.test(told) ? Number(told) : undefined;
  if (status !== undefined && status < FAILED) return undefined;
  const error = readError(payload);
  if (error === undefined && status === undefined) return undefined;
  const { code = 'INTERNAL', message = `it has the status ${status}` } = error ?? {};
  // What is no status of a failure would be one of the caller's own where it passes it on over HTTP.
  return new AnswerError(code, message, { status: [status, error?.status].find(isFailureStatus) ?? 500 });
}

function isFailureStatus(status: number | undefined): status is number {
  return Number.isInteger(status) && Number(status) >= FAILED && Number(status) <= LAST_STATUS;
}

function readError(payload: Uint8Array): { code: string; message: string; status?: number } | undefined {
  const value = payload[0] === OPEN_BRACE ? parseJsonObject(Buffer.from(payload).toString()) : undefined;
  if (value === undefined || Object.keys(value).length !== 1) return undefined;
  const error = value['error'];
  if (!isJsonObject(error)) return undefined;
  const { code, message, status } = error;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return { code, message, ...(typeof status === 'number' && { status }) };
}
