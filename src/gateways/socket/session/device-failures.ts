import type { Failure } from '../../../devices/failure.ts';

/** Its command had been sent: nobody knows whether it was done. */
export function lostFailure(deviceId: string): Failure {
  return {
    code: 'DEVICE_LOST',
    message: `The connection to device ${deviceId} was lost before it answered. It may have done the command.`,
  };
}

/** @param what - may have so many bytes, by the key of `gateways.socket` */
export function inputTooLarge(
  deviceId: string,
  what: string,
  [keyword, limit]: readonly ['maxLineBytes' | 'maxCommandBytes', number],
): Failure {
  const message = `the whole ${what} may have ${limit} bytes (gateways.socket.${keyword})`;
  return {
    code: 'INPUT_INVALID',
    message: `The input is too large for device ${deviceId}.`,
    issues: [{ pointer: '', message, keyword, limit }],
  };
}
