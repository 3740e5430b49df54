import { isJsonObject } from '../base/json.ts';
import type { DeviceFailure, Failure } from '../devices/failure.ts';

const MAX_CODE_CHARACTERS = 128;
const MAX_MESSAGE_CHARACTERS = 2048;

/** Its command had been sent: nobody knows whether it was done. */
export function lostFailure(deviceId: string): Failure {
  return {
    code: 'DEVICE_LOST',
    message: `The connection to device ${deviceId} was lost before it answered. It may have done the command.`,
  };
}

/** It went before the command was sent. */
export function offlineFailure(deviceId: string): Failure {
  return {
    code: 'DEVICE_OFFLINE',
    message: `Device ${deviceId} went offline before the command was sent.`,
    retryAfterSeconds: 5,
  };
}

/**
 * @param what - may have so many bytes, by the key of the configuration
 */
export function inputTooLarge(
  deviceId: string,
  what: string,
  [key, limit]: readonly [key: string, limit: number],
): Failure {
  const message = `the whole ${what} may have ${limit} bytes (${key})`;
  const keyword = key.slice(key.lastIndexOf('.') + 1);
  return {
    code: 'INPUT_INVALID',
    message: `The input is too large for device ${deviceId}.`,
    issues: [{ pointer: '', message, keyword, limit }],
  };
}

/** What a device said of a command that it could not do: `{code?, message?, status?}`, or anything else. */
export function deviceFailure(deviceId: string, commandName: string, error: unknown): Failure {
  const device = readDeviceFailure(error);
  return {
    code: 'DEVICE_ERROR',
    message: device.message ?? `Device ${deviceId} answered that ${commandName} failed.`,
    device,
  };
}

function readDeviceFailure(error: unknown): DeviceFailure {
  if (!isJsonObject(error)) return { payload: error };
  const { code, message, status } = error;
  return {
    ...(typeof code === 'string' && { code: code.slice(0, MAX_CODE_CHARACTERS) }),
    ...(typeof message === 'string' && { message: message.slice(0, MAX_MESSAGE_CHARACTERS) }),
    ...(isErrorStatus(status) && { status }),
    payload: error,
  };
}

/** An HTTP status with which a device may say that it failed. */
export function isErrorStatus(status: unknown): status is number {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599;
}
