import type { BusMessage } from '../../bus/bus.ts';
import { isJsonObject } from '../../base/json.ts';
import { fail, succeed, type Result } from '../../base/result.ts';
import type { Failure } from '../../devices/failure.ts';
import type { Invocation } from '../../devices/invocation.ts';
import { deviceFailure, isErrorStatus } from '../device-failures.ts';
import { readMessageValue, userProperty } from './message-value.ts';

type AnswerLimits = Parameters<typeof readMessageValue>[1];

/**
 * What a device answered: the output, or `{"error": {code, message, status?}}`. The user property `status` decides
 * where it is there, so that an output may have an `error` as well.
 */
export function readAnswer(
  message: BusMessage,
  { deviceId, command }: Invocation,
  limits: AnswerLimits,
): Result<unknown, Failure> {
  const read = readMessageValue(message, limits);
  if (!read.ok)
    return fail({ code: 'BAD_ANSWER', message: `The answer of device ${deviceId} ${read.failure.why}.` });
  const { value = null } = read;
  const status = readStatus(message);
  const hasFailed = status === undefined ? isErrorAnswer(value) : isErrorStatus(status);
  if (!hasFailed) return succeed(value);
  const error = isErrorAnswer(value) ? value.error : value;
  const said = isJsonObject(error) && status !== undefined ? { status, ...error } : error;
  const failure = deviceFailure(deviceId, command.name, said);
  return fail(status === undefined ? failure : { ...failure, device: { status, ...failure.device } });
}

function readStatus(message: BusMessage): number | undefined {
  const text = userProperty(message, 'status');
  return text !== undefined && /^[1-5]\d\d$/.test(text) ? Number(text) : undefined;
}

function isErrorAnswer(value: unknown): value is { readonly error: unknown } {
  return isJsonObject(value) && isJsonObject(value['error']);
}
