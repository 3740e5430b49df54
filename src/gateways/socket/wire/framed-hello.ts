import { isJsonObject } from '../../../base/json.ts';
import type { ErrorCode } from '../../../base/errors.ts';
import { fail, succeed, type Result } from '../../../base/result.ts';
import { isDeviceId, readDescription, type DeviceDescription } from '../../../devices/description.ts';

/** `{"recado":2,"id":"greenhouse-1","token":"…","description":{…}}` */
export type Hello = {
  readonly id: string;
  readonly token: string | undefined;
  readonly description: DeviceDescription;
};

/** Why a hello is not accepted. */
export type HelloRefusal = { readonly code: ErrorCode; readonly message: string };

/** Reads the first line of a framed device. */
export function readHello(value: unknown): Result<Hello, HelloRefusal> {
  if (!isJsonObject(value)) return refuse('the first line must be an object');
  if (value['recado'] !== 2) return refuse('"recado" must be 2, the version of the protocol');
  const id = value['id'];
  if (typeof id !== 'string' || !isDeviceId(id))
    return refuse('"id" must have 1 to 64 letters, digits or . _ - :');
  const token = value['token'];
  if (token !== undefined && (typeof token !== 'string' || token.length > 512))
    return refuse('"token" must be a text of at most 512 characters');
  const read = readDescription(value['description'] ?? {});
  if (!read.ok) {
    const issues = read.failure.slice(0, 10).map((issue) => `description${issue.pointer} ${issue.message}`);
    return fail({ code: 'DESCRIPTION_INVALID', message: issues.join('; ') });
  }
  return succeed({ id, token, description: read.value });
}

function refuse(message: string): Result<Hello, HelloRefusal> {
  return fail({ code: 'HELLO_INVALID', message: `${message[0]?.toUpperCase()}${message.slice(1)}.` });
}
